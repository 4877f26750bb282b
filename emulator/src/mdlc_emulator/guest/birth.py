"""How a child of the zygote becomes an execution environment: an init process and, below it, the runtime."""

import ctypes
import json
import os
import signal
import socket
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent():
    """Ask the kernel to kill this process when its parent ends (Linux; elsewhere the sockets tell)."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def say(report, message, descriptors=()):
    line = json.dumps(message).encode() + b"\n"
    socket.send_fds(report, [line], list(descriptors))


def announce(report, role):
    """Tell who we are; on Linux by a descriptor of this very process, so that nobody else is ever signalled."""
    if hasattr(os, "pidfd_open"):
        descriptor = os.pidfd_open(os.getpid())
        say(report, {role: os.getpid()}, [descriptor])
        os.close(descriptor)
    else:
        say(report, {role: os.getpid()})


def enter(request, report, log):
    """Fork the runtime below an init that reaps, reports its end and takes everything with it. Returns in the
    runtime's process, with its standard streams in place."""
    del request
    die_with_parent()
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    announce(report, "init")
    if sys.platform == "linux":
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    runtime = os.fork()
    if runtime:
        os.close(log)
        _reap(report, runtime)
    die_with_parent()
    os.setpgid(0, 0)
    announce(report, "runtime")
    report.close()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(nothing)
    os.close(log)


def _reap(report, runtime):
    while True:
        pid, status = os.wait()
        if pid == runtime:
            break
    code = os.waitstatus_to_exitcode(status)
    try:
        say(report, {"exit": code})
    finally:
        os._exit(0)


def execute(request):
    """Replace this process by the program the request names."""
    os.chdir(request["task_root"])
    os.execve(request["argv"][0], request["argv"], request["environment"])
