"""Instances forked from a template process: quick, and as separate as any other."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from mdlc_emulator.launcher import Instance, instances, start
from mdlc_emulator.launcher import template as templates
from mdlc_emulator.launcher.interpreter import engine_python
from mdlc_emulator.supervisor import host

from tests.emulator.conftest import variable
from tests.emulator.test_ends import Traces, assert_nothing_left, warm_function
from tests.waiting import eventually

pytestmark = pytest.mark.xdist_group("launcher")


def forked(instance: Instance) -> bool:
    """Whether the instance came from the template: its engine then shows the template's command line."""
    record = instance.record()
    assert record is not None
    return b"\0template\0" in Path(f"/proc/{record.engine_pid}/cmdline").read_bytes()


def made(idle: str = "600") -> templates.Template:
    with variable("MDLC_TEMPLATE_IDLE", idle):
        assert templates.keep(engine_python(lambda _: None), {}) is not None
    eventually(templates.socket_path().exists, within=60)
    template = templates.current()
    assert template is not None
    return template


@pytest.fixture(scope="module", autouse=True)
def _ended_at_last(module_state: Path) -> Iterator[None]:
    yield
    if (last := templates.current()) is not None:
        last.stop()


@pytest.fixture
def template(module_state: Path) -> templates.Template:
    """The one of the test before, if it is still of use."""
    present = templates.current()
    usable = present is not None and present.key == templates.code_key(engine_python(lambda _: None))
    return present if usable and present is not None else made()


def test_an_instance_comes_from_it_with_a_port_a_home_and_chance_of_its_own(
    template: templates.Template,
) -> None:
    one, other = start(), start()
    try:
        assert forked(one)
        assert forked(other)
        ids = set()
        for instance in (one, other):
            sqs = boto3.client(
                "sqs",
                endpoint_url=instance.endpoint_url,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
            url = sqs.create_queue(QueueName="q")["QueueUrl"]
            assert f":{instance.port}/" in url
            ids.add(sqs.send_message(QueueUrl=url, MessageBody="m")["MessageId"])
            iam = boto3.client(
                "iam",
                endpoint_url=instance.endpoint_url,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
            ids.add(iam.create_user(UserName="u")["User"]["UserId"])
            assert (instance.home / "fs").is_dir()
        assert len(ids) == 4, "two instances drew the same ids"
    finally:
        one.stop()
        other.stop()


def test_an_instance_of_it_runs_functions_and_leaves_nothing(template: templates.Template) -> None:
    instance = start()
    assert forked(instance)
    warm_function(instance)
    traces = Traces.of(instance)
    instance.stop()
    assert traces.left() == []


@pytest.mark.parametrize("victim", [pytest.param("engine", marks=pytest.mark.long), "supervisor"])
def test_a_killed_instance_of_it_leaves_nothing(template: templates.Template, victim: str) -> None:
    instance = start()
    assert forked(instance)
    traces, record = Traces.of(instance), instance.record()
    assert record is not None
    os.kill(record.engine_pid if victim == "engine" else record.supervisor_pid, signal.SIGKILL)
    assert_nothing_left(traces)
    assert templates.current() == template


def test_its_instances_stay_when_it_is_killed(template: templates.Template) -> None:
    instance = start()
    try:
        assert forked(instance)
        os.kill(template.pid, signal.SIGKILL)
        host.wait_for_end(template.pid, template.mark, 5)
        assert [one.port for one in instances()] == [instance.port]
        assert templates.current() is None, "a dead one is not found"
        other = start()
        assert not forked(other), "without a template a start is an ordinary one"
        other.stop()
    finally:
        instance.stop()


def test_other_settings_than_its_own_start_without_it(template: templates.Template) -> None:
    instance = start(settings={"MDLC_STRICT": "1"})
    try:
        assert not forked(instance)
    finally:
        instance.stop()


@pytest.mark.long
def test_it_can_be_declined(template: templates.Template) -> None:
    instance = start(template=False)
    try:
        assert not forked(instance)
    finally:
        instance.stop()


@pytest.mark.long
def test_one_of_older_code_is_ended_and_not_used(template: templates.Template) -> None:
    record = templates.socket_path().with_suffix(".json")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"key": "of older code"}))
    instance = start()
    try:
        assert not forked(instance)
        assert not host.is_same(template.pid, template.mark)
    finally:
        instance.stop()


@pytest.mark.long
def test_it_ends_by_itself_when_idle_and_leaves_nothing(module_state: Path) -> None:
    if (present := templates.current()) is not None:
        present.stop()
    template = made(idle="0.1")
    assert host.wait_for_end(template.pid, template.mark, 30)
    assert not templates.socket_path().exists()
    assert sorted(path.name for path in module_state.iterdir() if path.is_file()) == ["template.log"]
