"""What `mdlc doctor` looks at: each check asks one question of this machine and returns what it found."""

import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mdlc_emulator.launcher import EnvironmentMissingError
from mdlc_emulator.launcher.interpreter import checkout, engine_python
from mdlc_emulator.launcher.ports import taken
from mdlc_emulator.launcher.state import find

from cli.exits import MdlcError
from cli.target import DEFAULT_PORT

LINUX = sys.platform == "linux"
_CHANGED = re.compile(r"^ [-+~] ([^ =@]+)", re.MULTILINE)
RUNTIMES = ("3.10", "3.11", "3.12", "3.13", "3.14")
DISK_NEEDED = 2.0
"""GiB: both environments, the deployment zips and what an emulator holds."""


class Verdict(StrEnum):
    """How grave a finding is."""

    OK = "ok"
    NOTE = "note"
    """Works, with less."""
    LACKING = "lacking"
    """Something essential is not there."""


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report; `remedy` is "" where there is nothing to do."""

    name: str
    verdict: Verdict
    detail: str
    remedy: str = ""


def own_python() -> Finding:
    version = platform.python_version()
    if sys.version_info[:2] == (3, 13):
        return Finding("Python", Verdict.OK, f"{version} ({sys.executable})")
    return Finding("Python", Verdict.LACKING, f"this is {version}", "Install Python 3.13, then `make setup`.")


def engine() -> Finding:
    try:
        python = engine_python(lambda _: None)
    except EnvironmentMissingError as error:
        return Finding("Engine", Verdict.LACKING, "its private environment is missing", str(error))
    done = _run(
        [str(python), "-c", "from importlib.metadata import version; print(version('localstack-core'))"]
    )
    if done.returncode:
        return Finding("Engine", Verdict.LACKING, _last(done), "Run `make clean setup`.")
    return Finding("Engine", Verdict.OK, f"LocalStack {done.stdout.strip()} ({python})")


def runtimes() -> Finding:
    """Which of Lambda's Python runtimes can run here: the engine's own search is asked."""
    code = (
        "import json; from mdlc_emulator.engine.functions.interpreters import interpreter; "
        f"print(json.dumps({{v: interpreter(v) for v in {RUNTIMES}}}))"
    )
    try:
        done = _run([str(engine_python(lambda _: None)), "-c", code], timeout=60)
        found = json.loads(done.stdout)
    except (EnvironmentMissingError, ValueError, subprocess.TimeoutExpired):
        return Finding(
            "Lambda runtimes", Verdict.LACKING, "the engine could not be asked", "Run `make clean setup`."
        )
    present = [version for version, path in found.items() if path]
    absent = [version for version, path in found.items() if not path]
    detail = "python" + ", ".join(present) + ", provided.al2023"
    if "3.13" not in present:
        return Finding("Lambda runtimes", Verdict.LACKING, detail, "Install Python 3.13.")
    if absent:
        remedy = f"For functions of python{', '.join(absent)}: `uv python install {' '.join(absent)}`."
        return Finding("Lambda runtimes", Verdict.NOTE, detail, remedy)
    return Finding("Lambda runtimes", Verdict.OK, detail)


_NAMESPACES = """
import ctypes, os, tempfile
os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNS | os.CLONE_NEWPID)
libc = ctypes.CDLL(None, use_errno=True)
place = tempfile.mkdtemp().encode()
try:
    if libc.mount(b"none", place, b"tmpfs", 0, None) != 0:
        raise OSError(ctypes.get_errno(), "a file system cannot be mounted")
finally:
    libc.umount(place); os.rmdir(place)
"""


def namespaces() -> Finding:
    """Really tried: a user namespace is made in a process of its own, and something mounted in it."""
    name = "Private file systems of functions"
    without = "functions see /opt, /var/task and /tmp by environment variables only"
    if not LINUX:
        return Finding(name, Verdict.NOTE, f"there are none on {platform.system()}: {without}")
    done = _run([sys.executable, "-I", "-S", "-c", _NAMESPACES])
    if done.returncode == 0:
        return Finding(name, Verdict.OK, "user namespaces work")
    return Finding(name, Verdict.NOTE, f"{_last(done)}: {without}", _namespace_remedy())


def containers() -> Finding:
    """Really tried as well: the engine's own attempt at what a job is given."""
    from mdlc_emulator import container

    name = "Containers of jobs"
    program = Path(container.__file__).with_name("zygote.py")
    with tempfile.TemporaryDirectory() as place:
        done = _run([sys.executable, "-I", "-S", str(program), "try", place])
    if done.returncode:
        return Finding(name, Verdict.NOTE, _last(done), _namespace_remedy())
    found = json.loads(done.stdout)
    if found["mode"] == "none":
        detail = f"{found['reason']}: jobs find /opt/ml by SAGEMAKER_BASE_DIR only, and share the network"
        return Finding(name, Verdict.NOTE, detail, _namespace_remedy() if LINUX else "")
    lacking = []
    if not found["writable"]:
        lacking.append("the machine's directories are read-only inside (no overlay)")
    if not found["quota"]:
        lacking.append("shares of processors are rounded up to whole ones (no control groups)")
    return Finding(name, Verdict.OK, "; ".join(["namespaces work", *lacking]))


def _namespace_remedy() -> str:
    for path, bad, remedy in (
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces=10000"),
    ):
        setting = Path(path)
        if setting.exists() and setting.read_text().strip() == bad:
            return f"`sudo sysctl {remedy}` allows them."
    return "In a container: allow it user namespaces (Docker: --security-opt seccomp=unconfined)."


def deployment_platform() -> Finding | None:
    if LINUX:
        return None
    return Finding(
        "Lambda packages",
        Verdict.NOTE,
        f"the zip holds Linux binaries: on {platform.system()} functions run from the local environment",
    )


