"""Programs of this machine that build images from a Dockerfile: which is at hand, and its command line."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.exits import Exit, MdlcError

PROBES: dict[str, list[str]] = {
    "docker": ["version", "--format", "{{.Server.Version}}"],
    "podman": ["info"],
    "buildah": ["info"],
    "nerdctl": ["version", "--format", "{{.Server}}"],
}
"""Builder -> a command that works only where it could build; in the order of preference."""
SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Builder:
    """A builder that answered."""

    name: str

    def command(self, image: str, platforms: Sequence[str], base: str | None) -> list[str]:
        """Its command line for the Dockerfile of the current directory, one image for all `platforms`."""
        chosen = ",".join(platforms)
        begin = {
            # Several platforms at once need buildx, which stands behind `docker build` today.
            "docker": ["docker", "build", "--platform", chosen, "--tag", image],
            "nerdctl": ["nerdctl", "build", "--platform", chosen, "--tag", image],
            "podman": ["podman", "build", "--platform", chosen, *_named(image, platforms)],
            "buildah": ["buildah", "build", "--platform", chosen, *_named(image, platforms)],
        }[self.name]
        return [*begin, *(["--build-arg", f"BASE={base}"] if base else []), "."]

    def build(self, root: Path, command: Sequence[str], *, quiet: bool) -> None:
        """Run it, what it says on our standard error. MdlcError when it fails."""
        said = subprocess.DEVNULL if quiet else sys.stderr
        done = subprocess.run(command, cwd=root, check=False, stdout=said)
        if done.returncode:
            raise MdlcError(f"{self.name} ended with {done.returncode}: what it says above is the reason.")


def _named(image: str, platforms: Sequence[str]) -> list[str]:
    return ["--tag", image] if len(platforms) == 1 else ["--manifest", image]


def find(wanted: str | None = None) -> Builder:
    """The builder `wanted`, else the first that answers. MdlcError says of each why it cannot."""
    reasons = []
    for name in [wanted] if wanted else PROBES:
        reason = _lack(name)
        if reason is None:
            return Builder(name)
        reasons.append(reason)
    raise MdlcError(
        f"Nothing here can build an image: {'; '.join(reasons)}. Install or start one, or build on AWS by "
        "`mdlc image build --stage dev --with codebuild`. The emulator needs no image: it runs the same "
        "modules by mdlc-images.toml.",
        Exit.LACKING,
    )


def _lack(name: str) -> str | None:
    """Why it cannot build; None when it can."""
    program = shutil.which(name)
    if program is None:
        return f"{name} is not installed"
    try:
        done = subprocess.run(
            [program, *PROBES[name]],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
            env=os.environ,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{name} does not answer ({type(error).__name__})"
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        return f"{name} does not answer ({lines[-1].strip() if lines else done.returncode})"
    return None
