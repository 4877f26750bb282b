"""A process that has imported the runtime, and forks one child for every execution environment.

Started as `python -I -S zygote.py SETTINGS`, SETTINGS being JSON: `control` (the number of an inherited stream
socket), `guest` (directory of awslambdaric, boto3 and their dependencies), `preload` (modules to import),
`sandbox` (see sandbox.py), `stage`.

On the control socket travel frames of a 4-byte length and JSON. First the zygote says what it is:
`{"sandbox": "root"|"user"|"none", "reason": "...", "modules": [...], "version": [3, 13]}` or `{"failed": "..."}`.
Then each request `{"environment": {...}, "handler": ..., "argv": null|[...], ...}` comes with two descriptors: the
environment's own stream socket and the writing end of its log. The child reports there, a line of JSON each:
`{"init": pid}` with a pidfd, `{"runtime": pid}` with a pidfd, `{"exit": status}` or `{"failed": "..."}`.

Nobody outlives anybody: the zygote ends when the control socket does, children die with the zygote.
"""

import gc
import json
import os
import signal
import socket
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def receive(control):
    """One frame and the descriptors that came with it; None at the end of the stream."""
    head, descriptors, _, _ = socket.recv_fds(control, 4, 4)
    if not head:
        return None
    head += _exactly(control, 4 - len(head))
    (size,) = struct.unpack("!I", head)
    return json.loads(_exactly(control, size)), descriptors


def _exactly(control, size):
    parts = []
    while size:
        data = control.recv(min(size, 1 << 16))
        if not data:
            raise SystemExit(0)
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


def send(control, message):
    data = json.dumps(message).encode()
    control.sendall(struct.pack("!I", len(data)) + data)


def serve(control):
    """Fork for every request. Returns in the children only: (request, environment's socket, log descriptor)."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps; who died is known by its own socket
    gc.collect()
    gc.freeze()
    while True:
        frame = receive(control)
        if frame is None:
            os._exit(0)
        request, descriptors = frame
        if os.fork() == 0:
            control.close()
            return request, socket.socket(fileno=descriptors[0]), descriptors[1]
        for descriptor in descriptors:
            os.close(descriptor)


def main():
    settings = json.loads(sys.argv[1])
    sys.path[:] = [HERE, settings["guest"], *(path for path in sys.path if path != HERE)]
    import birth
    import runtime

    control = socket.socket(fileno=settings["control"])
    birth.die_with_parent()
    standard = [path for path in sys.path if path not in (HERE, settings["guest"])]
    modules = runtime.preload(settings["preload"])
    sys.path[:] = standard
    send(
        control,
        {
            "sandbox": "none",
            "reason": "",
            "modules": modules,
            "version": list(sys.version_info[:2]),
            "path": standard,
        },
    )
    request, report, log = serve(control)
    birth.enter(request, report, log)
    if request["argv"]:
        birth.execute(request)
    runtime.become(request["environment"], request["path"], request["task_root"], request["brought"])
    runtime.serve(request["handler"])


main()
