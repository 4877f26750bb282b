"""Clients of assumed roles, made once: the stock interpreter assumes the role and builds one at every task.

A client keeps the identity of the session it was made for, so the callee sees the same assumed role as
before: one session per role and region, renewed long before its credentials expire.
"""

from __future__ import annotations

from typing import Any

from localstack.services.stepfunctions.asl.utils import boto_client

from mdlc_emulator.engine.stepfunctions.patching import original, replace_everywhere
from mdlc_emulator.engine.stepfunctions.sessions import Sessions


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
