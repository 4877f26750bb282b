"""LocalStack's own (Twisted) server on the socket that the launcher opened, with TLS made when first asked for.

Stock LocalStack listens on all interfaces whatever GATEWAY_LISTEN says, swallows the error of a taken port, and
makes an RSA key (0.3 s) at every start.
"""

import socket
from typing import Any

from localstack import config
from localstack.runtime import runtime as localstack_runtime
from rolo.gateway import Gateway

from mdlc_emulator.engine.process.handover import listening_socket


class LazyTls:
    """What Twisted's TLS layer calls a context factory: makes the certificate when the first client needs it."""

    def __init__(self) -> None:
        self._context: Any = None

    def getContext(self) -> Any:  # noqa: N802 - Twisted's name
        if self._context is None:
            from localstack.utils.ssl import create_ssl_cert
            from twisted.internet import ssl

            _, certificate, key = create_ssl_cert(serial_number=config.GATEWAY_LISTEN[0].port)
            factory = ssl.DefaultOpenSSLContextFactory(key, certificate)
            self._context = factory.getContext()
            self._context.use_certificate_chain_file(certificate)
        return self._context


def _register_twisted(server: Any, gateway: Gateway, *_: Any) -> None:
    from localstack.aws.serving.twisted import TLSMultiplexerFactory
    from rolo.serving.twisted import TwistedGateway
    from twisted.internet import reactor

    factory = TLSMultiplexerFactory(LazyTls(), False, TwistedGateway(gateway))
    listener = listening_socket()
    if listener is None:
        address = config.GATEWAY_LISTEN[0]
        reactor.listenTCP(address.port, factory, interface=address.host)  # type: ignore[attr-defined]
    else:
        listener.setblocking(False)
        reactor.adoptStreamPort(listener.fileno(), socket.AF_INET, factory)  # type: ignore[attr-defined]


def _init_gateway_server(runtime: Any) -> None:
    components = runtime.components
    if config.GATEWAY_SERVER == "twisted":
        from localstack.runtime.server.twisted import TwistedRuntimeServer

        TwistedRuntimeServer.register = _register_twisted  # type: ignore[method-assign]
    components.runtime_server.register(components.gateway, config.GATEWAY_LISTEN)


def install() -> None:
    """Replace how LocalStack opens its gateway."""
    if not hasattr(localstack_runtime.LocalstackRuntime, "_init_gateway_server"):
        raise RuntimeError(
            "LocalstackRuntime._init_gateway_server is gone: this LocalStack is not the locked one"
        )
    localstack_runtime.LocalstackRuntime._init_gateway_server = _init_gateway_server  # type: ignore[method-assign]
