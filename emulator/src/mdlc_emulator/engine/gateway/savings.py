"""Work that LocalStack and werkzeug do again and again, or for nothing, on the way to a service's first call.

- Every service's first store makes a boto3 session of its own to ask for the valid regions, and so parses
botocore's endpoints anew: 50 ms. One session answers them all. - werkzeug compiles two functions for each
routing rule that build URLs from it; nobody builds URLs here. They are compiled when first called: of the 90
ms for API Gateway's rules, 4 remain.
"""

import functools
import threading
from collections.abc import Callable
from typing import Any

import boto3
from localstack.aws.handlers import region
from localstack.utils.aws import aws_stack
from werkzeug.routing import Rule

_LOCK = threading.Lock()


@functools.cache
def _session() -> boto3.Session:
    return boto3.Session()


def shared_session() -> boto3.Session:
    """The one session that is asked for regions."""
    with _LOCK:
        return _session()


class _Boto3:
    """What aws_stack uses of boto3."""

    Session = staticmethod(shared_session)
    session = boto3.session


def install() -> None:
    """Put both into place."""
    for holder, name in ((aws_stack, "boto3"), (region, "Session"), (Rule, "_compile_builder")):
        if not hasattr(holder, name):
            raise RuntimeError(f"{holder.__name__}.{name} is gone: this is not the locked LocalStack")
    patched: list[tuple[Any, str, Any]] = [
        (aws_stack, "boto3", _Boto3),
        (region, "Session", shared_session),
        (Rule, "_compile_builder", _lazily(Rule._compile_builder)),
    ]
    for holder, name, ours in patched:
        setattr(holder, name, ours)


def _lazily(compile_builder: Callable[..., Callable[..., Any]]) -> Callable[..., Any]:
    if getattr(compile_builder, "lazy", False):
        return compile_builder

    def compile_when_called(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
        def build(self: Rule, **values: Any) -> Any:
            compiled = compile_builder(self, append_unknown).__get__(self, None)
            setattr(self, "_build_unknown" if append_unknown else "_build", compiled)
            return compiled(**values)

        return build

    compile_when_called.lazy = True  # type: ignore[attr-defined]
    return compile_when_called
