"""Clients of assumed roles, made once: the stock interpreter assumes the role and builds one at every task.

A client keeps the identity of the session it was made for, so the callee sees the same assumed role as
before: one session per role and region, renewed long before its credentials expire.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from localstack.services.stepfunctions.asl.utils import boto_client

from mdlc_emulator.engine.stepfunctions.patching import original, replace_everywhere

# STS sessions last an hour; AWS, too, goes on with the credentials it has.
RENEW_AFTER = 900.0


class Sessions:
    """(role, region) -> client factory of one assumed-role session; thread-safe."""

    def __init__(self, assume: Any) -> None:
        self._assume = assume
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], tuple[float, dict[str, Any], Any]] = {}

    def client(self, service: str, region: str, role_arn: str) -> Any:
        key = (role_arn, region)
        with self._lock:
            known = self._known.get(key)
        if known is None or time.monotonic() - known[0] > RENEW_AFTER:
            known = (time.monotonic(), {}, self._assume(role_arn=role_arn, region=region))
            with self._lock:
                self._known[key] = known
        _, clients, factory = known
        client = clients.get(service)
        if client is None:
            client = clients[service] = factory.get_client(service=service)
        return client


def install() -> None:
    from localstack.aws.connect import connect_to
    from localstack.utils.aws.client_types import ServicePrincipal

    config = original(boto_client, "_BOTO_CLIENT_CONFIG")

    def assume(role_arn: str, region: str) -> Any:
        return connect_to.with_assumed_role(
            role_arn=role_arn,
            service_principal=ServicePrincipal(ServicePrincipal.states),
            region_name=region,
            config=config,
        )

    sessions = Sessions(assume)

    def boto_client_for(service: str, region: str, state_credentials: Any) -> Any:
        return sessions.client(service, region, state_credentials.role_arn)

    replace_everywhere(
        "localstack.services.stepfunctions", original(boto_client, "boto_client_for"), boto_client_for
    )
