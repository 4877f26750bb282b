"""A process that has imported everything, and forks an engine from itself whenever it is asked to.

It listens on a unix socket of the user's state directory. An order is a line of JSON (`Order`) with four open
files; the answer is the pid of the new instance's supervisor, or why there is none. Each instance is a
child of its own supervisor, as one that was started without a template: when the template ends, they stay.
"""

import gc
import json
import os
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from mdlc_emulator.engine.process import rebirth
from mdlc_emulator.engine.process.settings import configure
from mdlc_emulator.supervisor import host
from mdlc_emulator.supervisor.spec import (
    LIFE_FD,
    LISTEN_FD,
    OWNER_FD,
    READY_FD,
    Spec,
    receive_order,
)
from mdlc_emulator.supervisor.sweep import remove_tree


@dataclass
class _Ending:
    asked: bool = False


def serve(socket_path: Path, key: str, idle: float) -> int:
    """Serve orders until told to end, or until `idle` seconds have passed without one."""
    from mdlc_emulator.engine.process.preload import preload

    preload()
    mine = rebirth.fixed_at_import(os.environ)
    gc.collect()
    gc.freeze()
    # Instances are not waited for here: their supervisors are watched by those who asked for them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    ending = _Ending()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: setattr(ending, "asked", True))
    listening = _open(socket_path, key)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(listening, selectors.EVENT_READ)
            selector.register(wake_read, selectors.EVENT_READ)
            while not ending.asked:
                events = selector.select(idle)
                if not events:
                    break
                if any(selected.fileobj is listening for selected, _ in events):
                    _answer(listening, key, mine)
    finally:
        with suppress(OSError):
            socket_path.unlink()
            socket_path.with_suffix(".json").unlink()
        remove_tree(str(socket_path.with_suffix("")))
    return 0


def _open(path: Path, key: str) -> socket.socket:
    """Listen under a name of our own first: whoever finds the file can connect at once."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    listening = socket.socket(socket.AF_UNIX)
    with host.socket_address(fresh) as address:
        listening.bind(address)
    fresh.chmod(0o600)
    listening.listen(16)
    me = {"pid": os.getpid(), "mark": host.start_mark(os.getpid()), "key": key, "since": time.time()}
    path.with_suffix(".json").write_text(json.dumps(me))
    fresh.rename(path)
    return listening


def _answer(listening: socket.socket, key: str, mine: dict[str, str]) -> None:
    connection, _ = listening.accept()
    connection.settimeout(5.0)
    fds: list[int] = []
    try:
        order, fds = receive_order(connection)
        if order["key"] != key:
            connection.sendall(b'{"refused": "stale"}\n')
        elif rebirth.fixed_at_import(_configured(order["environment"])) != mine:
            connection.sendall(b'{"refused": "other settings"}\n')
        elif os.fork() == 0:
            listening.close()
            _become_supervisor(connection, Spec(**order["spec"]), order["environment"], fds)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"An order failed: {error}", file=sys.stderr, flush=True)
    finally:
        connection.close()
        for fd in fds:
            os.close(fd)


def _configured(environment: dict[str, str]) -> dict[str, str]:
    complete = dict(environment)
    configure(complete)
    return complete


def _become_supervisor(
    connection: socket.socket, spec: Spec, environment: dict[str, str], fds: list[int]
) -> NoReturn:
    """In the first fork: fork the engine, then turn into its supervisor, a process as small as any other
    one."""
    code = 1
    try:
        listen, ready, owner, log = fds
        os.setsid()
        _reset_signals()
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        with open(os.devnull) as null:  # noqa: PTH123 - a file descriptor is what is needed
            os.dup2(null.fileno(), 0)
        os.chdir(spec.home)
        host.become_subreaper()
        life_read, life_write = os.pipe()
        engine = os.fork()
        if engine == 0:
            for fd in (owner, life_write):
                os.close(fd)
            connection.close()
            named = {LISTEN_FD: listen, READY_FD: ready, LIFE_FD: life_read}
            _become_engine(spec, environment, named)
        connection.sendall(json.dumps({"supervisor": os.getpid()}).encode() + b"\n")
        for fd in (owner, life_write):
            os.set_inheritable(fd, True)
        command = [
            sys.executable,
            "-I",
            "-S",
            str(Path(host.__file__).parent),
            "adopt",
            spec.dump(),
            str(engine),
        ]
        passed = {**environment, OWNER_FD: str(owner), LIFE_FD: str(life_write)}
        os.execve(sys.executable, command, passed)  # noqa: S606 - no shell wanted
    except OSError as error:
        print(f"The template could not start an instance: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)


def _become_engine(spec: Spec, environment: dict[str, str], fds: dict[str, int]) -> NoReturn:
    from mdlc_emulator.engine.process.handover import INSTANCE, receive
    from mdlc_emulator.engine.process.run import run

    os.setsid()
    named = {name: str(fd) for name, fd in fds.items()}
    rebirth.be_born({**environment, **named, INSTANCE: spec.dump()})
    handover = receive(os.environ)
    configure(os.environ)
    run(handover)
