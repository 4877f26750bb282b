"""Laws of the parts that only compute: parameters, retries, pages, shares, secrets' names."""

from __future__ import annotations

import fnmatch
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.batch.fairshare import Usages, allowed, next_share, weight
from mdlc_emulator.engine.batch.paging import page
from mdlc_emulator.engine.batch.retrying import Ended, check_strategy, matches, retries
from mdlc_emulator.engine.batch.substitution import substitute
from mdlc_emulator.engine.batch.valuefrom import parse, pick

NAMES = st.sampled_from(["a", "b", "key", "Ref::a"])
WORDS = st.one_of(st.text(max_size=8), NAMES.map(lambda name: f"Ref::{name}"))
CALLER = Caller("123456789012", "eu-central-1")


@given(st.lists(WORDS), st.dictionaries(NAMES, WORDS))
def test_each_element_is_itself_or_a_parameter(command: list[str], parameters: dict[str, str]) -> None:
    asked = [word[5:] for word in command if word.startswith("Ref::")]
    if any(name not in parameters for name in asked):
        with pytest.raises(AwsError) as refused:
            substitute(command, parameters)
        assert refused.value.code == "ClientException"
        return
    got = substitute(command, parameters)
    assert len(got) == len(command)
    for before, after in zip(command, got, strict=True):
        assert after == (parameters[before[5:]] if before.startswith("Ref::") else before)


TEXT = st.text(alphabet="abE: .1", max_size=6)
CODES = st.integers(0, 255)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, str]:
    found: dict[str, str] = {}
    star = st.sampled_from(["", "*"])
    for member in ("onStatusReason", "onReason"):
        if draw(st.booleans()):
            found[member] = draw(TEXT) + draw(star)
    if draw(st.booleans()) or not found:
        found["onExitCode"] = str(draw(CODES)) + draw(star)
    return {key: value or "*" for key, value in found.items()} | {
        "action": draw(st.sampled_from(["RETRY", "EXIT"]))
    }


ENDS = st.builds(Ended, st.none() | TEXT, st.none() | TEXT, st.none() | CODES)


def fits(condition: dict[str, str], end: Ended) -> bool:
    """The same, said otherwise: by the shell's patterns, whose other signs cannot occur."""
    values = {
        "onStatusReason": end.status_reason,
        "onReason": end.reason,
        "onExitCode": None if end.exit_code is None else str(end.exit_code),
    }
    return all(
        value is not None and fnmatch.fnmatchcase(value, condition[member])
        for member, value in values.items()
        if member in condition
    )


@given(conditions(), ENDS)
def test_a_condition_matches_when_all_its_patterns_do(condition: dict[str, str], end: Ended) -> None:
    assert matches(condition, end) == fits(condition, end)


@given(st.integers(1, 10), st.integers(1, 12), st.lists(conditions(), max_size=5), ENDS)
def test_the_first_match_decides_and_none_means_another_try(
    attempts: int, attempt: int, evaluated: list[dict[str, str]], end: Ended
) -> None:
    strategy = check_strategy({"attempts": attempts, "evaluateOnExit": evaluated})
    decisive = next((each["action"] for each in evaluated if fits(each, end)), "RETRY")
    assert retries(strategy, attempt, end) == (attempt < attempts and decisive == "RETRY")


@given(st.lists(st.text("abc", min_size=1, max_size=3), unique=True, max_size=30), st.integers(1, 7))
def test_pages_together_are_the_list(names: list[str], size: int) -> None:
    items = [{"name": name} for name in names]
    got: list[str] = []
    token: dict[str, str] = {}
    while True:
        found, token = page(items, {"maxResults": size, **token}, most=5, key="name")
        assert len(found) <= min(size, 5)
        got += [each["name"] for each in found]
        if not token:
            break
    assert got == names


