"""The emulator's own address, seen from a network that is not the machine's.

A container with a network of its own opens a listening socket there, at the address that the emulator has
here, and hands it over: the gateway accepts and answers on it itself, without anything in between.
"""

import socket
from typing import Protocol


class Endpoint(Protocol):
    """What answers at the emulator's address."""

    @property
    def port(self) -> int: ...

    def serve_also(self, listener: socket.socket) -> None:
        """Answer on `listener` too."""
        ...

    def serve_no_more(self, listener: socket.socket) -> None:
        """Close `listener`."""
        ...


class GatewayEndpoint:
    """The gateway of this process."""

    @property
    def port(self) -> int:
        from localstack import config

        return config.GATEWAY_LISTEN[0].port

    def serve_also(self, listener: socket.socket) -> None:
        from mdlc_emulator.engine.gateway.server import running

        server = running()
        if server is None:
            listener.close()
        else:
            server.serve_also(listener)

    def serve_no_more(self, listener: socket.socket) -> None:
        from mdlc_emulator.engine.gateway.server import running

        server = running()
        if server is not None:
            server.serve_no_more(listener)
