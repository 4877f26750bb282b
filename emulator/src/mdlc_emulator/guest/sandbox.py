"""Lambda's file system and process tree by Linux namespaces: no container, no privilege needed where the
kernel lets users have namespaces.

A zygote builds the part that all its environments share once (`build_root`): system libraries and the
interpreter read-only, nothing else of the host. Every environment then gets its own process namespace
(`new_process_namespace` before the fork) and its own copy of the mounts with code, layers and a /tmp of the
configured size (`furnish`).
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import sys
from collections.abc import Callable

USER, GROUP, NAME = 993, 990, "sbx_user1051"  # who functions are on Lambda
HOST = "/.host"  # the host's root while mounts are made; gone before any code of the function runs
OPEN_FILES = 1024

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x10000000, 0x20000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
SYS_MOUNT_SETATTR = 442
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 4, 38, 47
CAPABILITIES_V3 = 0x20080522
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "nix", "gnu")
RESOLVERS = ("run/systemd/resolve", "run/resolvconf", "run/NetworkManager")
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, doing: str) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{doing}: {os.strerror(code)}")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    done = _libc.mount(
        source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()
    )
    _check(done, f"mount {kind or source} on {target}")


def bind(source: str, target: str, read_only: bool = True) -> None:
    """Show `source` at `target`, with all that is mounted below it."""
    mount(source, target, flags=MS_BIND | MS_REC)
    if read_only:
        _make_read_only(target)


def _make_read_only(target: str) -> None:
    wanted = (ctypes.c_uint64 * 4)(MS_RDONLY | MS_NOSUID, 0, 0, 0)  # struct mount_attr; the bits are the same
    done = _libc.syscall(
        SYS_MOUNT_SETATTR,
        AT_FDCWD,
        target.encode(),
        AT_RECURSIVE,
        ctypes.byref(wanted),
        ctypes.sizeof(wanted),
    )
    if done == 0:
        return
    # Before Linux 5.12: the topmost mount alone, keeping the flags that must not be taken off.
    kept = os.statvfs(target).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC | 1024 | 2048)
    mount("none", target, flags=MS_BIND | MS_REMOUNT | MS_RDONLY | kept)


def unshare(user: bool) -> None:
    """New mount and process namespaces (the latter for children); with `user`, as an unprivileged user."""
    outer_user, outer_group = os.geteuid(), os.getegid()
    _check(_libc.unshare(CLONE_NEWNS | CLONE_NEWPID | (CLONE_NEWUSER if user else 0)), "unshare")
    if user:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{USER} {outer_user} 1")
        _write("/proc/self/gid_map", f"{GROUP} {outer_group} 1")


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def build_root(root: str, interpreter: str, guest: str, rapid: str) -> None:
    """Enter a new root on the empty directory `root`: the system's libraries, the interpreter's installation
    prefix as /var/lang, `guest` as /var/runtime, `rapid` as /var/rapid. Call as the first process of its
    namespace."""
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m")
    # task/lib and opt/lib exist so that the dynamic linker, which remembers missing directories, looks there
    # later.
    for path in (
        "dev",
        "proc",
        "tmp",
        "run",
        "opt/lib",
        "var/task/lib",
        "var/runtime",
        "var/rapid",
        "var/lang",
        "var/cache",
    ):
        os.makedirs(f"{root}/{path}")
    os.makedirs(root + HOST)
    for name in SYSTEM:
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), f"{root}/{name}")
        elif os.path.isdir(f"/{name}"):
            os.mkdir(f"{root}/{name}")
            bind(f"/{name}", f"{root}/{name}")
    for path in RESOLVERS:
        if os.path.isdir(f"/{path}"):
            os.makedirs(f"{root}/{path}")
            bind(f"/{path}", f"{root}/{path}")
    for name in DEVICES:
        if os.path.exists(f"/dev/{name}"):
            _write(f"{root}/dev/{name}", "")
            mount(f"/dev/{name}", f"{root}/dev/{name}", flags=MS_BIND)
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(f"/proc/self/{target}", f"{root}/dev/{name}")
    for source, place in ((interpreter, "lang"), (guest, "runtime"), (rapid, "rapid")):
        bind(source, f"{root}/var/{place}")
    _identify(root)
    pivot(root)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("none", "/", flags=MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV)


def pivot(root: str) -> None:
    """Make the mount `root` the root; the old one is at `HOST`, which must be there, until it is let go."""
    number = PIVOT_ROOT.get(platform.machine())
    if number is None:
        raise OSError(f"no sandbox on {platform.machine()}")
    _check(_libc.syscall(number, root.encode(), (root + HOST).encode()), "pivot_root")
    os.chdir("/")


def let_host_go() -> None:
    """The old root goes out of sight."""
    _check(_libc.umount2(HOST.encode(), MNT_DETACH), "umount")


def _identify(root: str) -> None:
    for name, line in (
        (
            "passwd",
            f"root:x:0:0:root:/root:/sbin/nologin\n{NAME}:x:{USER}:{GROUP}::/home/{NAME}:/sbin/nologin\n",
        ),
        ("group", f"root:x:0:\n{NAME}:x:{GROUP}:\n"),
    ):
        if os.path.exists(f"{root}/etc/{name}"):
            own = f"{root}/var/{name}"
            _write(own, line)
            os.chmod(own, 0o644)
            bind(own, f"{root}/etc/{name}")


def keep_capabilities() -> None:
    """Let the program executed next keep what the user namespace grants: user 993 would lose it."""
    _set_capabilities(_permitted())
    for number in range(64):
        if _permitted() >> number & 1:
            _libc.prctl(PR_CAP_AMBIENT, 2, number, 0, 0)


def _permitted() -> int:
    head = (ctypes.c_uint32 * 2)(CAPABILITIES_V3, 0)
    data = (ctypes.c_uint32 * 6)()
    _check(_libc.capget(ctypes.byref(head), ctypes.byref(data)), "capget")
    return data[1] | data[4] << 32


def _set_capabilities(mask: int) -> None:
    head = (ctypes.c_uint32 * 2)(CAPABILITIES_V3, 0)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    data = (ctypes.c_uint32 * 6)(low, low, low, high, high, high)
    _check(_libc.capset(ctypes.byref(head), ctypes.byref(data)), "capset")


class ProcessNamespaces:
    """Gives each child its own process namespace; the caller's own stays the parent of them all."""

    def __init__(self) -> None:
        self._own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """In a child: let go of the parent's namespace."""
        os.close(self._own)

    def next(self) -> None:
        """The next child will be the first process of a namespace of its own."""
        _check(_libc.setns(self._own, CLONE_NEWPID), "setns")
        _check(_libc.unshare(CLONE_NEWPID), "unshare")


