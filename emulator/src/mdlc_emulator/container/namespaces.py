"""The kernel's part of a container besides its files: namespaces, capabilities, the loopback interface."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct

from mdlc_emulator.guest.sandbox import CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER

CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET = 0x4000000, 0x8000000, 0x40000000
PR_CAPBSET_DROP = 24
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40
KEPT = frozenset((0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 29, 31))
"""What root may do inside: Docker's list but making device nodes (man 7 capabilities has the numbers: chown,
dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw, sys_chroot,
audit_write, setfcap)."""

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, doing: str) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{doing}: {os.strerror(code)}")


def become_root() -> None:
    """Enter a user namespace in which the present user is root. For an ordinary user the only way to the
    other namespaces."""
    user, group = os.geteuid(), os.getegid()
    _check(_libc.unshare(CLONE_NEWUSER), "a user namespace")
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def are_initial() -> bool:
    """Whether this process is in the machine's own user namespace: root elsewhere is root of a part only."""
    with open("/proc/self/uid_map") as file:
        return file.read().split() == ["0", "0", str(2**32 - 1)]


def next_child_is_first() -> None:
    """The next child will be the first process of a process namespace of its own."""
    _check(_libc.unshare(CLONE_NEWPID), "a process namespace")


class ProcessNamespaces:
    """Gives each child its own process namespace; the caller's own stays the parent of them all."""

    def __init__(self) -> None:
        self._own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def next(self) -> None:
        """The next child will be the first process of a namespace of its own."""
        next_child_is_first()

    def back(self) -> None:
        """Children are born into the caller's own namespace again."""
        _check(_libc.setns(self._own, CLONE_NEWPID), "setns")


def separate(network: bool) -> None:
    """Mounts, host name and shared memory of our own, and with `network` a network that has nothing but a
    loopback interface."""
    flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | (CLONE_NEWNET if network else 0)
    _check(_libc.unshare(flags), "namespaces")
    if network:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))


def give_up_capabilities() -> None:
    """What is executed next by this process's user, root, has no capabilities but `KEPT`."""
    for number in range(64):
        if number not in KEPT and _libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0:
            return  # beyond the kernel's last one
