"""LocalStack's start, ready and shutdown hooks: the one list of what this engine installs, in order."""

from plux import plugin


@plugin(namespace="localstack.hooks.on_infra_start", name="mdlc_start")
def on_start() -> None:
    """Install everything that changes LocalStack before its first request."""
    from mdlc_emulator.engine import cloudformation, gateway, newer_models

    newer_models.install()
    gateway.install()
    cloudformation.install()


@plugin(namespace="localstack.hooks.on_infra_ready", name="mdlc_ready")
def on_ready() -> None:
    """Called once the gateway answers."""


@plugin(namespace="localstack.hooks.on_infra_shutdown", name="mdlc_shutdown")
def on_shutdown() -> None:
    """Called once, when the process begins to end."""
    import sys

    # What never ran a function has no executor to import now.
    executor = sys.modules.get("mdlc_emulator.engine.functions.executor")
    if executor is not None:
        executor.ProcessRuntimeExecutor.stop_all()
    host = sys.modules.get("mdlc_emulator.engine.containers.host")
    if host is not None:
        host.containers().stop_all()
