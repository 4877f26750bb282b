"""The report: docs/benchmarks.md."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.results import Result, Samples, Verdict

NOTES = Path(__file__).with_name("notes.toml")

METHOD = """\
## Method

- Every round starts a fresh emulator with its own port and directories; ours and the peer take turns (A
  B A B) on the same machine, and the same boto3 client code asks both. A figure is the median over all
  rounds; the least and the greatest stand in brackets; what takes over 20 s is measured once. Lower is
  better everywhere; a ratio below 1 means that we are better.
- Every answer is proved. Functions return the caller's random payload, a name their environment gave
  itself, and their count of calls: a warm call must reach the same environment with the next count, a
  cold one an environment that never answered before, fifty calls at once fifty of them; tasks must have
  counted; GETs must return the id they sent. An answer that does not fails the figure, whoever gave it.
- *ready*: from the start of the command (`mdlc up`; the peer's own) to the first 200 of
  `/_localstack/health`, polled every 2 ms. Both run with compiled bytecode and warm file caches.
- *resident memory*: of all processes that descend from the emulator's, 1 s after it was ready or last
  used. RSS counts pages that processes share once for each of them, PSS once in all. The twelve
  services are S3, DynamoDB, Kinesis, SQS, SNS, EventBridge, Logs, CloudWatch, IAM, Lambda, Step
  Functions, API Gateway; each stored something and gave it back.
- *Lambda*: as the client sees it, boto3's own 1 to 2 ms included. CPU is that of all the emulator's
  processes, functions included, and is the figure least moved by what else the machine does.
- *Step Functions*: from startDate to stopDate, of 100 Pass states, 20 and 5 tasks in a row, over their
  number; the first execution of each machine is left out.
- *API Gateway*: a REST API's `AWS_PROXY` route over one kept connection.
- *shutdown*: from SIGTERM (`mdlc down`) until the last process is gone, with a warm function alive.
- The peer is installed by the benchmark into an environment of its own, from pinned versions with
  hashes (`benchmarks/peers/`); its settings are its defaults.
"""


def number(value: float) -> str:
    """Three significant digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(samples: Samples | None, unit: str) -> str:
    """Median with unit and, of several, the extremes; or why there is none."""
    if samples is None:
        return ""
    summary = samples.summary()
    if summary is None:
        return "failed" if samples.failure else ""
    text = f"{number(summary.median)} {unit}"
    return f"{text} ({number(summary.least)} to {number(summary.greatest)})" if summary.count > 1 else text


def limit(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def cells(result: Result) -> tuple[str, ...]:
    """A row: figure, ours, target, stretch, verdict, peer, ratio."""
    figure = result.figure
    ratio = result.ratio
    return (
        figure.title,
        spread(result.ours, figure.unit),
        limit(figure.target),
        limit(figure.stretch),
        str(result.verdict),
        spread(result.peer, figure.unit),
        "" if ratio is None else f"{ratio:.2f}",
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return (
        "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
        + "\n"
    )


def load_notes(path: Path = NOTES) -> dict[str, dict[str, str]]:
    """figure name -> {cause, next}."""
    return tomllib.loads(path.read_text())


def shortfalls(results: Sequence[Result], notes: Mapping[str, Mapping[str, str]]) -> str:
    """One paragraph for each figure that is short of its target, failed, or answered wrongly by the peer."""
    lines = []
    for result in results:
        note = notes.get(result.figure.name, {})
        if result.verdict in (Verdict.SHORT, Verdict.FAILED):
            said = result.ours.failure or note.get("cause", "The cause is not known yet.")
            step = f" Next: {note['next']}" if "next" in note else ""
            lines.append(f"- **{result.figure.title}**: {said}{step}")
        if result.peer and result.peer.failure:
            lines.append(f"- {result.figure.title}, the peer: {result.peer.failure}")
    return "\n".join(lines) + "\n" if lines else "Every figure measured reaches its target.\n"


def behind(results: Sequence[Result], peer: str) -> str:
    """One sentence naming the figures in which the peer is ahead; "" when there are none."""
    ahead = [
        f"{r.figure.title} ({r.ratio:.1f} times)" for r in results if r.ratio is not None and r.ratio > 1
    ]
    return f"{peer} is ahead in: {'; '.join(ahead)}.\n" if ahead else ""


def tally(results: Sequence[Result]) -> str:
    """One sentence: how many figures reach what they must."""
    verdicts = [result.verdict for result in results if result.figure.target is not None]
    stretch = verdicts.count(Verdict.STRETCH)
    reached = stretch + verdicts.count(Verdict.TARGET)
    return (
        f"{reached} of {len(verdicts)} figures with a target reach it, {stretch} of them the stretch goal.\n"
    )


def document(
    results: Sequence[Result],
    further: Sequence[Result],
    *,
    peer: str,
    warning: str = "",
    facts: Mapping[str, str],
    notes: Mapping[str, Mapping[str, str]],
) -> str:
    """The whole page. `facts`: name -> text, for the head (date, command, versions, load)."""
    head = ["figure", "ours", "target", "stretch", "verdict", peer or "peer", "ratio"]
    parts = [
        "# Benchmarks\n",
        "Written by `make bench`; do not edit. Causes of shortfalls stand in `benchmarks/notes.toml`.\n",
        table(["", ""], [[name, text] for name, text in facts.items()]),
        f"**{warning}**\n" if warning else "",
        tally(results),
        table(head, [cells(result) for result in results]),
        "## Where we fall short, and what failed\n",
        shortfalls([*results, *further], notes),
        behind(results, peer),
    ]
    if further:
        parts += [
            "## Single parts\n",
            "Measured by each part for itself, without a peer.\n",
            table(
                ["part", *head[:5]],
                [(result.figure.group, *cells(result)[:5]) for result in further],
            ),
        ]
    return "\n".join(part for part in [*parts, METHOD] if part)
