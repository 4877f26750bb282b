"""What a figure depends on besides our code: the machine, its load, the versions."""

import os
import platform
import tomllib
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]


def _locked(lock: Path, package: str) -> str:
    packages = tomllib.loads(lock.read_text())["package"]
    return next(str(entry["version"]) for entry in packages if entry["name"] == package)


def load() -> float:
    """Runnable processes, averaged over the last minute."""
    return os.getloadavg()[0]


def busy(runnable: float) -> str:
    """A warning when others used the machine as the run began; "" when it was quiet. `runnable`: load()."""
    cores = os.cpu_count() or 1
    if runnable < cores / 2:
        return ""
    return (
        f"The machine was busy with other work ({runnable:.1f} runnable processes on {cores} cores before "
        "the run): times are longer than they would be; ratios, memory and CPU figures hold."
    )


def versions() -> dict[str, str]:
    """Name -> version, for the head of the report."""
    return {
        "mdlc": version("mdlc"),
        "LocalStack": _locked(ROOT / "emulator" / "uv.lock", "localstack-core"),
        "boto3 (client)": version("boto3"),
        "Python": platform.python_version(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cores": str(os.cpu_count()),
    }
