"""A container's file system: the machine's as it is, /opt/ml, /tmp and /dev/shm of its own, and a place for
whatever else is written that vanishes with the container.

Every directory at the top of the machine's file system is shown through an overlay whose upper layer lies in
the container's own directory. (One overlay of / is not possible: the kernel refuses an upper layer inside the
lower one.) Where the kernel allows no overlay, the same directories are shown read-only.
"""

from __future__ import annotations

import contextlib
import functools
import os
import stat
from typing import NamedTuple

from mdlc_emulator.guest import sandbox
from mdlc_emulator.guest.sandbox import (
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
)

OWN = ("dev", "proc", "sys", "run", "tmp")
"""Directories of the top that are not the machine's."""
DEVICES = (
    *sandbox.DEVICES,
    "fuse",
    "kfd",
    "dri",
    "nvidiactl",
    "nvidia-uvm",
    "nvidia-uvm-tools",
    "nvidia-modeset",
)
READ_ONLY_IN_PROC = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi")
SKELETON = "mode=755,size=64m"


class Shown(NamedTuple):
    """A file or directory of the machine and where it is shown."""

    source: str
    target: str
    read_only: bool


class Plan(NamedTuple):
    """`base` is the container's own directory, empty at first; `root` the empty directory it is built on.
    `overlay` is False to show the machine's directories read-only, `read_only` to have nothing at the top be
    writable either. `limited`: root here is not the machine's root."""

    base: str
    shown: list[Shown]
    shared_memory: int | None
    limited: bool
    overlay: bool
    read_only: bool = False


def build(plan: Plan) -> bool:
    """Enter the file system that `plan` describes. Call as the first process of its namespaces. Returns
    whether the machine's directories can be written to; OSError says what the kernel refused."""
    root = f"{plan.base}/root"
    os.makedirs(root)
    sandbox.mount("none", "/", flags=MS_REC | MS_PRIVATE)
    sandbox.mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, SKELETON)
    os.makedirs(f"{plan.base}/tmp")
    os.chmod(f"{plan.base}/tmp", 0o1777)  # noqa: S103 - as every /tmp
    writable = _system(plan, root)
    _devices(plan, root)
    os.mkdir(f"{root}/sys")
    sandbox.bind("/sys", f"{root}/sys")
    for path in sandbox.RESOLVERS:
        if os.path.isdir(f"/{path}"):
            os.makedirs(f"{root}/{path}")
            sandbox.bind(f"/{path}", f"{root}/{path}")
    os.makedirs(f"{root}/run/lock", exist_ok=True)
    for shown in plan.shown:
        target = _inside(root, shown.target)
        if not os.path.lexists(target):  # in what was shown before it
            _make_place(target, shown.source)
        sandbox.bind(shown.source, target, shown.read_only)
    os.mkdir(f"{root}/proc")
    sandbox.mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for name in READ_ONLY_IN_PROC:
        if os.path.exists(f"{root}/proc/{name}"):
            sandbox.bind(f"{root}/proc/{name}", f"{root}/proc/{name}")
    os.mkdir(root + sandbox.HOST)
    sandbox.pivot(root)
    sandbox.let_host_go()
    os.rmdir(sandbox.HOST)
    if plan.read_only:
        _protect("/")
    return writable


def _system(plan: Plan, root: str) -> bool:
    """The top of the machine's file system, with a place for everything that will be mounted in it."""
    wanted: dict[str, list[Shown]] = {}
    for shown in plan.shown:
        target = _resolved(shown.target)
        wanted.setdefault(target.split("/")[1], []).append(shown._replace(target=target))
    names = {name for name in os.listdir("/") if name not in OWN}
    writable = [_top(plan, root, name, wanted.get(name, [])) for name in sorted(names)]
    os.mkdir(f"{root}/tmp")
    sandbox.bind(f"{plan.base}/tmp", f"{root}/tmp", read_only=False)
    for name, places in wanted.items():
        if name in names and (os.path.isdir(f"/{name}") or os.path.islink(f"/{name}")):
            continue
        for place in places:
            _make_place(_inside(root, place.target), place.source)
    return all(writable)


def _top(plan: Plan, root: str, name: str, places: list[Shown]) -> bool:
    lower, here = f"/{name}", f"{root}/{name}"
    if os.path.islink(lower):
        os.symlink(os.readlink(lower), here)
    elif os.path.isdir(lower):
        os.mkdir(here)
        if not os.access(lower, os.R_OK | os.X_OK):  # not ours to see: an empty one serves programs better
            own = f"{plan.base}/own/{name}"
            os.makedirs(own)
            for place in places:
                _make_place(own + place.target[len(lower) :], place.source)
            sandbox.bind(own, here, read_only=False)
        elif os.listdir(lower):
            return _directory(plan, lower, here, places)
        else:  # nothing to show: the container's own will do
            os.chmod(here, stat.S_IMODE(os.stat(lower).st_mode))
            for place in places:
                _make_place(here + place.target[len(lower) :], place.source)
    elif stat.S_ISREG(os.lstat(lower).st_mode):
        _touch(here)
        sandbox.bind(lower, here)
    return True


