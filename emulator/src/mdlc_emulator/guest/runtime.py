"""Turn a freshly forked process into a Lambda runtime: environment, module path, then awslambdaric's own
loop."""

import importlib
import os
import sys
import time
import types
from collections.abc import Iterable
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mdlc_emulator.guest import bytecode
else:
    import bytecode

RUNTIME_MODULES = (
    "awslambdaric.bootstrap",
    "awslambdaric.lambda_runtime_client",
    "awslambdaric.lambda_runtime_hooks_runner",
    "awslambdaric.lambda_literals",
)
# Dependencies of the runtime: a function that brings its own sees its own, the runtime keeps what it holds.
PRIVATE_MODULES = ("simplejson", "snapshot_restore_py")


def preload(modules: Iterable[str]) -> list[str]:
    """Import awslambdaric on top of our client, and `modules` where they exist. Returns their top-level
    names."""
    before = set(sys.modules)
    importlib.import_module("runtime_client")  # our own, by its file beside this one

    # The last one is imported by awslambdaric at the first error it reports: paid once here.
    for name in (*RUNTIME_MODULES, "http.client"):
        importlib.import_module(name)
    own = set(sys.modules) - before
    for name in modules:
        importlib.import_module(name)
    return sorted({name.partition(".")[0] for name in set(sys.modules) - before - own})


def become(request: dict[str, Any]) -> None:
    """Take over environment and module path; forget private modules that the function brings itself."""
    environment = request["environment"]
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(request["task_root"])
    time.tzset()
    random = sys.modules.get("random")
    if random is not None:
        random.seed()
    sys.path[:] = request["path"]
    sys.argv[:] = [os.path.join(environment["LAMBDA_RUNTIME_DIR"], "bootstrap.py")]
    forget(request["brought"])
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    if request["bytecode"]:
        bytecode.install(request["roots"], request["bytecode"])


def forget(modules_of_function: Iterable[str]) -> None:
    """Make the runtime's private modules importable anew where the function brings its own of that name."""
    brought = set(modules_of_function).intersection(PRIVATE_MODULES)
    for name in list(sys.modules):
        if name.partition(".")[0] in brought:
            del sys.modules[name]


def _log_one_event(_sink: object, message: str, frame_type: object = None) -> None:  # noqa: ARG001
    """What `logging` writes in one go is one log event: lines within it end in a carriage return, as
    awslambdaric itself has it in the tracebacks it reports."""
    sys.stdout.write(message.rstrip("\n").replace("\n", "\r") + "\n")


def serve(handler: str) -> None:
    """Answer invocations until the process ends; SystemExit and uncaught errors end it as they end any
    Python."""
    from awslambdaric import (  # type: ignore[import-not-found, unused-ignore]
        bootstrap,
        lambda_runtime_client,
        lambda_runtime_marshaller,
    )

    # awslambdaric looks at the environment when it is imported, which was before the fork: look again.
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT") or os.environ.get("AWS_LAMBDA_LOG_LEVEL"):
        importlib.reload(bootstrap)
    bootstrap.StandardLogSink.log = _log_one_event
    client = lambda_runtime_client.LambdaRuntimeClient
    lambda_runtime_client.BaseLambdaRuntimeClient.marshaller = lambda_runtime_marshaller.LambdaMarshaller()
    # From 3.12 on awslambdaric waits in a second thread, because signals cannot interrupt its native wait.
    # They do interrupt ours, so there is no thread to pay for.
    bootstrap.run(handler, client(os.environ["AWS_LAMBDA_RUNTIME_API"], False))