@given(
    st.lists(st.integers(0, 999), unique=True, min_size=1, max_size=30),
    st.integers(1, 5),
    st.data(),
)
def test_what_stays_is_seen_once_though_others_come_and_go(
    numbers: list[int], size: int, data: st.DataObject
) -> None:
    items = [{"name": str(number)} for number in numbers]
    kept = {str(number) for number in numbers}
    got: list[str] = []
    token: dict[str, str] = {}
    while True:
        found, token = page(items, {"maxResults": size, **token}, most=100, key="name")
        got += [each["name"] for each in found]
        if not token:
            break
        # Newer items come in front; one that was not yet shown may go.
        items.insert(0, {"name": f"new-{len(items)}-{len(got)}"})
        rest = [each for each in items if each["name"] in kept and each["name"] not in got]
        if rest and data.draw(st.booleans()):
            gone = data.draw(st.sampled_from(rest))
            items.remove(gone)
            kept.discard(gone["name"])
    assert [name for name in got if name in kept] == [
        str(number) for number in numbers if str(number) in kept
    ]
    assert len(got) == len(set(got))


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.sampled_from("abcd"), st.sampled_from([0.25, 0.5, 1.0, 2.0]), min_size=2))
def test_busy_shares_get_capacity_in_proportion_to_their_weights(weights: dict[str, float]) -> None:
    """Jobs of one vCPU and ten seconds, one after the other, every share always with jobs waiting."""
    policy = {
        "shareDecaySeconds": 600,
        "shareDistribution": [
            {"shareIdentifier": share, "weightFactor": factor} for share, factor in weights.items()
        ],
    }
    usages = Usages()
    counts = dict.fromkeys(weights, 0)
    now = 0.0
    for _ in range(600):
        share = next_share(policy, weights, usages, now)
        counts[share] += 1
        entry = usages.begin(share, 1.0, now)
        now += 10
        entry.stop = now
    total = sum(1 / factor for factor in weights.values())
    for share, factor in weights.items():
        assert counts[share] / 600 == pytest.approx((1 / factor) / total, abs=0.05)


def test_a_share_has_the_weight_of_its_name_or_prefix() -> None:
    policy = {
        "shareDistribution": [
            {"shareIdentifier": "a*", "weightFactor": 0.5},
            {"shareIdentifier": "b", "weightFactor": 2.0},
        ]
    }
    assert [weight(policy, share) for share in ("abc", "a", "b", "bc", "c")] == [0.5, 0.5, 2.0, 1.0, 1.0]


@pytest.mark.parametrize(("reservation", "active", "share"), [(50, 1, 0.5), (50, 2, 0.75), (25, 1, 0.75)])
def test_capacity_is_reserved_as_documented(reservation: int, active: int, share: float) -> None:
    """https://docs.aws.amazon.com/batch/latest/APIReference/API_FairsharePolicy.html"""
    assert allowed({"computeReservation": reservation}, 100, active) == pytest.approx(100 * share)


SECRET = "arn:aws:secretsmanager:us-east-1:111111111111:secret:name-AbCdEf"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", ("ssm", "123456789012", "eu-central-1", "plain", "", "", "")),
        ("/a/b", ("ssm", "123456789012", "eu-central-1", "/a/b", "", "", "")),
        (
            "arn:aws:ssm:us-east-1:111111111111:parameter/plain",
            ("ssm", "111111111111", "us-east-1", "plain", "", "", ""),
        ),
        (
            "arn:aws:ssm:us-east-1:111111111111:parameter/a/b",
            ("ssm", "111111111111", "us-east-1", "/a/b", "", "", ""),
        ),
        (SECRET, ("secretsmanager", "111111111111", "us-east-1", SECRET, "", "", "")),
        (
            f"{SECRET}:key:AWSPREVIOUS:",
            ("secretsmanager", "111111111111", "us-east-1", SECRET, "key", "AWSPREVIOUS", ""),
        ),
    ],
)
def test_what_value_from_names(value: str, expected: tuple[str, ...]) -> None:
    assert parse(value, CALLER) == expected


@pytest.mark.parametrize("value", ["arn:aws:s3:::bucket", "arn:aws", f"{SECRET}:key"])
def test_other_arns_name_no_secret(value: str) -> None:
    with pytest.raises(ValueError, match="invalid ARN"):
        parse(value, CALLER)


@given(st.dictionaries(st.text(min_size=1), st.text() | st.integers(), min_size=1))
def test_a_key_picks_one_member(members: dict[str, Any]) -> None:
    text = json.dumps(members)
    assert pick(text, "") == text
    for key, value in members.items():
        assert pick(text, key) == (value if isinstance(value, str) else json.dumps(value))
    with pytest.raises(ValueError, match="did not contain json key"):
        pick(text, "".join(members) + "x")
