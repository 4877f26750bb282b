"""The pytest plugin as another project sees it: a directory with tests of its own, and nothing of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mdlc_emulator.launcher.interpreter import cache_directory

from tests.emulator.conftest import variable

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.xdist_group("launcher")


@pytest.fixture(scope="module", autouse=True)
def _machine_cache() -> Iterator[None]:
    """pytester gives each run a home directory of its own; what is made once for a machine stays where it
    is."""
    with variable("XDG_CACHE_HOME", str(cache_directory().parent)):
        yield


@pytest.fixture
def project(pytester: pytest.Pytester, own_state: Path) -> pytest.Pytester:
    # Another project knows neither our command line nor our xdist workers.
    pytester.makeini("[pytest]\naddopts = --strict-markers")
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


def test_a_project_gets_one_emulator_for_all_its_tests(project: pytest.Pytester, own_state: Path) -> None:
    project.makepyfile(
        """
        seen = []

        def test_makes_a_bucket(aws, emulator):
            seen.append(emulator.port)
            aws.client("s3").create_bucket(Bucket="of-this-session")

        def test_sees_it_in_the_same_emulator(aws, emulator):
            seen.append(emulator.port)
            assert len(set(seen)) == 1
            names = [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]]
            assert names == ["of-this-session"]

        def test_another_account_and_region_are_apart(aws):
            other = aws.at(account="111111111111", region="eu-central-1")
            assert other.client("s3").list_buckets()["Buckets"] == []
            assert other.client("sts").get_caller_identity()["Account"] == "111111111111"
            assert other.client("sqs").meta.region_name == "eu-central-1"
        """
    )
    run(project).assert_outcomes(passed=3)
    assert list((own_state / "instances").iterdir()) == [], "the emulator outlived its session"


@pytest.mark.long
def test_each_xdist_worker_has_one_of_its_own(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", [1, 2])
        def test_alone(aws, number):
            aws.client("s3").create_bucket(Bucket="same-name-in-each")
            assert len(aws.client("s3").list_buckets()["Buckets"]) == 1
        """
    )
    run(project, "-n2", "--dist=each", "-k", "1").assert_outcomes(passed=2)


def test_tests_that_need_no_emulator_start_none(project: pytest.Pytester, own_state: Path) -> None:
    project.makepyfile("def test_plain(): pass")
    run(project).assert_outcomes(passed=1)
    assert not (own_state / "instances").exists()


def test_a_failing_test_shows_what_the_engine_logged_meanwhile(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_fails(aws):
            aws.client("sqs").create_queue(QueueName="named-in-the-log")
            assert False, "on purpose"
        """
    )
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*emulator's log during this test*", "*sqs.CreateQueue*"])


def test_a_dead_engine_is_named_as_the_cause(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import os, signal, time
        import pytest

        def test_kills_it(emulator, aws):
            os.kill(emulator.record().engine_pid, signal.SIGKILL)
            while emulator.alive:
                pass
            pytest.fail("the engine is dead")

        def test_comes_after(aws):
            aws.client("sqs").list_queues()
        """
    )
    result = run(project)
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*has died during an earlier test*", "*emulator's log, which died*", "*emulator's log, which died*"],
        consecutive=False,
    )


def test_an_emulator_that_cannot_start_is_one_sentence(project: pytest.Pytester) -> None:
    project.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def emulator_settings():
            return {"GATEWAY_SERVER": "no-such-server"}
        """
    )
    project.makepyfile("def test_never_runs(aws): pass")
    result = run(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*GATEWAY_SERVER=no-such-server is not supported: unset it*"])
    result.stdout.no_fnmatch_line("*Traceback (most recent call last):*pytest_plugin*")


def test_another_endpoint_can_be_named(project: pytest.Pytester, own_state: Path) -> None:
    project.makepyfile(
        """
        def test_elsewhere(aws):
            assert aws.client("sqs").meta.endpoint_url == "http://127.0.0.1:9"
        """
    )
    run(project, "--aws", "http://127.0.0.1:9").assert_outcomes(passed=1)
    assert not (own_state / "instances").exists()


def test_an_installation_is_announced_past_the_capture_and_nothing_else_is(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(
        """
        from mdlc_emulator.launcher.interpreter import INSTALLING
        from mdlc_emulator.pytest_plugin import announcer

        def test_announces(pytestconfig):
            announcer(pytestconfig)("Starting the engine")
            announcer(pytestconfig)(INSTALLING)
        """
    )
    done = run(project)
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["Installing the engine's environment, once*"])
    done.stdout.no_fnmatch_line("*Starting the engine*")
