"""What this machine can do for a job: several hosts and networks of their own need namespaces."""

from __future__ import annotations

from collections.abc import Sequence

from mdlc_emulator.engine.sagemaker.jobs.hosts import Host
from mdlc_emulator.engine.sagemaker.kernel.errors import unsupported


def check_abilities(instances: int, *, isolated: bool) -> None:
    """Refuse what a job asks for and containers of this machine cannot have: ValidationException."""
    if isolated and instances > 1:
        raise unsupported(
            "EnableNetworkIsolation with more than one instance",
            "Use one instance, or no isolation: isolated containers cannot reach each other here.",
        )
    if (isolated or instances > 1) and (why := _without_namespaces()):
        what = "EnableNetworkIsolation" if isolated else "more than one instance"
        raise unsupported(f"{what} on this machine", f"It has no namespaces for containers: {why}")


def names(hosts: Sequence[Host]) -> list[str]:
    """What the hosts call themselves: where containers have no hosts file of their own, programs that look
    for `algo-1` would wait for ever."""
    return ["localhost"] if _without_namespaces() else [host.name for host in hosts]


def _without_namespaces() -> str:
    """Why there are none, or ""."""
    from mdlc_emulator.engine.containers.host import containers

    mode, why = containers().isolation()
    return "" if mode == "namespaces" else why
