"""Inside a private network: the door that the gate serves, and how programs are told of it."""

from __future__ import annotations

import socket

VARIABLES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")


def open_inside(gate: socket.socket) -> tuple[str, socket.socket]:
    """In the network of a container: ask the gate to serve it. Returns the proxy's URL and what must stay
    open as long as the container lives."""
    ours, theirs = socket.socketpair()
    with theirs, socket.create_server(("127.0.0.1", 0)) as listener:
        socket.send_fds(gate, [b"+"], [listener.fileno(), theirs.fileno()])
        return f"http://127.0.0.1:{listener.getsockname()[1]}", ours


def told(environment: dict[str, str], url: str, names: list[str]) -> dict[str, str]:
    """`environment` with the variables that send programs through the proxy at `url`, but not to `names`;
    unless it says something about proxies itself."""
    if any(name.lower() in VARIABLES for name in environment):
        return environment
    direct = ",".join(("localhost", "127.0.0.1", *names))
    proxies = dict.fromkeys(VARIABLES, url) | {"no_proxy": direct, "NO_PROXY": direct}
    return {**proxies, **environment}
