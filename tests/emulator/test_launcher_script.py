"""`mdlc-emulator`, the command of projects that have only the emulator."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("launcher")
SCRIPT = Path(sys.executable).with_name("mdlc-emulator")


def script(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(SCRIPT), *arguments], capture_output=True, text=True, check=False)


def test_up_status_env_down(own_state: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert f"http://127.0.0.1:{port} is ready" in script("up", "--port", str(port)).stdout
    try:
        assert [one["port"] for one in json.loads(script("status").stdout)["instances"]] == [port]
        assert f"export AWS_ENDPOINT_URL=http://127.0.0.1:{port}\n" in script("env").stdout
        again = script("up", "--port", str(port))
        assert again.returncode == 4
        assert f"`mdlc-emulator down --port {port}`" in again.stderr
    finally:
        ended = script("down")
    assert (ended.returncode, ended.stdout) == (0, f"The emulator on port {port} has ended\n")
    assert list((own_state / "instances").iterdir()) == []


@pytest.mark.parametrize("verb", ["down", "env"])
def test_with_nothing_running(own_state: Path, verb: str) -> None:
    done = script(verb)
    assert done.returncode == 3
    assert done.stderr == "mdlc-emulator: No emulator is running: start one with `mdlc-emulator up`.\n"


def test_the_light_part_imports_only_the_standard_library() -> None:
    """The launcher is imported into environments of others: nothing of theirs, or ours, may come along."""
    code = (
        "import sys, sysconfig\n"
        "before = set(sys.modules)\n"  # what site-packages loads by itself
        "import mdlc_emulator.launcher.__main__\n"
        "site = sysconfig.get_path('purelib')\n"
        "new = {name: sys.modules[name] for name in set(sys.modules) - before}\n"
        "print([n for n, m in new.items() if (getattr(m, '__file__', None) or '').startswith(site)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
