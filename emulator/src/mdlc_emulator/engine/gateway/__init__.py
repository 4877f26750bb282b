"""The gateway: the server, the pipeline that a request passes, and the place for calls that skip it."""


def install() -> None:
    """Put this pipeline into LocalStack's gateway; called before the server starts to listen."""
    from localstack.aws.app import LocalstackAwsGateway
    from localstack.runtime import get_current_runtime

    from mdlc_emulator.engine.fidelity.table import table
    from mdlc_emulator.engine.gateway import catalog, savings, unknown
    from mdlc_emulator.engine.gateway.chain import order

    gateway = get_current_runtime().components.gateway
    if not isinstance(gateway, LocalstackAwsGateway):
        raise RuntimeError(
            f"LocalStack's gateway is a {type(gateway).__name__} now: adapt engine/gateway/chain.py"
        )
    order(gateway)
    catalog.install()
    savings.install()
    unknown.install()
    table()  # an error in the table of classes must end the start, not a call
