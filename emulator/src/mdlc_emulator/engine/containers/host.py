"""The containers of this machine: the one implementation of `contract.Containers`."""

from __future__ import annotations

import functools
import os
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mdlc_emulator.engine.containers import orders, without
from mdlc_emulator.engine.containers.contract import Container, ContainerError, ContainerSpec, Network
from mdlc_emulator.engine.containers.endpoint import Endpoint, GatewayEndpoint
from mdlc_emulator.engine.containers.running import RunningContainer, Streams
from mdlc_emulator.engine.containers.zygote import Facts, Zygote, ZygoteError

_ENDING = "The emulator is ending: no container is started any more."


class HostContainers:
    """Starts containers by way of a zygote, which is started with the first one. `directory`: where the
    containers' own files are, each in a directory of its own that goes with it. `endpoint` is what private
    networks reach besides themselves."""

    def __init__(self, directory: Path, endpoint: Endpoint | None = None) -> None:
        self._directory = directory.resolve()
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._zygote: Zygote | None = None
        self._stopped = False

    def start(self, spec: ContainerSpec, on_line: Callable[[str], None]) -> Container:
        """See `contract.Containers`."""
        orders.check(spec)
        zygote = self._current()
        try:
            facts = zygote.facts()
        except ZygoteError as error:
            raise ContainerError(f"{spec.name} was not started: {error}") from error
        base = Path(tempfile.mkdtemp(prefix="c-", dir=self._directory))
        try:
            container = self._launch(zygote, facts, spec, base, on_line)
        except BaseException as error:
            shutil.rmtree(base, ignore_errors=True)
            if isinstance(error, OSError):
                raise ContainerError(f"{spec.name} was not started: {error}.") from error
            raise
        container.await_start()
        return container

    def _launch(
        self, zygote: Zygote, facts: Facts, spec: ContainerSpec, base: Path, on_line: Callable[[str], None]
    ) -> RunningContainer:
        isolated = facts.mode != "none"
        # Opened before the paths are translated: what is told apart is the machine's view and the inner one.
        prepared = without.Translated(spec, {}) if isolated else without.translated(spec, base)
        network = spec.network if isolated else Network.HOST
        endpoint = self._endpoint if network is Network.PRIVATE else None
        order = orders.order(prepared.spec, base, facts, None if endpoint is None else endpoint.port)
        ours, theirs = socket.socketpair()
        reader, writer = os.pipe()
        try:
            zygote.spawn(order, theirs, writer)
        except OSError:
            ours.close()
            os.close(reader)
            raise
        finally:
            theirs.close()
            os.close(writer)
        container = RunningContainer(
            spec,
            Streams(ours, reader, on_line),
            network,
            prepared.ports,
            endpoint,
            functools.partial(zygote.remove, base, order["group"]),
        )
        container.watch()
        return container

    def isolation(self) -> tuple[str, str]:
        """See `contract.Containers`."""
        try:
            facts = self._current().facts()
        except (ZygoteError, ContainerError) as error:
            return "base-directory", str(error)
        return ("base-directory", facts.reason) if facts.mode == "none" else ("namespaces", "")

    def known(self) -> Facts | None:
        """What this machine allows; None before the first container."""
        with self._lock:
            return None if self._zygote is None else self._zygote.known

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
                raise ContainerError(_ENDING)
            if self._zygote is None or not self._zygote.alive:
                self._directory.mkdir(parents=True, exist_ok=True)
                self._zygote = Zygote(self._directory)
            return self._zygote


def status() -> dict[str, Any] | None:
    """For `/_mdlc/status`; None before the first container."""
    facts = containers().known()
    if facts is None:
        return None
    return {
        "isolation": "base-directory" if facts.mode == "none" else "namespaces",
        "reason": facts.reason,
        "as": facts.mode,
        "writable": facts.writable,
        "quota": facts.quota,
    }


def limits() -> list[str]:
    """What containers lack on this machine, a sentence each."""
    facts = containers().known()
    if facts is None:
        return []
    lacking = []
    if facts.mode == "none":
        lacking.append(
            f"Jobs and model servers run without namespaces ({facts.reason}): /opt/ml is found by "
            "SAGEMAKER_BASE_DIR, what they write elsewhere stays, EnableNetworkIsolation isolates nothing, "
            "and two servers that insist on one port exclude each other."
        )
    elif not facts.writable:
        lacking.append("Jobs and model servers see the machine's directories read-only: there is no overlay.")
    if sys.platform != "linux":
        lacking.append("Neither memory nor processors of containers are limited on this system.")
    elif not facts.quota:
        lacking.append(
            "A container's share of processors is rounded up to whole ones: no quota can be set here."
        )
    return lacking


_FIRST = threading.Lock()


def containers() -> HostContainers:
    """The engine's containers."""
    with _FIRST:  # a cache alone would make as many as there are threads that ask first
        return _made()


@functools.cache
def _made() -> HostContainers:
    return HostContainers(Path(tempfile.gettempdir()) / "containers", GatewayEndpoint())
