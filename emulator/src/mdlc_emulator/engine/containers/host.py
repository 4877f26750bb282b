"""The containers of this machine: the one implementation of `contract.Containers`."""

from __future__ import annotations

import functools
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mdlc_emulator.engine.containers import without
from mdlc_emulator.engine.containers.contract import Container, ContainerError, ContainerSpec, Network
from mdlc_emulator.engine.containers.running import RunningContainer
from mdlc_emulator.engine.containers.zygote import Facts, Zygote, ZygoteError


class HostContainers:
    """Starts containers by way of a zygote, which is started with the first one. `directory`: where the
    containers' own files are, each in a directory of its own that goes with it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._zygote: Zygote | None = None
        self._running: set[RunningContainer] = set()
        self._stopped = False

    def start(self, spec: ContainerSpec, on_line: Callable[[str], None]) -> Container:
        """See `contract.Containers`."""
        _check(spec)
        zygote = self._current()
        try:
            facts = zygote.facts()
        except ZygoteError as error:
            raise ContainerError(f"No container can be started: {error}") from error
        base = Path(tempfile.mkdtemp(prefix="c-", dir=self._directory))
        container = None
        try:
            container = self._launch(zygote, facts, spec, base, on_line)
            container.await_start()
        except OSError as error:
            raise ContainerError(f"{spec.name} was not started: {error}") from error
        finally:
            if container is None:
                shutil.rmtree(base, ignore_errors=True)
        return container

    def _launch(
        self, zygote: Zygote, facts: Facts, spec: ContainerSpec, base: Path, on_line: Callable[[str], None]
    ) -> RunningContainer:
        isolated = facts.mode != "none"
        prepared = without.Translated(spec, {}) if isolated else without.translated(spec, base)
        ours, theirs = socket.socketpair()
        reader, writer = os.pipe()
        try:
            container = RunningContainer(
                spec, ours, reader, on_line, isolated, prepared.ports, self._forget(zygote, base)
            )
            with self._lock:
                if self._stopped:
                    raise ContainerError("The emulator is ending: no container is started any more.")
                self._running.add(container)
            zygote.spawn(_request(prepared.spec, base, isolated), theirs, writer)
        except BaseException:
            ours.close()
            os.close(reader)
            raise
        finally:
            theirs.close()
            os.close(writer)
        container.watch()
        return container

    def _forget(self, zygote: Zygote, base: Path) -> Callable[[RunningContainer], None]:
        def forget(container: RunningContainer) -> None:
            with self._lock:
                self._running.discard(container)
            zygote.remove(base)

        return forget

    def isolation(self) -> tuple[str, str]:
        """See `contract.Containers`."""
        try:
            facts = self._current().facts()
        except (ZygoteError, ContainerError) as error:
            return "base-directory", str(error)
        return ("base-directory", facts.reason) if facts.mode == "none" else ("namespaces", "")

    def stop_all(self) -> None:
        """See `contract.Containers`."""
        with self._lock:
            self._stopped = True
            zygote, self._zygote = self._zygote, None
        if zygote is not None:
            zygote.stop()

    def _current(self) -> Zygote:
        with self._lock:
            if self._stopped:
                raise ContainerError("The emulator is ending: no container is started any more.")
            if self._zygote is None or not self._zygote.alive:
                self._directory.mkdir(parents=True, exist_ok=True)
                self._zygote = Zygote(self._directory)
            return self._zygote


def _check(spec: ContainerSpec) -> None:
    if not spec.command:
        raise ContainerError(f"{spec.name} has no command: give it at least the name of a program.")
    for what, path in (("/opt/ml", spec.ml), *((mount.target, mount.source) for mount in spec.mounts)):
        if path is not None and not path.exists():
            raise ContainerError(
                f"{spec.name} cannot show {path} at {what}: there is no such file or directory."
            )
    for mount in spec.mounts:
        if not mount.target.startswith("/") or os.path.normpath(mount.target) == "/":
            raise ContainerError(
                f"{spec.name} cannot show {mount.source} at {mount.target!r}: name a path below /."
            )


def _request(spec: ContainerSpec, base: Path, isolated: bool) -> dict[str, Any]:
    """What the zygote is told; see `container/zygote.py`."""
    own = base / "files"
    own.mkdir()
    hosts = base / "hosts"
    hosts.write_text(_hosts(spec.host_name))
    shown = [(str(hosts), "/etc/hosts", False)]
    if spec.ml is not None:
        shown.append((str(spec.ml.resolve()), "/opt/ml", False))
    shown += [(str(mount.source.resolve()), mount.target, mount.read_only) for mount in spec.mounts]
    shown.sort(key=lambda one: one[1].count("/"))
    return {
        "base": str(own),
        "shown": shown,
        "host_name": spec.host_name,
        "network": spec.network.value,
        "shared_memory": _bytes(spec.shared_memory_mib),
        "memory": _bytes(spec.memory_mib),
        "open_files": spec.open_files,
        "background": spec.background,
        "directory": spec.working_directory,
        "make_directory": isolated,
        "command": list(spec.command),
        "environment": dict(spec.environment),
    }


def _bytes(mib: int | None) -> int | None:
    return None if mib is None else mib << 20


def _hosts(host_name: str) -> str:
    """The machine's hosts file, with the container's name first."""
    try:
        machine = Path("/etc/hosts").read_text(errors="replace")
    except OSError:
        machine = "127.0.0.1 localhost\n"
    return f"127.0.0.1 {host_name}\n{machine}"


@functools.cache
def containers() -> HostContainers:
    """The engine's containers."""
    return HostContainers(Path(tempfile.gettempdir()) / "containers")


__all__ = ["HostContainers", "Network", "containers"]