def furnish(code: str, layers: str | None, cache: str | None, storage_mb: int) -> None:
    """In a child: this environment's own /var/task, /opt, /tmp and /proc; the host goes out of sight. `code`,
    `layers` and `cache` (of compiled modules) are directories of the host."""
    _check(_libc.unshare(CLONE_NEWNS), "unshare")
    bind(HOST + code, "/var/task")
    if layers:
        bind(HOST + layers, "/opt")
    if cache:
        bind(HOST + cache, "/var/cache", read_only=False)
    options = f"mode=700,size={storage_mb}m,uid={USER},gid={GROUP}"
    mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, options)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    let_host_go()


def drop_privileges(user: bool) -> None:
    """Become the function's user, for good. `user`: we are in a user namespace, where we are that user
    already."""
    if user:
        _libc.prctl(PR_CAP_AMBIENT, 4, 0, 0, 0)
        _set_capabilities(0)
    else:
        os.setgroups([])
        os.setresgid(GROUP, GROUP, GROUP)
        os.setresuid(USER, USER, USER)
    _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # or /proc/self would belong to root
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def possible(modes: list[str], root: str, interpreter: str, guest: str, rapid: str) -> tuple[str, str]:
    """The first of `modes` ("root", "user") in which a sandbox can be made on this machine, and ""; else
    "none" and why. Tries it out in a process that ends again."""
    if not sys.platform.startswith("linux"):
        return "none", "namespaces exist on Linux only"
    reasons = []
    for mode in modes:
        if mode == "root" and os.geteuid() != 0:
            continue
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(reader)
                _attempt(mode == "user", root, interpreter, guest, rapid)
            except OSError as error:
                os.write(writer, str(error.strerror or error).encode())
            finally:
                os._exit(0)
        os.close(writer)
        with open(reader, "rb") as file:
            reason = file.read().decode()
        os.waitpid(child, 0)
        if not reason:
            return mode, ""
        reasons.append(reason)
    return "none", "; ".join(reasons) or "switched off"


def _attempt(user: bool, root: str, interpreter: str, guest: str, rapid: str) -> None:
    """Everything a zygote and its first child would do. OSError if the kernel does not allow it."""
    unshare(user)
    _in_child(lambda: _attempt_inside(user, root, interpreter, guest, rapid))


def _attempt_inside(user: bool, root: str, interpreter: str, guest: str, rapid: str) -> None:
    build_root(root, interpreter, guest, rapid)
    ProcessNamespaces().next()

    def first() -> None:
        furnish(guest, None, None, 1)
        drop_privileges(user)
        os.listdir("/proc/1")

    _in_child(first)


def _in_child(work: Callable[[], None]) -> None:
    """Run `work` in a forked process; its OSError is raised here."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            work()
        except OSError as error:
            os.write(writer, str(error.strerror or error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as file:
        reason = file.read().decode()
    os.waitpid(child, 0)
    if reason:
        raise OSError(reason)
