"""A small process beside the engine that forks every container: forking the engine itself would be slow, and
with its threads unsafe.

Started as `python -I -S <this file> SETTINGS`, SETTINGS being JSON: `control` (the number of an inherited
stream socket), `modes` (kinds of isolation to try: "root", "user"), `try` (an empty directory), `overlay`
(false to show the machine's directories read-only). First it says what it is,
`{"mode": "root"|"user"|"none", "reason": ..., "writable": bool, "quota": bool}`. Then every frame is a
container to start, with its stream socket and the writing end of its output, or `{"remove": directory}`.

Nobody outlives anybody: it ends when the control socket does, and containers end with it.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import socket
import sys
from typing import Any, NoReturn

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from mdlc_emulator.container import filesystem, frames, namespaces, priority, processors
from mdlc_emulator.container.init import Init, say
from mdlc_emulator.guest import birth
from mdlc_emulator.supervisor import host
from mdlc_emulator.supervisor.sweep import remove_tree


class Zygote:
    """The process itself. `mode` is the kind of isolation that this machine allows."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._control = socket.socket(fileno=settings["control"])
        self._control.set_inheritable(False)
        self._mode, self._writable, self._reason = _best(
            settings["modes"], settings["try"], settings["overlay"]
        )
        self._overlay = settings["overlay"]
        self._groups = processors.Groups()
        self._gate_process = 0
        self._gate: socket.socket | None = None
        """To the process that is the way out of private networks, once there is one."""
        self._processes: namespaces.ProcessNamespaces | None = None
        if self._mode != "none":
            self._go_inside()

    def _go_inside(self) -> None:
        """Go on as the first process of a process namespace, which all containers' namespaces are below:
        with this process the kernel ends everything."""
        if self._mode == "user":
            namespaces.become_root()
        namespaces.next_child_is_first()
        child = os.fork()
        if child:
            self._control.close()
            _, status = os.waitpid(child, 0)
            os._exit(0 if status == 0 else 1)
        birth.die_with_parent()
        self._processes = namespaces.ProcessNamespaces()

    def run(self) -> NoReturn:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps; who ended says so on its own socket
        say(
            self._control,
            {
                "mode": self._mode,
                "reason": self._reason,
                "writable": self._writable,
                "quota": bool(self._groups.parent),
            },
        )
        gc.collect()
        gc.freeze()
        while True:
            received = frames.receive(self._control)
            if received is None:
                self._groups.end()
                os._exit(0)
            order, files = received
            if "remove" in order:
                self._remove(order["remove"], order["group"])
            else:
                if order["outside"] is not None and self._processes is not None:
                    self._keep_gate(order["outside"], files)
                self._fork(order, files)
                self._groups.passed(order["cpus"])
                for number in files:
                    os.close(number)

    def _keep_gate(self, upstream: str, files: list[int]) -> None:
        """See that the process that serves the gate lives. `files` are of a container that waits to be
        started."""
        if self._gate is not None:
            if _lives(self._gate_process):
                return
            self._gate.close()
        ours, theirs = socket.socketpair()
        self._gate_process = os.fork()
        if self._gate_process == 0:
            for number in (*files, self._control.detach(), ours.detach()):
                os.close(number)
            from mdlc_emulator.container import gate  # heavy, and only private networks need it

            gate.run(theirs, upstream)
        theirs.close()
        self._gate = ours

    def _remove(self, directory: str, group: str) -> None:
        if os.fork() == 0:
            try:
                os.nice(priority.BACKGROUND)
                self._groups.remove(group)
                remove_tree(directory)
            finally:
                os._exit(0)

    def _fork(self, request: dict[str, Any], files: list[int]) -> None:
        try:
            if self._processes is not None:
                self._processes.next()
            child = os.fork()
        except OSError as error:
            with socket.socket(fileno=os.dup(files[0])) as report:
                say(report, {"failed": f"its first process: {error.strerror or error}"})
            child = -1
        if child and self._processes is not None:
            self._processes.back()
        if child == 0:
            self._control.close()
            self._become_container(request, socket.socket(fileno=files[0]), files[1])

    def _become_container(self, request: dict[str, Any], report: socket.socket, output: int) -> NoReturn:
        alone = self._mode != "none"
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            # Without a process namespace the first process must live to take down what is below it.
            birth.die_with_parent(signal.SIGKILL if alone else signal.SIGHUP)
            self._groups.enter(request["group"], request["cpus"], request["background"])
            if alone:
                _enter(request, self._overlay)
            else:
                host.become_subreaper()
            gate = self._gate if request["outside"] is not None else None
            Init(request, report, output, alone, gate).run()
        except Exception as error:  # noqa: BLE001 - whatever it is, someone waits to hear of it
            said = error.strerror if isinstance(error, OSError) else None
            say(report, {"failed": said or f"{type(error).__name__}: {error}"})
        finally:
            os._exit(1)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _enter(request: dict[str, Any], overlay: bool) -> None:
    namespaces.separate(request["network"] != "host")
    socket.sethostname(request["host_name"])
    read_only = request["read_only"]
    limited = not namespaces.are_initial()
    shown = [filesystem.Shown(*one) for one in request["shown"]]
    filesystem.build(
        filesystem.Plan(
            request["base"], shown, request["shared_memory"], limited, overlay and not read_only, read_only
        )
    )


def _best(modes: list[str], place: str, overlay: bool) -> tuple[str, bool, str]:
    """(mode, whether overlays are possible, why there is no isolation), tried out in processes that end."""
    if not sys.platform.startswith("linux"):
        return "none", False, "namespaces exist on Linux only"
    reasons = []
    for mode in modes:
        if mode == "root" and os.geteuid() != 0:
            continue
        writable, reason = _attempt(mode == "user", overlay, place)
        if not reason:
            return mode, writable, ""
        reasons.append(reason)
    return "none", False, "; ".join(reasons) or "switched off"


def _attempt(user: bool, overlay: bool, place: str) -> tuple[bool, str]:
    """Everything that a container needs, once: whether the machine's directories become writable, and "" or
    what the kernel refused."""
    reader, writer = os.pipe()
    outer = os.fork()
    if outer == 0:
        try:
            if user:
                namespaces.become_root()
            namespaces.next_child_is_first()
            inner = os.fork()
            if inner == 0:
                try:
                    namespaces.separate(network=True)
                    limited = not namespaces.are_initial()
                    made = filesystem.build(filesystem.Plan(place, [], None, limited, overlay))
                    os.write(writer, b"+w" if made else b"+r")
                except OSError as error:
                    os.write(writer, str(error.strerror or error).encode())
                finally:
                    os._exit(0)
            os.waitpid(inner, 0)
        except OSError as error:
            os.write(writer, str(error.strerror or error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as file:
        said = file.read().decode()
    os.waitpid(outer, 0)
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place, exist_ok=True)
    return said == "+w", "" if said[:1] == "+" else said or "the attempt ended without a word"


def main() -> None:
    """With the settings as argument the zygote; with `try` and an empty directory, only say what the machine
    allows."""
    if sys.argv[1] == "try":
        mode, writable, reason = _best(["root", "user"], sys.argv[2], overlay=True)
        quota = bool(processors.Groups().parent)
        print(json.dumps({"mode": mode, "reason": reason, "writable": writable, "quota": quota}))
    else:
        Zygote(json.loads(sys.argv[1])).run()


if __name__ == "__main__":
    main()
