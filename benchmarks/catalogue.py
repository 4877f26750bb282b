"""Every figure we hold ourselves to: its name, unit, target and stretch. Lower is better for all of them."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One thing that is measured, by the scenario `group`. Without a target it informs only."""

    name: str
    title: str
    unit: str
    group: str
    target: float | None = None
    stretch: float | None = None


FIGURES: tuple[Figure, ...] = (
    Figure("ready", "emulator ready, cold, from the command to the first answer", "s", "ready", 2.0),
    Figure("ready_template", "emulator ready, forked from a template process", "s", "template", 2.0, 0.5),
    Figure("template_pss", "what the waiting template process holds (PSS)", "MB", "template"),
    Figure("first_api_answer", "emulator's first answer of an AWS API (STS), cold", "s", "ready"),
    Figure("memory_idle", "resident memory, idle (RSS of the process tree)", "MB", "memory", 150),
    Figure("memory_idle_pss", "idle, shared pages counted once (PSS)", "MB", "memory"),
    Figure("memory_12", "resident memory, 12 services used (RSS of the process tree)", "MB", "memory", 400),
    Figure("memory_12_pss", "12 services used, shared pages counted once (PSS)", "MB", "memory"),
    Figure("lambda_first", "Lambda, the first call since the start", "ms", "lambda"),
    Figure("lambda_warm", "Lambda warm p50, small payload", "ms", "lambda", 8, 4),
    Figure("lambda_warm_p99", "Lambda warm p99, small payload", "ms", "lambda"),
    Figure("lambda_warm_cpu", "CPU of the emulator and its functions for a warm call", "ms", "lambda"),
    Figure("lambda_cold", "Lambda cold, the function imports boto3", "ms", "lambda", 200, 100),
    Figure("lambda_create_and_call", "CreateFunction to the first answer, the same function", "ms", "lambda"),
    Figure("parallel_50", "50 functions of 1 s each in parallel, from cold", "s", "parallel", 3, 2),
    Figure("parallel_one", "one function of 1 s, 50 times in parallel, from cold", "s", "parallel"),
    Figure("sfn_pass", "Step Functions, a Pass state", "ms", "stepfunctions", 1, 0.5),
    Figure("sfn_task", "Step Functions, a Lambda task", "ms", "stepfunctions", 12, 6),
    Figure("sfn_five_tasks", "Step Functions, an execution of 5 Lambda tasks", "ms", "stepfunctions"),
    Figure("api_get_p50", "API Gateway GET p50, Lambda proxy", "ms", "gateway", 12, 6),
    Figure("api_get_p99", "API Gateway GET p99, Lambda proxy", "ms", "gateway", 25, 12),
    Figure("shutdown", "shutdown after Lambda was used, to the last process gone", "s", "shutdown", 3, 1),
    Figure("deploy_first", "`mdlc deploy`, first", "s", "deploy", 60, 30),
    Figure("deploy_code", "`mdlc deploy`, code change only", "s", "deploy", 5, 2),
)


def groups() -> tuple[str, ...]:
    """The scenarios' names, in the order in which they are run."""
    return tuple(dict.fromkeys(figure.group for figure in FIGURES))


def chosen(only: Iterable[str], known: Iterable[Figure] = FIGURES) -> frozenset[str]:
    """The groups to run for group and figure names; all for none. ValueError names what is unknown."""
    by_name = {figure.name: figure.group for figure in known}
    every = frozenset(by_name.values())
    wanted = set()
    for name in only:
        if name not in every and name not in by_name:
            raise ValueError(
                f"No figure is called {name}. Known: {', '.join(sorted(every | by_name.keys()))}."
            )
        wanted.add(by_name.get(name, name))
    return frozenset(wanted) or every
