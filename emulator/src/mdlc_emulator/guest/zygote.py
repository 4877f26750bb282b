"""A process that has imported the runtime, and forks one child for every execution environment.

Started as `python -I -S zygote.py SETTINGS`, SETTINGS being JSON: `control` (the number of an inherited
stream socket), `guest` (directory of awslambdaric, boto3 and their dependencies), `prefix` (the
interpreter's installation), `root` (an empty directory to build the sandbox on), `modes` (kinds of sandbox
to try), `preload` (modules to import). It tries out whether a sandbox is possible here and starts itself
again inside it: only then do the dynamic linker and Python see /var/task and /var/lang as a function must
see them.

On the control socket travel frames of a 4-byte length and JSON. First the zygote says what it is:
`{"sandbox": "root"|"user"|"none", "reason": ..., "modules": [...], "path": [...]}` or `{"failed": ...}`.
Then each request comes with two descriptors: the environment's own stream socket and the writing end of its
log. Requests hold `code`, `layers`, `cache` (directories of the host), `storage_mb`, `environment`,
`handler`, `argv` (a program to execute, or null), `path`, `task_root`, `roots`, `bytecode` (where compiled
modules are), `brought`. The child reports on its socket, a line of JSON each: `{"init": pid}` and
`{"runtime": pid, "generation": n}`, each with a pidfd, `{"exit": status, "generation": n}` or
`{"failed": ...}`; it is told `end` (kill the runtime and all it started) and `start` (a new runtime).

Nobody outlives anybody: the zygote ends when the control socket does, children die with the zygote.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

TYPE_CHECKING = False
HERE = os.path.dirname(os.path.abspath(__file__))


def receive(control: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """One frame and the descriptors that came with it; None at the end of the stream."""
    head, descriptors, _, _ = socket.recv_fds(control, 4, 4)
    if not head:
        return None
    head += _exactly(control, 4 - len(head))
    (size,) = struct.unpack("!I", head)
    return json.loads(_exactly(control, size)), descriptors


def _exactly(control: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        data = control.recv(min(size, 1 << 16))
        if not data:
            raise SystemExit(0)
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


def send(control: socket.socket, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode()
    control.sendall(struct.pack("!I", len(data)) + data)


def enter_sandbox(settings: dict[str, Any]) -> dict[str, Any]:  # noqa: RET503 - ends in another program
    """Try the sandbox, and come back to `main` inside it, or outside with the reason why not."""
    root, prefix, guest = settings["root"], settings["prefix"], settings["guest"]
    mode, reason = sandbox.possible(settings["modes"], root, prefix, guest, HERE)
    settings.update(sandbox=mode, reason=reason)
    if mode == "none":
        return settings
    sandbox.unshare(mode == "user")
    child = os.fork()
    if child:
        os.close(settings["control"])
        _, status = os.waitpid(child, 0)
        os._exit(0 if status == 0 else 1)
    birth.die_with_parent()
    sandbox.build_root(root, prefix, guest, HERE)
    if mode == "user":
        sandbox.keep_capabilities()
    python = os.path.join("/var/lang/bin", os.path.basename(settings["python"]))
    environment = {**os.environ, "LD_LIBRARY_PATH": settings["libraries"]}
    # The function can read this command line: nothing of the host stands in it.
    inside = {name: settings[name] for name in ("control", "preload", "sandbox", "reason")}
    program = [python, "-I", "-S", "/var/rapid/zygote.py", json.dumps({**inside, "guest": "/var/runtime"})]
    os.execve(python, program, environment)  # noqa: S606 - no shell is wanted


def serve(control: socket.socket, mode: str) -> tuple[dict[str, Any], socket.socket, int]:
    """Fork for every request. Returns in the children only: (request, environment's socket, log
    descriptor)."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps; who died is known by its own socket
    namespaces = None
    if mode != "none":
        namespaces = sandbox.ProcessNamespaces()
    gc.collect()
    gc.freeze()
    while True:
        frame = receive(control)
        if frame is None:
            os._exit(0)
        request, descriptors = frame
        report = socket.socket(fileno=descriptors[0])
        try:
            if namespaces is not None:
                namespaces.next()
            child = os.fork()
        except OSError as error:
            birth.say(report, {"failed": f"The kernel started no process for the function: {error}"})
            child = -1
        if child == 0:
            control.close()
            if namespaces is not None:
                namespaces.close()
            return request, report, descriptors[1]
        report.close()
        os.close(descriptors[1])


def settle(request: dict[str, Any], report: socket.socket, log: int, mode: str) -> None:
    """In a child: become an environment. Returns in the runtime's process."""
    # Without a process namespace the init process must live to take down what the function started.
    birth.die_with_parent(signal.SIGTERM if mode == "none" else signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash is told by its signal
    become_user: Callable[[], object] = bool  # nothing to do
    try:
        if mode != "none":
            sandbox.furnish(request["code"], request["layers"], request["cache"], request["storage_mb"])
            become_user = functools.partial(sandbox.drop_privileges, mode == "user")
        else:
            os.setsid()
    except OSError as error:
        birth.say(report, {"failed": f"The function's sandbox could not be set up: {error}"})
        os._exit(1)
    init = birth.Init(report, log, mode != "none", become_user)
    try:
        init.run()
    except BrokenPipeError:  # given up before it was born
        init.terminate()


def execute(request: dict[str, Any]) -> None:
    """Replace this process by the program that the request names."""
    os.environ.clear()
    os.chdir(request["task_root"])
    program = request["argv"][0]
    # A wrapper that cannot run is told in the words, and with the status, of Lambda's own starting script.
    if not os.path.isfile(program):
        sys.stdout.write(f"{program}: does not exist\n")
        raise SystemExit(127)
    if not os.access(program, os.X_OK):
        sys.stdout.write(f"{program}: is not an executable\n")
        raise SystemExit(126)
    for name in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(name, signal.SIG_DFL)  # Python ignores them, and what is ignored is inherited
    os.execve(program, request["argv"], request["environment"])  # noqa: S606 - no shell is wanted


def main() -> None:
    settings = json.loads(sys.argv[1])
    if "sandbox" not in settings:
        settings = enter_sandbox(settings)
    else:
        birth.die_with_parent()
    control = socket.socket(fileno=settings["control"])
    standard = [path for path in sys.path if path not in (HERE, settings["guest"])]
    sys.path[:] = [HERE, settings["guest"], *standard]
    if TYPE_CHECKING:
        from mdlc_emulator.guest import runtime
    else:
        import runtime

    modules = runtime.preload(settings["preload"])
    sys.path[:] = standard
    facts = {name: settings[name] for name in ("sandbox", "reason")}
    send(control, {**facts, "modules": modules, "path": standard})
    request, report, log = serve(control, settings["sandbox"])
    settle(request, report, log, settings["sandbox"])
    if request["argv"]:
        execute(request)
    runtime.become(request)
    runtime.serve(request["handler"])


sys.path.insert(0, HERE)
if TYPE_CHECKING:
    from mdlc_emulator.guest import birth, sandbox
else:
    import birth
    import sandbox

main()
