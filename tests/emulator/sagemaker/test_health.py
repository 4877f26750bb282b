"""Servers in service that stop answering /ping: the busy are waited for, the others replaced."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.launcher import Instance, start

from tests.emulator.sagemaker.serving import Serving, processes, recipe
from tests.waiting import eventually


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What servers of the kind slow see as /state: with a file `silent` in it they never get ready."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory, state: Path) -> Iterator[Instance]:
    recipes = tmp_path_factory.mktemp("recipes") / "mdlc-images.toml"
    recipes.write_text(recipe("echo") + recipe("single") + recipe("slow", {"/state": str(state)}))
    settings = {"MDLC_IMAGE_RECIPES": str(recipes), "MDLC_SAGEMAKER_PING_SECONDS": "0.05"}
    instance = start(settings=settings)
    yield instance
    instance.stop()


@pytest.fixture
def others() -> set[int]:
    """Model servers of other emulators on this machine."""
    return set(processes("echo"))


def streams(serving: Serving, endpoint: str) -> set[str]:
    found = serving.aws.client("logs").describe_log_streams(
        logGroupName=f"/aws/sagemaker/Endpoints/{endpoint}"
    )["logStreams"]
    return {stream["logStreamName"] for stream in found}


def logging(instance: Instance) -> Callable[[str], bool]:
    """Whether the emulator's log has had these words since now."""
    log = Path(instance.log)
    before = log.stat().st_size

    def heard(words: str) -> bool:
        return words in log.read_bytes()[before:].decode(errors="replace")

    return heard


def gone(serving: Serving, endpoint: str, others: set[int]) -> None:
    serving.client.delete_endpoint(EndpointName=endpoint)
    eventually(lambda: not set(processes("echo")) - others)


def answers(serving: Serving, endpoint: str) -> bool:
    with contextlib.suppress(ClientError):
        return bool(serving.invoke(endpoint, b"x")["Body"] == b"x")
    return False


def test_a_server_whose_ping_fails_is_replaced_and_loses_no_request(
    serving: Serving, others: set[int]
) -> None:
    endpoint = serving.endpoint(serving.variant(serving.model("echo")))
    (before,) = set(processes("echo")) - others
    # Answered half a second after the third ping that fails.
    assert serving.invoke(endpoint, b"sicken")["Body"] == b"sick"
    eventually(lambda: set(processes("echo")) - others - {before})
    eventually(lambda: answers(serving, endpoint))
    eventually(lambda: before not in processes("echo"))
    assert serving.client.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "InService"
    eventually(lambda: len(streams(serving, endpoint)) == 2)
    gone(serving, endpoint, others)


@pytest.mark.long
def test_a_server_that_hangs_is_replaced_and_others_answer_meanwhile(
    serving: Serving, instance: Instance, others: set[int]
) -> None:
    endpoint = serving.endpoint(serving.variant(serving.model("echo"), InitialInstanceCount=2))
    before = set(processes("echo")) - others
    hung = min(before)
    heard = logging(instance)
    os.kill(hung, signal.SIGSTOP)
    eventually(lambda: heard("/ping did not answer within 2 s (1 in a row)"))
    # From its first silent ping on, requests go to the other.
    assert [serving.invoke(endpoint)["Body"] for _ in range(6)] == [b"x"] * 6
    eventually(lambda: set(processes("echo")) - others - before)
    eventually(lambda: hung not in processes("echo"))
    assert len(set(processes("echo")) - others & before) >= 1
    gone(serving, endpoint, others)


@pytest.mark.long
def test_a_server_with_one_thread_is_not_replaced_for_being_busy(
    serving: Serving, instance: Instance
) -> None:
    """Longer than would end an idle server; that it is never replaced within 60 s is the law below."""
    endpoint = serving.endpoint(serving.variant(serving.model("single")))
    others = set(processes("single"))
    (server,) = others
    answered: list[bytes] = []
    heard = logging(instance)
    asking = threading.Thread(target=lambda: answered.append(serving.invoke(endpoint, b"busy")["Body"]))
    os.kill(server, signal.SIGSTOP)
    asking.start()
    eventually(lambda: heard("/ping did not answer within 2 s (4 in a row)"))
    os.kill(server, signal.SIGCONT)
    asking.join()
    assert answered == [b"busy"]
    assert serving.invoke(endpoint, b"again")["Body"] == b"again"
    assert processes("single") == [server]
    serving.client.delete_endpoint(EndpointName=endpoint)
    eventually(lambda: not processes("single"))


def test_a_replacement_that_does_not_come_up_goes_with_its_endpoint(serving: Serving, state: Path) -> None:
    others = set(processes("slow"))
    endpoint = serving.endpoint(serving.variant(serving.model("slow")))
    (server,) = set(processes("slow")) - others
    (state / "silent").touch()
    os.kill(server, signal.SIGKILL)
    eventually(lambda: set(processes("slow")) - others - {server})
    serving.client.delete_endpoint(EndpointName=endpoint)
    eventually(lambda: not set(processes("slow")) - others)
