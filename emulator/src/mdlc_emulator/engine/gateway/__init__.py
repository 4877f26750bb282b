"""The gateway: the server, the pipeline that a request passes, and the place for calls that skip it."""


def install() -> None:
    """Put this pipeline into LocalStack's gateway; called before the server starts to listen."""
    from localstack.runtime import get_current_runtime

    from mdlc_emulator.engine.gateway.chain import order

    order(get_current_runtime().components.gateway)