def port() -> Finding:
    ours = find(DEFAULT_PORT)
    if ours is not None:
        return Finding(
            "Port", Verdict.OK, f"{DEFAULT_PORT} is held by our own emulator (pid {ours.engine_pid})"
        )
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError:
            sentence, _, remedy = str(taken(DEFAULT_PORT)).partition(": ")
            return Finding("Port", Verdict.NOTE, sentence, remedy[:1].upper() + remedy[1:])
    return Finding("Port", Verdict.OK, f"{DEFAULT_PORT} is free")


def disk() -> Finding:
    places = {Path(tempfile.gettempdir()), Path.cwd(), Path.home()}
    free = {place: shutil.disk_usage(place).free / 2**30 for place in places}
    place, least = min(free.items(), key=lambda item: item[1])
    detail = f"{least:.1f} GiB free at {place}"
    if least < DISK_NEEDED / 4:
        return Finding("Disk", Verdict.LACKING, detail, f"Free {DISK_NEEDED:g} GiB there.")
    if least < DISK_NEEDED:
        return Finding("Disk", Verdict.NOTE, detail, f"Set-up and deploys want {DISK_NEEDED:g} GiB there.")
    return Finding("Disk", Verdict.OK, detail)


def _uv() -> str | None:
    directory = checkout()
    kept = directory.parent / ".tools" / "bin" / "uv" if directory else None
    return os.environ.get("UV") or shutil.which("uv") or (str(kept) if kept and kept.exists() else None)


def uv() -> Finding:
    found = _uv()
    if found is None:
        return Finding(
            "uv",
            Verdict.NOTE,
            "not found",
            "`make setup` installs one for the checkout, or `pip install uv`.",
        )
    return Finding("uv", Verdict.OK, f"{_run([found, '--version']).stdout.strip()} ({found})")


def environments() -> Iterator[Finding]:
    """Whether each environment of a checkout is what its lock says."""
    directory, tool = checkout(), _uv()
    if directory is None or tool is None:
        return
    for name, project, options in (
        ("Application's environment", directory.parent, []),
        ("Engine's environment", directory, ["--group", "engine"]),
    ):
        command = [tool, "sync", "--check", "--frozen", "--offline", "--project", str(project), *options]
        done = _run(command, timeout=60)
        # The project's own packages are installed in place: what they hold is always what is there.
        changes = sorted({name for name in _CHANGED.findall(done.stderr) if not name.startswith("mdlc")})
        if done.returncode == 0 or ("outdated" in done.stderr and not changes):
            yield Finding(name, Verdict.OK, "in step with its lock")
        else:
            which = f" ({', '.join(changes[:5])})" if changes else ""
            yield Finding(name, Verdict.LACKING, f"not what its lock says{which}", "Run `make setup`.")


def packages() -> Iterator[Finding]:
    """The directories that are installed beside the engine at set-up, else at first use."""
    from mdlc_emulator.environments.__main__ import ALL

    if checkout() is None:
        return
    for name, installed in ALL.items():
        title = f"Packages: {name}"
        if installed.is_complete():
            yield Finding(title, Verdict.OK, f"as locked ({installed.place()})")
        else:
            remedy = "`make setup` installs them; else the first use does, which takes half a minute."
            yield Finding(
                title, Verdict.NOTE, f"those {installed.purpose} are missing or out of date", remedy
            )


def image_recipes() -> Finding:
    """Which images jobs can name here; a recipe file that is wrong is told with its line."""
    from cli.image_recipes import listed

    try:
        found = listed(everything=False)
    except MdlcError as error:
        return Finding("Image recipes", Verdict.NOTE, str(error), "Mend it: until then no image is found.")
    broken = [one for one in found if not one.runnable]
    if broken:
        return Finding("Image recipes", Verdict.NOTE, broken[0].remark, "`mdlc image list` shows every one.")
    names = ", ".join(one.image for one in found)
    return Finding("Image recipes", Verdict.OK, names)


def deployment_zip() -> Finding | None:
    """Only in a project: whether `mdlc deploy` would only have to upload."""
    from cli.deploy_project import LOCAL, Project

    try:
        project = Project.around(Path.cwd())
    except MdlcError:
        return None
    from cli.package_layer import layer_path

    try:
        path = layer_path(project, LOCAL)
    except (MdlcError, OSError) as error:
        return Finding("Deployment zip", Verdict.LACKING, str(error), "Mend .chalice/config.json.")
    if path.exists():
        return Finding("Deployment zip", Verdict.OK, f"{path.stat().st_size / 2**20:.0f} MiB ({path.name})")
    return Finding(
        "Deployment zip", Verdict.NOTE, "not built yet", "`mdlc package` builds it ahead of a deploy."
    )


def all_findings(say: Callable[[str], None]) -> list[Finding]:
    """Every check in turn; `say` is told which one is running."""
    found: list[Finding] = []
    for words, check in (
        ("Python", own_python),
        ("the engine", engine),
        ("interpreters", runtimes),
        ("namespaces", namespaces),
        ("containers", containers),
        ("the platform", deployment_platform),
        ("ports", port),
        ("the disk", disk),
        ("uv", uv),
    ):
        say(f"Looking at {words}")
        if (finding := check()) is not None:
            found.append(finding)
    say("Comparing environments with their locks")
    found += environments()
    found += packages()
    found.append(image_recipes())
    if (finding := deployment_zip()) is not None:
        found.append(finding)
    return found


def _run(command: list[str], timeout: float = 20.0) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
    )


def _last(done: subprocess.CompletedProcess[str]) -> str:
    lines = done.stderr.strip().splitlines()
    return lines[-1].partition("] ")[2] or lines[-1] if lines else f"exit code {done.returncode}"
