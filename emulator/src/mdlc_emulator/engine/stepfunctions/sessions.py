"""Assumed-role sessions and their clients, made once and renewed in time. Pure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

# STS sessions last an hour; AWS, too, goes on with the credentials it has.
RENEW_AFTER = 900.0


class Sessions:
    """(role, region) -> client factory of one assumed-role session; thread-safe."""

    def __init__(self, assume: Callable[..., Any], now: Callable[[], float] = time.monotonic) -> None:
        self._assume = assume
        self._now = now
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], tuple[float, dict[str, Any], Any]] = {}

    def client(self, service: str, region: str, role_arn: str) -> Any:
        key = (role_arn, region)
        with self._lock:
            known = self._known.get(key)
        if known is None or self._now() - known[0] > RENEW_AFTER:
            known = (self._now(), {}, self._assume(role_arn=role_arn, region=region))
            with self._lock:
                self._known[key] = known
        _, clients, factory = known
        client = clients.get(service)
        if client is None:
            client = clients[service] = factory.get_client(service=service)
        return client
