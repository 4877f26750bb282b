"""One running emulator: a process of its own, with a port, a home directory and a log."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ENGINE_PYTHON = Path(__file__).parents[3] / ".venv" / "bin" / "python"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Instance:
    port: int
    home: Path
    process: subprocess.Popen[bytes]

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.home / "engine.log"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)


def start(port: int | None = None, timeout: float = 60.0) -> Instance:
    port = port or free_port()
    home = Path(tempfile.mkdtemp(prefix=f"mdlc-emulator-{port}-"))
    (home / "tmp").mkdir()
    environment = {
        **os.environ,
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "LOCALSTACK_HOST": f"localhost:{port}",
        "TMPDIR": str(home / "tmp"),
        "FILESYSTEM_ROOT": str(home / "fs"),
    }
    with (home / "engine.log").open("wb") as log:
        process = subprocess.Popen(
            [str(ENGINE_PYTHON), "-m", "mdlc_emulator.engine"],
            env=environment, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    instance = Instance(port, home, process)
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urlopen(f"{instance.endpoint_url}/_localstack/health", timeout=1).read()
            return instance
        except (URLError, OSError):
            time.sleep(0.02)
    text = instance.log.read_text(errors="replace")
    instance.stop()
    raise RuntimeError(f"The emulator did not start:\n{text}")
