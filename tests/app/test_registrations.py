"""One contract for both kinds of Registrations, and the law behind it: the order of arrival does not
matter."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.pytest_plugin import Aws

from app.adapters.registrations import (
    AwsRegistrations,
    InMemoryRegistrations,
    Registration,
    Registrations,
)
from app.resources import MissingResourcesError, lifecycles_table
from tests.app.conftest import EmulatedClients

STAGE = "local"


def at(second: int, digest: str = "d") -> Registration:
    return Registration("flights", digest, f"2026-01-01T00:00:{second:02}.000000+00:00")


@pytest.fixture(params=["in memory", "aws"])
def registrations(request: pytest.FixtureRequest) -> Iterator[Registrations]:
    """An empty one of each kind."""
    if request.param == "in memory":
        yield InMemoryRegistrations()
        return
    aws = request.getfixturevalue("aws").at(account="700000000001")
    client = aws.client("dynamodb")
    name = lifecycles_table(STAGE).name
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
    )
    yield AwsRegistrations(EmulatedClients(aws), STAGE)  # type: ignore[arg-type]
    client.delete_table(TableName=name)


def test_nothing_is_registered_at_first(registrations: Registrations) -> None:
    assert registrations.get("flights") is None


def test_the_later_one_is_live(registrations: Registrations) -> None:
    assert registrations.record(at(1, "a"))
    assert registrations.record(at(2, "b"))
    assert registrations.get("flights") == at(2, "b")


def test_a_replay_changes_nothing(registrations: Registrations) -> None:
    assert registrations.record(at(1))
    assert not registrations.record(at(1))


def test_a_late_one_changes_nothing(registrations: Registrations) -> None:
    registrations.record(at(2, "b"))
    assert not registrations.record(at(1, "a"))
    assert registrations.get("flights") == at(2, "b")


def test_names_are_kept_apart(registrations: Registrations) -> None:
    registrations.record(at(1))
    assert registrations.get("retail") is None


def test_every_order_ends_alike(registrations: Registrations) -> None:
    events = [at(1, "a"), at(2, "b"), at(2, "c"), at(1, "a")]
    for number, order in enumerate(itertools.permutations(events)):
        name = f"lifecycle-{number}"
        for event in order:
            registrations.record(Registration(name, event.digest, event.registered_at))
        live = registrations.get(name)
        assert live is not None
        assert live.digest == "c"


@given(
    st.lists(st.builds(at, st.integers(0, 59), st.sampled_from("abc")), min_size=1, max_size=8), st.randoms()
)
def test_law_any_order_with_any_replays_ends_with_the_greatest(
    events: list[Registration], random: Any
) -> None:
    shuffled = events + random.choices(events, k=3)
    random.shuffle(shuffled)
    registrations = InMemoryRegistrations()
    changes = [registrations.record(event) for event in shuffled]
    assert registrations.get("flights") == max(events, key=lambda event: (event.registered_at, event.digest))
    assert sum(changes) <= len(set(events))


@pytest.mark.parametrize("call", [lambda r: r.get("flights"), lambda r: r.record(at(1))])
def test_without_its_table_it_says_how_to_make_it(aws: Aws, call: Callable[[Registrations], object]) -> None:
    missing = AwsRegistrations(EmulatedClients(aws.at(account="700000000002")), STAGE)  # type: ignore[arg-type]
    with pytest.raises(MissingResourcesError, match="mdlc deploy --stage local"):
        call(missing)
