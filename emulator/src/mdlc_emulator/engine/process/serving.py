"""How LocalStack opens its gateway: by this engine's own server, on the socket that the launcher opened.

Stock LocalStack makes an RSA key at every start (0.3 s), listens on all interfaces whatever GATEWAY_LISTEN
says, and swallows the error of a taken port.
"""

from typing import Any

from localstack import config
from localstack.runtime.runtime import LocalstackRuntime

SERVER = "threaded"
"""Our server's name among LocalStack's plugins; it makes its certificate when a client first asks for TLS."""


def _init_gateway_server(runtime: Any) -> None:
    if config.GATEWAY_SERVER != SERVER:
        raise ValueError(f"GATEWAY_SERVER={config.GATEWAY_SERVER} is not supported: unset it")
    components = runtime.components
    components.runtime_server.register(components.gateway, config.GATEWAY_LISTEN)


def install() -> None:
    """Replace how LocalStack opens its gateway. RuntimeError when LocalStack is another than the locked
    one."""
    if not hasattr(LocalstackRuntime, "_init_gateway_server"):
        raise RuntimeError(
            "LocalstackRuntime._init_gateway_server is gone: this LocalStack is not the locked one"
        )
    LocalstackRuntime._init_gateway_server = _init_gateway_server  # type: ignore[method-assign]
