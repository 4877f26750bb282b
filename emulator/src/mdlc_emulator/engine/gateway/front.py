"""Front handlers: a place before LocalStack's whole chain for the few calls that are worth a path of their
own.

A front handler sees every HTTP request that reaches the gateway from outside, before LocalStack does. It
looks at method, path and headers and either answers or returns None at once; while it has returned None it
must not have read the body. Handlers are asked in the order of `register`. What they answer is counted in the
fidelity ledger by the `Call` that they give with it, exactly as if the chain had handled it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from mdlc_emulator.engine.gateway.http1 import Head


@dataclass(slots=True, frozen=True)
class FrontRequest:
    """One request as it came: `path` is still percent-encoded and without the query; `body` is a stream."""

    head: Head
    path: str
    query: str
    body: BinaryIO
    remote: str

    @property
    def method(self) -> str:
        return self.head.method

    def header(self, name: str, default: str = "") -> str:
        """The value of a header; `name` in lower case."""
        return self.head.fields.get(name, default)


@dataclass(slots=True, frozen=True)
class Call:
    """The API call that an answer stands for: what the ledger counts.

    `service` and `operation` are botocore's names, `resource` an ARN or a name, `error` the error's code.
    """

    service: str
    operation: str
    account: str
    region: str
    resource: str = ""
    error: str | None = None
    access_key: str = ""


@dataclass(slots=True, frozen=True)
class FrontAnswer:
    """A whole response; Content-Length, Connection and Date are added by the server."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    call: Call | None = field(default=None)


type FrontHandler = Callable[[FrontRequest], FrontAnswer | None]

HANDLERS: list[FrontHandler] = []


def register(handler: FrontHandler) -> None:
    """Put `handler` behind those that are there."""
    HANDLERS.append(handler)


def answer(request: FrontRequest) -> FrontAnswer | None:
    """What the first handler that knows the request answers; None leaves it to LocalStack's chain."""
    for handler in HANDLERS:
        if (found := handler(request)) is not None:
            return found
    return None


def count(call: Call) -> None:
    """Tell the ledger."""
    from mdlc_emulator.engine.fidelity.recorder import count as record

    record(
        call.service,
        call.operation,
        account=call.account,
        region=call.region,
        resource=call.resource,
        access_key=call.access_key,
        error=call.error,
    )
