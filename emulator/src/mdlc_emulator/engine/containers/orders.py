"""What a specification means to the process that starts containers."""

from __future__ import annotations

import grp
import math
import os
import pwd
import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mdlc_emulator.engine.containers.contract import ContainerError, ContainerSpec, Network
from mdlc_emulator.engine.containers.zygote import Facts

_MIB = 1 << 20


def check(spec: ContainerSpec) -> None:
    """ContainerError when `spec` cannot be started on any machine."""
    name = spec.name
    if not spec.command:
        raise ContainerError(f"{name} has no command: give it at least the name of a program.")
    shown = [(mount.target, mount.source) for mount in spec.mounts]
    if spec.ml is not None:
        shown.append(("/opt/ml", spec.ml))
    for target, source in shown:
        if not source.exists():
            raise ContainerError(
                f"{name} cannot show {source} at {target}: there is no such file or directory."
            )
        if not target.startswith("/") or os.path.normpath(target).strip("/") in ("", "proc", "dev", "sys"):
            raise ContainerError(f"{name} cannot show {source} at {target!r}: choose a path below / for it.")
    if spec.cpus is not None and not (math.isfinite(spec.cpus) and spec.cpus > 0):
        raise ContainerError(f"{name} cannot run on {spec.cpus} processors: ask for more than 0.")
    for what in spec.ulimits:
        if not hasattr(resource, f"RLIMIT_{what.upper()}"):
            raise ContainerError(f"{name} cannot limit {what!r}: this system has no such limit.")


def order(spec: ContainerSpec, base: Path, facts: Facts, endpoint: int | None) -> dict[str, Any]:
    """For `container/zygote.py`. Makes in `base`, the container's directory, what it needs there."""
    own = base / "files"
    own.mkdir()
    hosts = base / "hosts"
    hosts.write_text(_hosts({spec.host_name: "127.0.0.1"} | dict(spec.hosts)))
    shown = [(str(hosts), "/etc/hosts", False)]
    if spec.ml is not None:
        shown.append((str(spec.ml.resolve()), "/opt/ml", False))
    shown += [(str(mount.source.resolve()), mount.target, mount.read_only) for mount in spec.mounts]
    shown.sort(key=lambda one: one[1].rstrip("/").count("/"))
    limits = {name.upper(): values for name, values in spec.ulimits.items()}
    if spec.open_files is not None:
        limits.setdefault("NOFILE", (spec.open_files, spec.open_files))
    return {
        "base": str(own),
        "group": base.name,
        "shown": shown,
        "read_only": spec.read_only_root,
        "host_name": spec.host_name,
        "network": spec.network.value,
        "endpoint": endpoint,
        "outside": _way_out(spec, facts),
        "shared_memory": _bytes(spec.shared_memory_mib),
        "memory": _bytes(spec.memory_mib),
        "cpus": spec.cpus,
        "background": spec.background,
        "limits": limits,
        "user": None if spec.user is None else _user(spec, facts),
        "directory": spec.working_directory,
        "make_directory": facts.mode != "none",
        "command": list(spec.command),
        "environment": dict(spec.environment),
    }


def _user(spec: ContainerSpec, facts: Facts) -> tuple[int, int] | None:
    """(user, group) to become, None for root. ContainerError when this machine cannot."""
    assert spec.user is not None
    first, _, second = spec.user.partition(":")
    try:
        known = None if first.isdecimal() else pwd.getpwnam(first)
    except KeyError:
        raise ContainerError(
            f"{spec.name} cannot run as {first}: there is no such user; use a number."
        ) from None
    user = int(first) if known is None else known.pw_uid
    group = _group(spec, second) if second else (user if known is None else known.pw_gid)
    if facts.mode == "root" or (facts.mode == "none" and os.geteuid() == 0):
        return user, group
    if (user, group) == (0, 0) and facts.mode == "user":
        return None
    raise ContainerError(
        f"{spec.name} cannot run as {spec.user}: only an emulator that root has started can give a container "
        "another user. Leave the user out."
    )


def _group(spec: ContainerSpec, name: str) -> int:
    if name.isdecimal():
        return int(name)
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise ContainerError(
            f"{spec.name} cannot run in the group {name}: there is no such group; use a number."
        ) from None


def _way_out(spec: ContainerSpec, facts: Facts) -> str | None:
    """The proxy that this machine itself uses, or "" for none; None where no way out is to be made."""
    if spec.network is not Network.PRIVATE or facts.mode == "none":
        return None
    return os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy") or ""


def _bytes(mib: int | None) -> int | None:
    return None if mib is None else mib * _MIB


def _hosts(names: Mapping[str, str]) -> str:
    """The machine's hosts file, with the container's own names first."""
    try:
        machine = Path("/etc/hosts").read_text(errors="replace")
    except OSError:
        machine = "127.0.0.1 localhost\n"
    own = "".join(f"{address} {name}\n" for name, address in names.items())
    return own + machine
