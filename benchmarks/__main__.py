"""`python -m benchmarks`: measure, show, write."""

import json
import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks import further, machine, report
from benchmarks.catalogue import FIGURES, chosen
from benchmarks.contestants import BenchmarkError, Contestant
from benchmarks.deployment import deploy
from benchmarks.duel import FAILURES, Board, play, reason
from benchmarks.ours import Ours
from benchmarks.peers import ministack
from benchmarks.processes import PROC
from benchmarks.results import Result, Samples
from benchmarks.scenarios.plan import Plan
from benchmarks.template import template

console = Console()
if not console.is_terminal:
    console.width = 160


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--only", multiple=True, metavar="NAME", help="A group or a figure; may be given several times."
)
@click.option("--quick", is_flag=True, help="One round and few repetitions.")
@click.option("--rounds", type=click.IntRange(1), help="How often each emulator is started and asked.")
@click.option("--peer/--no-peer", default=True, help="Measure the peer in turn with ours.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write all samples."
)
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Write the report.")
def main(
    only: tuple[str, ...],
    quick: bool,
    rounds: int | None,
    peer: bool,
    json_file: Path | None,
    write: Path | None,
) -> None:
    """Measure every figure we hold ourselves to, ours and the peer in turn."""
    # So that an emulator never outlives the benchmark that started it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not PROC.is_dir():
        raise click.ClickException("The benchmarks read /proc: run them on Linux.")
    plan = Plan.quick() if quick else Plan()
    plan = replace(plan, rounds=rounds) if rounds else plan
    try:
        groups, parts = choose(only)
        contestants: list[Contestant] = [Ours()]
        if peer and groups - {"deploy", "template"}:
            console.print(
                f"[dim]{ministack.NAME} {ministack.version()} into {ministack.HOME.relative_to(machine.ROOT)}"
            )
            contestants.append(ministack.contestant())
    except (ValueError, BenchmarkError) as error:
        raise click.ClickException(str(error)) from None

    before = machine.load()
    board = Board(tell)
    play(contestants, groups, plan, board)
    if "template" in groups:
        template(plan, board)
    if "deploy" in groups:
        deploy(plan, board)
    singles = measure_parts(parts)
    results = [
        Result(
            figure, board.of(Ours.name, figure.name), board.samples.get(ministack.NAME, {}).get(figure.name)
        )
        for figure in FIGURES
        if figure.group in groups and figure.name in board.samples.get(Ours.name, {})
    ]
    for shown, beside in ((results, ministack.NAME if len(contestants) > 1 else ""), (singles, "")):
        if shown:
            console.print(rich_table(shown, beside))
    facts = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": f"`python -m benchmarks {shlex.join(sys.argv[1:])}`".replace(" `", "`"),
        **machine.versions(),
        ministack.NAME: ministack.version(),
        "load before, after": f"{before:.2f}, {machine.load():.2f} (runnable processes; ours included)",
        "rounds": f"{plan.rounds}, of {plan.warm_calls} warm calls, {plan.cold_functions} cold functions, "
        f"{plan.executions} executions, {plan.requests} GETs",
    }
    if write:
        page = report.document(
            results,
            singles,
            peer=ministack.NAME,
            warning=machine.busy(before),
            facts=facts,
            notes=report.load_notes(),
        )
        write.write_text(page)
    if json_file:
        rows = [
            asdict(result) | {"verdict": result.verdict, "ratio": result.ratio}
            for result in results + singles
        ]
        json_file.write_text(json.dumps({"facts": facts, "figures": rows}, indent=1) + "\n")


def choose(only: Sequence[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    """The groups and the single parts to run; all of both for none. ValueError names what is unknown.

    A part is named `part:NAME`, since parts and groups share names.
    """
    every = further.parts()
    named = [name.removeprefix("part:") for name in only if name.startswith("part:")]
    if unknown := set(named) - set(every):
        raise ValueError(f"No part measures itself as {', '.join(unknown)}. Known: {', '.join(every)}.")
    rest = [name for name in only if not name.startswith("part:")]
    if named and not rest:
        return frozenset(), tuple(named)
    return chosen(rest), tuple(named) if only else every


def measure_parts(parts: Sequence[str]) -> list[Result]:
    """One emulator for all parts that need one; a part that fails is a row that says so."""
    found: list[Result] = []
    running = Ours().start() if any(further.needs_emulator(part) for part in parts) else None
    try:
        for part in parts:
            console.print(f"[dim]{part}")
            try:
                arguments = [running.endpoint_url] if running and further.needs_emulator(part) else []
                for figure, value in further.rows(part, *arguments):
                    found.append(Result(figure, Samples([value])))
            except (*FAILURES, RuntimeError) as error:
                lost = further.figure(part, {"name": part, "ours": 0, "unit": ""})
                found.append(Result(lost, Samples(failure=reason(error))))
    finally:
        if running:
            running.end()
    return found


def tell(contestant: str, figure: str, samples: Samples) -> None:
    """A line as it goes."""
    unit = next(known.unit for known in FIGURES if known.name == figure)
    said = f"[red]{samples.failure}" if samples.failure else report.spread(samples, unit)
    console.print(f"{contestant:>10}  {figure:<24} {said}", highlight=False)


def rich_table(results: Sequence[Result], peer: str) -> Table:
    shown = Table("figure", "ours", "target", "stretch", "verdict", peer, "ratio")
    colours = {"stretch": "green", "target": "cyan", "short": "red", "failed": "red"}
    for result in results:
        row = [cell.strip("*") for cell in report.cells(result)]
        row[4] = f"[{colours[row[4]]}]{row[4]}[/]" if row[4] else ""
        shown.add_row(*row)
    return shown


if __name__ == "__main__":
    main()
