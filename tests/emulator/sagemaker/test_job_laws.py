"""Laws of jobs: lists, states, shards, paths, metrics, reasons."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.containers.contract import Ending, Exit
from mdlc_emulator.engine.sagemaker.data.selection import relative_path, shard, shuffled
from mdlc_emulator.engine.sagemaker.jobs import plain
from mdlc_emulator.engine.sagemaker.jobs.hosts import Host
from mdlc_emulator.engine.sagemaker.jobs.reasons import LONGEST, of_exit
from mdlc_emulator.engine.sagemaker.kernel.listing import Listing
from mdlc_emulator.engine.sagemaker.kernel.resource import Resource
from mdlc_emulator.engine.sagemaker.training import states
from mdlc_emulator.engine.sagemaker.training.metrics import Definition, compile_definitions, scrape

CALLER = Caller("000000000000", "us-east-1")
LISTING = Listing[Resource]("Summaries", lambda resource: {"Name": resource.name})
NAMES = st.text("abc", min_size=1, max_size=3)
TIMES = st.sampled_from([1.0, 2.0, 3.0])
KEYS = st.text("ab./", min_size=1, max_size=8)


@dataclass
class Change:
    """What happens between two pages: these come, these go."""

    come: dict[str, float]
    gone: set[str]


def resource(name: str, created: float) -> Resource:
    return Resource(name, f"arn:{name}", CALLER, created=created, modified=created)


@given(
    first=st.dictionaries(NAMES, TIMES, max_size=12),
    changes=st.lists(
        st.builds(Change, st.dictionaries(NAMES, TIMES, max_size=3), st.sets(NAMES, max_size=2)), max_size=8
    ),
    size=st.integers(1, 4),
    order=st.sampled_from(["Ascending", "Descending"]),
    by=st.sampled_from(["CreationTime", "Name"]),
)
def test_pages_show_every_item_exactly_once(
    first: dict[str, float], changes: list[Change], size: int, order: str, by: str
) -> None:
    """What is there from the first page to the last is shown once, whatever comes and goes in between, and
    nothing is shown twice."""
    present = {name: resource(name, created) for name, created in first.items()}
    lasting, ever = set(first), set(first)
    shown: list[str] = []
    request: dict[str, Any] = {"MaxResults": size, "SortOrder": order, "SortBy": by}
    following = iter(changes)
    while True:
        page = LISTING.answer(present.values(), request)
        assert len(page["Summaries"]) <= size
        shown += [each["Name"] for each in page["Summaries"]]
        if "NextToken" not in page:
            break
        request["NextToken"] = page["NextToken"]
        change = next(following, Change({}, set()))
        for name in change.gone:
            present.pop(name, None)
        come = {name: at for name, at in change.come.items() if name not in ever}
        present |= {name: resource(name, at) for name, at in come.items()}
        ever |= set(come)
        lasting -= change.gone
    assert lasting <= set(shown)
    assert len(shown) == len(set(shown))


@given(st.lists(st.sampled_from(sorted(states.NEXT)), max_size=12))
def test_a_training_job_only_goes_along_the_machine(wanted: list[str]) -> None:
    members = states.first(0.0)
    way = ["Starting"]
    for now, secondary in enumerate(wanted, 1):
        before = dict(members)
        if secondary in states.NEXT[way[-1]]:
            states.enter(members, secondary, float(now))
            way.append(secondary)
        else:
            with pytest.raises(states.TransitionError):
                states.enter(members, secondary, float(now))
            assert members == before
        history = members["SecondaryStatusTransitions"]
        assert [step["Status"] for step in history] == way
        assert members["SecondaryStatus"] == way[-1]
        for step, following in itertools.pairwise(history):
            assert step["EndTime"] == following["StartTime"]
        final = members["SecondaryStatus"] in states.FINAL
        assert ("EndTime" in history[-1]) == final
        assert (members["TrainingJobStatus"] in ("Completed", "Failed", "Stopped")) == final
        if "Stopping" in way and not final:
            assert members["TrainingJobStatus"] == "Stopping"


def test_every_state_can_end() -> None:
    """From each status a final one can be reached, and a final one is never left."""
    for machine, final in ((states.NEXT, states.FINAL), (plain.NEXT, plain.FINAL)):
        ending = set(final)
        while grown := {status for status, after in machine.items() if after & ending} - ending:
            ending |= grown
        assert ending == set(machine)
        assert all(not machine[status] for status in final)


@given(st.lists(st.integers(), unique=True), st.integers(1, 7), st.integers())
def test_shards_are_a_partition_and_even(items: list[int], hosts: int, seed: int) -> None:
    parts = [shard(items, host, hosts) for host in range(hosts)]
    assert sorted(itertools.chain.from_iterable(parts)) == sorted(items)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    assert sorted(shuffled(items, seed)) == sorted(items)
    assert shuffled(items, seed) == shuffled(items, seed)


@given(KEYS, KEYS)
def test_a_path_is_the_end_of_its_key(prefix: str, rest: str) -> None:
    path = relative_path(prefix, prefix + rest)
    assert (prefix + rest).endswith(path)
    assert not path or (prefix + rest).removesuffix(path).count("/") <= prefix.count("/") + 1
    if prefix.endswith("/"):
        assert path == rest


@given(st.integers(0, 2000))
def test_hosts_have_addresses_of_their_own(number: int) -> None:
    address = Host(number, "ml.m5.large").address
    assert re.fullmatch(r"127\.0\.\d+\.\d+", address)
    assert all(0 <= int(part) <= 255 for part in address.split("."))
    assert address != Host(number + 1, "ml.m5.large").address


@given(
    st.lists(
        st.tuples(st.sampled_from(["loss", "auc"]), st.floats(allow_nan=False, allow_infinity=False)),
        max_size=10,
    ),
    st.text("xyz ;", max_size=10),
)
def test_metrics_are_what_was_printed(printed: list[tuple[str, float]], noise: str) -> None:
    definitions = compile_definitions(
        [{"Name": name, "Regex": rf"{name}=([-+0-9.e]+)#"} for name in ("loss", "auc")]
    )
    line = noise + noise.join(f"{name}={value!r}#" for name, value in printed) + noise
    found = list(scrape(definitions, line, slow=unexpected))
    for name in ("loss", "auc"):
        assert [value for key, value in found if key == name] == [
            value for key, value in printed if key == name
        ]


def unexpected(definition: Definition) -> None:
    raise AssertionError(definition)


def test_an_expression_that_searches_for_ever_is_told() -> None:
    definitions = compile_definitions(
        [{"Name": "slow", "Regex": "(.*a){8}z"}, {"Name": "quick", "Regex": "a(1)a"}]
    )
    slow: list[Definition] = []
    assert list(scrape(definitions, "a1" + "a" * 3000, slow.append)) == [("quick", 1.0)]
    assert slow == definitions[:1]


@given(st.text("abc=.;0123456789", max_size=200))
def test_what_is_no_number_is_no_metric(line: str) -> None:
    definitions = compile_definitions(
        [{"Name": "any", "Regex": "a=(.*?);"}, {"Name": "or", "Regex": "(b)?c"}]
    )
    assert all(isinstance(value, float) for _, value in scrape(definitions, line, slow=unexpected))


@given(st.text(max_size=3000), st.integers(1, 255))
def test_a_reason_is_short_and_says_the_code(written: str, code: int) -> None:
    reason = of_exit(Exit(code, Ending.EXITED, 0.0), written)
    assert len(reason) <= LONGEST
    assert reason.endswith(f", exit code: {code}")
    assert reason.startswith(("AlgorithmError: ", "ClientError:", "InternalServerError:", "AlgorithmError:"))


def test_reasons_that_algorithms_class_themselves_keep_their_class() -> None:
    ended = Exit(2, Ending.EXITED, 0.0)
    assert of_exit(ended, "ClientError: k must be given") == "ClientError: k must be given, exit code: 2"
    assert of_exit(ended, "AlgorithmError: nan") == "AlgorithmError: nan, exit code: 2"
    assert of_exit(ended, "nan") == "AlgorithmError: nan, exit code: 2"
    out = of_exit(Exit(137, Ending.OUT_OF_MEMORY, 0.0), "", "training")
    assert out.startswith("ClientError: Please use an instance type with more memory")
    assert out.endswith(", exit code: 137")
