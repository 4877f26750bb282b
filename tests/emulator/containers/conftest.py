"""Containers without an engine, in every kind of isolation that this machine allows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from mdlc_emulator import container as inside
from mdlc_emulator.engine.containers.contract import Container, ContainerSpec, Exit, Mount
from mdlc_emulator.engine.containers.host import HostContainers
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.batch.conftest import Batch
from tests.emulator.conftest import variable

MODES = {"root": "", "user": "user", "none": "off"}
"""What MDLC_CONTAINERS is for each."""
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
CHECKOUT = Path(__file__).parents[3]
HIDDEN = CHECKOUT.is_relative_to("/tmp")
"""Containers have a /tmp of their own: a checkout that lies there is shown to them, as recipes show it."""
OUTSIDE = Path("/var/tmp") if HIDDEN else CHECKOUT
"""A directory of the machine that containers see as it is."""


@cache
def allowed(mode: str) -> str:
    """ "" when containers of that kind are possible here, else why not."""
    if mode == "none":
        return ""
    if mode == "read-only":
        return allowed("root") and allowed("user")
    if mode == "root" and os.geteuid() != 0:
        return "not root"
    program = Path(inside.__file__).with_name("zygote.py")
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(program), "try", place],
            capture_output=True,
            text=True,
            check=True,
        )
    found = json.loads(done.stdout)
    return found["reason"] if found["mode"] == "none" else ""


@dataclass
class Runner:
    """Starts containers of one kind and keeps their output."""

    mode: str
    containers: HostContainers
    home: Path
    lines: list[str] = field(default_factory=list)

    @property
    def isolated(self) -> bool:
        return self.mode != "none"

    def start(
        self,
        *command: str,
        on_line: Callable[[str], None] | None = None,
        environment: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Container:
        self.lines = []
        variables = {"PATH": PATH, **(environment or {})}
        mounts = [*([Mount(CHECKOUT, str(CHECKOUT))] if HIDDEN else []), *more.pop("mounts", ())]
        spec = ContainerSpec(name="job", command=command, environment=variables, mounts=mounts, **more)
        return self.containers.start(spec, on_line or self.lines.append)

    def run(self, *command: str, **more: Any) -> tuple[Exit, list[str]]:
        """How it ended and what it wrote."""
        ended = self.start(*command, **more).wait(30)
        assert ended is not None
        return ended, self.lines

    def sh(self, script: str, **more: Any) -> list[str]:
        """The output of a shell script that must succeed."""
        ended, lines = self.run("sh", "-c", script, **more)
        assert ended.code == 0, lines
        return lines

    def python(self, code: str, **more: Any) -> Container:
        return self.start(sys.executable, "-I", "-c", code, **more)


def runner(mode: str, home: Path) -> Iterator[Runner]:
    if reason := allowed(mode):
        pytest.skip(f"this machine allows no containers of this kind: {reason}")
    with variable("MDLC_CONTAINERS", MODES.get(mode, mode)):
        made = HostContainers(home / "containers")
        facts = made.isolation()
        assert facts[0] == ("base-directory" if mode == "none" else "namespaces"), facts
        assert made.known() is not None
        yield Runner(mode, made, home)
        made.stop_all()


@pytest.fixture(scope="module", params=list(MODES))
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Every kind of isolation."""
    yield from runner(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module", params=["root", "user", "read-only"])
def apart(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """The kinds that have namespaces; `read-only` has no overlays."""
    yield from runner(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture
def ml(tmp_path: Path) -> Path:
    """An /opt/ml."""
    place = tmp_path / "ml"
    for name in ("input", "model", "output"):
        (place / name).mkdir(parents=True)
    return place


def jobs_of(aws: Aws) -> Batch:
    """Batch of an emulator: the shortest way to a container inside an engine."""
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    name = f"containers-{uuid.uuid4().hex[:8]}"
    role = aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    return Batch(aws, role, {"subnets": ["subnet-0a1b2c3d"], "securityGroupIds": ["sg-0a1b2c3d"]})