def _directory(plan: Plan, lower: str, here: str, places: list[Shown]) -> bool:
    """Show `lower` at `here`, with a place for each of `places`. Whether it can be written to.

    An ordinary user may lay nothing over a directory that other file systems are mounted in: then its parts
    are shown one by one, as they are too where something is to be mounted in what is shown read-only."""
    if plan.overlay and _overlay(plan, lower, here, places):
        return True
    divided = plan.overlay and bool(_mounted_below(plan, lower))
    if not places and not divided:
        sandbox.bind(lower, here)
        return False
    sandbox.mount("tmpfs", here, "tmpfs", MS_NOSUID | MS_NODEV, SKELETON)
    below: dict[str, list[Shown]] = {}
    for place in places:
        first = place.target[len(lower) + 1 :].split("/")[0]
        below.setdefault(first, []).append(place)
    for name in os.listdir(lower):
        source, target = f"{lower}/{name}", f"{here}/{name}"
        if os.path.islink(source):
            os.symlink(os.readlink(source), target)
        elif os.path.isdir(source):
            os.mkdir(target)
            deeper = [place for place in below.pop(name, []) if place.target != source]
            _directory(plan, source, target, deeper)
        else:
            below.pop(name, None)
            _touch(target)
            sandbox.bind(source, target)
    for left in below.values():
        for place in left:
            _make_place(here + place.target[len(lower) :], place.source)
    if plan.read_only:
        _protect(here)
    return divided


def _overlay(plan: Plan, lower: str, here: str, places: list[Shown]) -> bool:
    """Show `lower` at `here`, writable; False when the kernel does not allow it."""
    # Layers must not lie in one another; memory serves where the container's directory is below `lower`.
    layers = f"{plan.base}/layers"
    if _within(plan.base, lower):
        layers = f"{plan.base}/memory"
        if not os.path.isdir(layers):
            os.mkdir(layers)
            sandbox.mount("tmpfs", layers, "tmpfs", MS_NOSUID | MS_NODEV, "mode=700")
    layers += "/" + lower[1:].replace("%", "%25").replace("/", "%2F")
    upper, work = f"{layers}/upper", f"{layers}/work"
    os.makedirs(upper)
    os.mkdir(work)
    was = os.stat(lower)
    os.chmod(upper, stat.S_IMODE(was.st_mode))
    if not plan.limited:
        os.chown(upper, was.st_uid, was.st_gid)
    for place in places:
        _make_place(upper + place.target[len(lower) :], place.source, lower, len(upper))
    options = f"lowerdir={_escaped(lower)},upperdir={_escaped(upper)},workdir={_escaped(work)}"
    options += ",userxattr" * plan.limited
    # `volatile`: nobody waits for the disk on behalf of files that vanish (Linux 5.10).
    if not _laid(here, f"{options},volatile") and not _laid(here, options):
        return False
    for mounted in _mounted_below(plan, lower):
        with contextlib.suppress(OSError):  # what even the machine's own user may not look into
            sandbox.bind(mounted, here + mounted[len(lower) :])
    return True


def _laid(here: str, options: str) -> bool:
    try:
        sandbox.mount("overlay", here, "overlay", MS_NOSUID | MS_NODEV, options)
    except OSError:
        return False
    return True


def _devices(plan: Plan, root: str) -> None:
    dev = f"{root}/dev"
    os.mkdir(dev)
    names = [*DEVICES, *(f"nvidia{number}" for number in range(16))]
    for name in names:
        if os.path.isdir(f"/dev/{name}"):
            os.mkdir(f"{dev}/{name}")
        elif os.path.exists(f"/dev/{name}"):
            _touch(f"{dev}/{name}")
        else:
            continue
        sandbox.mount(f"/dev/{name}", f"{dev}/{name}", flags=MS_BIND)
    for name in ("pts", "shm", "mqueue"):
        os.mkdir(f"{dev}/{name}")
    size = "" if plan.shared_memory is None else f",size={plan.shared_memory}"
    sandbox.mount("tmpfs", f"{dev}/shm", "tmpfs", MS_NOSUID | MS_NODEV, f"mode=1777{size}")
    sandbox.mount(
        "devpts", f"{dev}/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620"
    )
    os.symlink("pts/ptmx", f"{dev}/ptmx")
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(f"/proc/self/{target}", f"{dev}/{name}")


def _protect(path: str) -> None:
    """Nothing can be written any more to the memory that is mounted at `path`."""
    sandbox.mount("none", path, flags=MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV)


def _make_place(path: str, source: str, lower: str = "", cut: int = 0) -> None:
    """An empty directory or file at `path` for `source` to be mounted on. In an upper layer, directories
    on the way keep the rights of those in `lower`."""
    if os.path.isdir(source):
        os.makedirs(path, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _touch(path)
    while cut and len(path := os.path.dirname(path)) > cut:
        if os.path.isdir(lower + path[cut:]):
            os.chmod(path, stat.S_IMODE(os.stat(lower + path[cut:]).st_mode))


def _touch(path: str) -> None:
    with open(path, "a"):
        pass


def _resolved(target: str) -> str:
    """`target` without symbolic links as the container will see them, and without a slash at its end."""
    name = os.path.normpath(target).split("/")[1]
    return os.path.normpath(target) if name in OWN else os.path.realpath(target)


def _inside(root: str, target: str) -> str:
    return root + _resolved(target)


def _within(path: str, directory: str) -> bool:
    return os.path.realpath(path).startswith(os.path.realpath(directory).rstrip("/") + "/")


def _escaped(path: str) -> str:
    return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


@functools.cache  # of the machine's mounts, in a process that builds one container
def _mount_points() -> list[str]:
    with open("/proc/self/mountinfo") as file:
        return sorted({line.split()[4].encode().decode("unicode_escape") for line in file})


def _mounted_below(plan: Plan, directory: str) -> list[str]:
    """What is mounted below `directory`, topmost first, nothing twice, and nothing of the container's own."""
    found: list[str] = []
    for point in _mount_points():
        if (
            point.startswith(directory + "/")
            and not (found and point.startswith(found[-1] + "/"))
            and not point.startswith(plan.base + "/")
        ):
            found.append(point)
    return found
