"""The ledger counts as a plain Counter does, whoever calls at the same time, in bounded memory."""

from __future__ import annotations

import threading
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from mdlc_emulator.engine.fidelity.ledger import LONGEST_NAME, OTHERS, Entry, Fidelity, Key, Ledger

keys = st.builds(
    Key,
    fidelity=st.sampled_from(Fidelity),
    service=st.sampled_from(["s3", "sqs"]),
    operation=st.sampled_from(["Get", "Put", "List"]),
    resource=st.sampled_from([f"r{number}" for number in range(12)]),
    account=st.sampled_from(["000000000000", "111111111111"]),
    access_key=st.sampled_from(["a", "b"]),
    region=st.sampled_from(["us-east-1", "eu-central-1"]),
    internal=st.booleans(),
)
calls = st.lists(st.tuples(keys, st.sampled_from([None, "Throttled", "NotFound"])), max_size=60)


def filled(made: list[tuple[Key, str | None]], ledger: Ledger) -> Ledger:
    for key, error in made:
        ledger.record(key, error)
    return ledger


def by_fidelity(entries: list[Entry]) -> Counter[Fidelity]:
    counted: Counter[Fidelity] = Counter()
    for entry in entries:
        counted[entry.key.fidelity] += entry.count
    return counted


@given(calls)
def test_with_room_for_all_it_is_a_counter_of_calls_and_errors(made: list[tuple[Key, str | None]]):
    entries = filled(made, Ledger()).entries()
    assert {entry.key: entry.count for entry in entries} == Counter(key for key, _ in made)
    failed = Counter(key for key, error in made if error)
    assert {entry.key: entry.errors for entry in entries if entry.errors} == failed
    for entry in entries:
        assert entry.last_error == next((e for k, e in reversed(made) if k == entry.key and e), None)
        assert entry.first <= entry.last


@given(st.lists(calls, min_size=2, max_size=4))
@settings(max_examples=30)
def test_threads_lose_no_call(parts: list[list[tuple[Key, str | None]]]):
    ledger = Ledger()
    gate = threading.Barrier(len(parts))

    def run(part: list[tuple[Key, str | None]]) -> None:
        gate.wait()
        filled(part, ledger)

    threads = [threading.Thread(target=run, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = {entry.key: entry.count for entry in ledger.entries()}
    assert counted == Counter(key for part in parts for key, _ in part)


@given(calls, st.integers(1, 4), st.integers(1, 8))
def test_however_little_room_there_is_no_call_is_lost_and_no_line_too_many(
    made: list[tuple[Key, str | None]], resources: int, lines: int
):
    ledger = filled(made, Ledger(resources, lines))
    assert by_fidelity(ledger.entries()) == Counter(key.fidelity for key, _ in made)
    assert ledger.totals() == {kind: sum(k.fidelity is kind for k, _ in made) for kind in Fidelity}
    assert len(ledger) <= 2 * lines + len(Fidelity)
    assert sum(entry.errors for entry in ledger.entries()) == sum(error is not None for _, error in made)


@given(calls, st.integers(1, 3))
def test_no_action_has_more_lines_than_allowed_besides_the_one_for_others(
    made: list[tuple[Key, str | None]], resources: int
):
    entries = filled(made, Ledger(resources)).entries()
    listed = [entry.key for entry in entries if entry.key.resource != OTHERS]
    lines = Counter((key.fidelity, key.service, key.operation) for key in listed)
    assert all(count <= resources for count in lines.values())


def test_the_most_frequent_come_first_and_a_reset_forgets_everything():
    ledger = Ledger()
    key = Key(Fidelity.EXECUTED, "s3", "Get", "a", "0", "k", "r", False)
    filled([(key, None), (key._replace(operation="Put"), None), (key, None)], ledger)
    assert [entry.key.operation for entry in ledger] == ["Get", "Put"]
    ledger.reset()
    assert (list(ledger), sum(ledger.totals().values())) == ([], 0)


def test_a_long_name_is_cut():
    ledger = Ledger()
    key = Key(Fidelity.EXECUTED, "s3", "Get", "x" * 5000, "0", "k", "r", False)
    filled([(key, None), (key, None)], ledger)
    (entry,) = ledger.entries()
    assert len(entry.key.resource) == LONGEST_NAME
    assert entry.count == 2
