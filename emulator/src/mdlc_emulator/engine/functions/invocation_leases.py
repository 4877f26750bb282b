"""How many invocations of a function, and of an account in a region, may run at once.

Lambda counts concurrency per account and region. A function with reserved concurrency draws on its own
share only; all others share what is left. Environments of provisioned concurrency are used first.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from localstack import config
from localstack.aws.api.lambda_ import (
    ThrottleReason,
    TooManyRequestsException,
)
from localstack.services.lambda_.invocation.counting_service import CountingService
from localstack.services.lambda_.invocation.lambda_models import (
    Function,
    FunctionVersion,
    InitializationType,
    ProvisionedConcurrencyState,
)
from localstack.services.lambda_.invocation.models import lambda_stores


@dataclass
class Running:
    """What runs in one account and region just now."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    on_demand: Counter[str] = field(default_factory=Counter)
    """function name -> invocations outside provisioned concurrency"""
    provisioned: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(function name, version) -> invocations in provisioned environments"""
    total: int = 0


def provisioned_of(function: Function) -> int:
    """The provisioned concurrency of all versions and aliases of a function."""
    configs = function.provisioned_concurrency_configs
    return sum(config.provisioned_concurrent_executions for config in configs.values()) if configs else 0


def provisioned_for(function: Function, version: str) -> int:
    """The provisioned concurrency of one version, set on itself or on an alias that points to it."""
    if not function.provisioned_concurrency_configs:
        return 0
    found = function.provisioned_concurrency_configs.get(version)
    if found is None:
        for alias in function.aliases.values():
            if alias.function_version == version:
                found = function.provisioned_concurrency_configs.get(alias.name)
                break
    return found.provisioned_concurrent_executions if found else 0


class Leases(CountingService):
    """Grants the right to run one invocation, or refuses it as Lambda does (429)."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._scopes: dict[tuple[str, str], Running] = {}
        self._lock = threading.Lock()

    def running(self, account: str, region: str) -> Running:
        found = self._scopes.get((account, region))
        if found is None:
            with self._lock:
                found = self._scopes.setdefault((account, region), Running())
        return found

    @contextmanager
    def get_invocation_lease(
        self,
        function: Function | None,
        function_version: FunctionVersion,
        provisioned_state: ProvisionedConcurrencyState | None = None,
    ) -> Iterator[InitializationType]:
        """Hold one unit of concurrency; a TooManyRequestsException when there is none."""
        identifier = function_version.id
        running = self.running(identifier.account, identifier.region)
        with running.lock:
            kind = self._grant(running, function, function_version, provisioned_state)
            running.total += 1
        try:
            yield kind
        finally:
            with running.lock:
                running.total -= 1
                if kind == InitializationType.provisioned_concurrency:
                    running.provisioned[identifier.function_name, identifier.qualifier] -= 1
                else:
                    running.on_demand[identifier.function_name] -= 1

    def _grant(
        self,
        running: Running,
        function: Function | None,
        version: FunctionVersion,
        state: ProvisionedConcurrencyState | None,
    ) -> InitializationType:
        name, qualifier = version.id.function_name, version.id.qualifier
        reserved = function.reserved_concurrent_executions if function else None
        if reserved == 0:
            raise _throttled(ThrottleReason.ReservedFunctionConcurrentInvocationLimitExceeded)
        if function and state:
            available = min(provisioned_for(function, qualifier), state.available)
            if running.provisioned[name, qualifier] < available:
                running.provisioned[name, qualifier] += 1
                return InitializationType.provisioned_concurrency
        if function and reserved is not None:
            if running.on_demand[name] >= reserved - provisioned_of(function):
                raise _throttled(ThrottleReason.ReservedFunctionConcurrentInvocationLimitExceeded)
        elif _used(running, version) >= config.LAMBDA_LIMITS_CONCURRENT_EXECUTIONS:
            raise _throttled(ThrottleReason.ConcurrentInvocationLimitExceeded)
        running.on_demand[name] += 1
        return InitializationType.on_demand


def _used(running: Running, version: FunctionVersion) -> int:
    """What of the account's concurrency is taken: reserved, provisioned, or running outside both."""
    used = 0
    for name, function in list(lambda_stores[version.id.account][version.id.region].functions.items()):
        if function.reserved_concurrent_executions is not None:
            used += function.reserved_concurrent_executions
        else:
            used += provisioned_of(function) + running.on_demand[name]
    return used


def _throttled(reason: ThrottleReason) -> TooManyRequestsException:
    return TooManyRequestsException("Rate Exceeded.", Reason=reason, Type="User")
