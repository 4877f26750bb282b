"""Listening sockets on the loopback interface, and who holds a port that is not free."""

import errno
import socket

from mdlc_emulator.launcher.errors import AlreadyRunningError, EmulatorError, PortTakenError
from mdlc_emulator.launcher.state import find
from mdlc_emulator.supervisor import host

LOOPBACK = "127.0.0.1"
_BACKLOG = 512


def listen(port: int | None) -> socket.socket:
    """A socket listening on 127.0.0.1, on `port` or (None, 0) on a free one. It is opened here and handed
    to the engine, so a taken port is known at once, and callers who come early wait in its queue instead of
    failing.

    Raises AlreadyRunningError, PortTakenError, or EmulatorError when the port may not be opened at all.
    """
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((LOOPBACK, port or 0))
        opened.listen(_BACKLOG)
    except OverflowError:
        opened.close()
        raise EmulatorError(f"Port {port} does not exist: choose one from 1024 to 65535.") from None
    except OSError as error:
        opened.close()
        if error.errno == errno.EADDRINUSE:
            raise taken(port or 0) from None
        if error.errno == errno.EACCES:
            raise EmulatorError(f"Port {port} is reserved to root: choose one from 1024 to 65535.") from None
        raise EmulatorError(f"Port {port} cannot be opened ({error.strerror}): choose another.") from None
    return opened


def taken(port: int) -> PortTakenError:
    """Why `port` is not free, in one sentence."""
    ours = find(port)
    if ours is not None:
        return AlreadyRunningError(
            f"An emulator already runs on port {port} (pid {ours.engine_pid}): "
            f"use it at {ours.endpoint_url}, end it with `mdlc down --port {port}`, "
            f"or start another with `mdlc up --port {port + 1}`."
        )
    holder = host.holder_of(port)
    by = f" by {holder[1]} (pid {holder[0]})" if holder else " by another process"
    return PortTakenError(
        f"Port {port} is taken{by}: end that process, or choose another port, "
        f"as in `mdlc up --port {port + 1}`."
    )
