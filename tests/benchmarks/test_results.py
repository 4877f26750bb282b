"""Verdicts, ratios and the report made of them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import machine, report
from benchmarks.catalogue import FIGURES, Figure, chosen, groups
from benchmarks.results import Result, Samples, Verdict, judge
from benchmarks.scenarios.order import AT_REST, IN_USE

FIGURE = Figure("warm", "a warm call", "ms", "lambda", 8, 4)


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(3, "stretch"), (4, "stretch"), (4.01, "target"), (8, "target"), (8.01, "**short**")],
)
def test_a_limit_itself_is_met(value: float, verdict: str):
    assert judge(value, 8, 4) == verdict


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0.1, 100), st.floats(0.1, 100))
def test_a_lower_value_never_gets_a_worse_verdict(one: float, other: float, first: float, second: float):
    stretch, target = sorted((first, second))
    order = [Verdict.STRETCH, Verdict.TARGET, Verdict.SHORT]
    low, high = sorted((one, other))
    assert order.index(judge(low, target, stretch)) <= order.index(judge(high, target, stretch))


def test_without_a_target_a_figure_only_informs():
    assert judge(1000, None, None) == Verdict.NONE


def test_the_ratio_is_ours_over_the_peers_median():
    assert Result(FIGURE, Samples([2, 4, 30]), Samples([8, 8, 1])).ratio == 0.5


def test_there_is_no_ratio_against_a_peer_that_answered_wrongly():
    result = Result(FIGURE, Samples([2]), Samples([1], failure="sent 1, got 2"))
    assert result.ratio is None
    assert "the peer: sent 1, got 2" in report.shortfalls([result], {})


def test_a_figure_whose_answers_were_wrong_in_one_round_is_failed_however_fast_it_was():
    result = Result(FIGURE, Samples([0.1, 0.1], failure="sent 1, got 2"))
    assert result.verdict == Verdict.FAILED
    assert "sent 1, got 2" in report.shortfalls([result], {})


def test_a_shortfall_shows_its_written_cause_and_next_step():
    short = Result(FIGURE, Samples([9]))
    notes = {"warm": {"cause": "Two copies.", "next": "One copy."}}
    assert "- **a warm call**: Two copies. Next: One copy." in report.shortfalls([short], notes)
    assert "The cause is not known yet." in report.shortfalls([short], {})
    assert (
        report.shortfalls([Result(FIGURE, Samples([8]))], notes)
        == "Every figure measured reaches its target.\n"
    )


def test_the_document_holds_every_figure_once_with_both_figures_and_the_ratio():
    results = [
        Result(FIGURE, Samples([3.0, 5.0, 4.0]), Samples([40.0])),
        Result(Figure("x", "a|b", "MB", "m"), Samples([1])),
    ]
    page = report.document(results, [], peer="other", facts={"date": "today"}, notes={})
    assert "| a warm call | 4.00 ms (3.00 to 5.00) | 8 | 4 | stretch | 40.0 ms | 0.10 |" in page
    assert r"| a\|b | 1.00 MB |" in page
    assert "| figure | ours | target | stretch | verdict | other | ratio |" in page
    assert "| date | today |" in page


@pytest.mark.parametrize(
    ("value", "text"), [(0.1234, "0.12"), (9.99, "9.99"), (12.34, "12.3"), (417.2, "417")]
)
def test_numbers_have_about_three_digits(value: float, text: str):
    assert report.number(value) == text


def test_the_tally_counts_a_failed_figure_as_not_reached():
    results = [Result(FIGURE, Samples([value])) for value in (3, 7, 9)]
    results += [Result(FIGURE, Samples(failure="x")), Result(Figure("x", "x", "s", "x"), Samples([1]))]
    assert report.tally(results) == "2 of 4 figures with a target reach it, 1 of them the stretch goal.\n"


def test_the_report_names_what_the_peer_does_better():
    results = [
        Result(FIGURE, Samples([3]), Samples([2])),
        Result(Figure("x", "x", "s", "x"), Samples([1]), Samples([2])),
    ]
    assert report.behind(results, "other") == "other is ahead in: a warm call (1.5 times).\n"
    assert report.behind(results[1:], "other") == ""


def test_a_run_on_a_busy_machine_says_so():
    assert machine.busy(0.0) == ""
    warning = machine.busy(1000.0)
    assert "The machine was busy with other work (1000.0 runnable" in warning
    assert f"**{warning}**" in report.document([], [], peer="other", warning=warning, facts={}, notes={})


def test_the_notes_are_about_figures_that_exist():
    from benchmarks.further import PREFIX

    own = {figure.name for figure in FIGURES}
    parts = "".join(path.read_text() for path in Path(report.__file__).parent.glob(f"{PREFIX}*.py"))
    for name, note in report.load_notes().items():
        assert name in own or name.split(",")[0] in parts, (
            f"notes.toml speaks of {name}, which nothing measures"
        )
        assert note.keys() <= {"cause", "next"}
        assert note["cause"]


def test_groups_and_figures_can_be_chosen_by_name():
    assert chosen([]) == set(groups())
    assert chosen(["sfn_task", "ready"]) == {"stepfunctions", "ready"}
    with pytest.raises(ValueError, match="No figure is called speed"):
        chosen(["speed"])


def test_every_figure_of_a_step_is_in_the_catalogue_under_the_steps_group():
    by_name = {figure.name: figure for figure in FIGURES}
    assert len(by_name) == len(FIGURES)
    for step in AT_REST + IN_USE:
        for name in step.figures:
            assert by_name[name].group == step.group
