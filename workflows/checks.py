"""Static checks of definitions: what would only be noticed when an execution hangs or dies."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workflows.definitions import Workflow

_TERMINAL_TYPES = {"Succeed", "Fail"}
_LAMBDA = ":states:::lambda:invoke"
_THROTTLED = "Lambda.TooManyRequestsException"


def problems(workflow: Workflow, placeholders: Iterable[str]) -> list[str]:
    """Sentences, empty when all is well. `placeholders`: those that a deploy can fill.

    Checked: placeholders resolve, a time limit, transitions lead to states, every state can be reached and
    can reach an end, tasks that call a function have a time limit and try again when throttled.
    """
    found = [
        f"names {name}, which no function has" for name in sorted(workflow.placeholders - set(placeholders))
    ]
    definition = workflow.definition
    if "TimeoutSeconds" not in definition:
        found.append("has no TimeoutSeconds: an execution could run for a year")
    for where, machine in _machines(definition, "the workflow"):
        found.extend(f"{problem} (in {where})" for problem in _graph_problems(machine))
        for name, state in machine.get("States", {}).items():
            found.extend(f"{name} {problem}" for problem in _task_problems(state))
    return [f"{workflow.file} {problem}." for problem in found]


def _machines(machine: Mapping[str, Any], where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The machine and all those nested in its Parallel and Map states."""
    yield where, machine
    for name, state in machine.get("States", {}).items():
        inner = [*state.get("Branches", ()), state.get("ItemProcessor"), state.get("Iterator")]
        for nested in filter(None, inner):
            yield from _machines(nested, name)


def _targets(state: Mapping[str, Any]) -> set[str]:
    named = [state.get("Next"), state.get("Default")]
    named += [rule.get("Next") for rule in (*state.get("Choices", ()), *state.get("Catch", ()))]
    return {str(name) for name in named if name}


def _graph_problems(machine: Mapping[str, Any]) -> Iterator[str]:
    states: Mapping[str, Mapping[str, Any]] = machine.get("States", {})
    start = str(machine.get("StartAt"))
    if start not in states:
        yield f"starts at {start!r}, which is no state"
        return
    edges = {name: _targets(state) for name, state in states.items()}
    for name, targets in edges.items():
        for target in sorted(targets - states.keys()):
            yield f"goes from {name} to {target!r}, which is no state"
    reached = _closure({start}, edges)
    for name in sorted(states.keys() - reached):
        yield f"never reaches {name}"
    ends = {
        name for name, state in states.items() if state.get("End") or state.get("Type") in _TERMINAL_TYPES
    }
    backwards: dict[str, set[str]] = {name: set() for name in states}
    for name, targets in edges.items():
        for target in targets & states.keys():
            backwards[target].add(name)
    for name in sorted(reached - _closure(ends, backwards)):
        yield f"cannot end once it is in {name}"


def _closure(start: set[str], edges: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = set(start)
    while waiting:
        name = waiting.pop()
        if name in edges and name not in reached:
            reached.add(name)
            waiting |= edges[name]
    return reached


def _task_problems(state: Mapping[str, Any]) -> Iterator[str]:
    if state.get("Type") != "Task" or not str(state.get("Resource", "")).endswith(_LAMBDA):
        return
    if not {"TimeoutSeconds", "TimeoutSecondsPath"} & state.keys():
        yield "has no TimeoutSeconds"
    retried = {error for rule in state.get("Retry", ()) for error in rule.get("ErrorEquals", ())}
    if not {_THROTTLED, "States.ALL", "States.TaskFailed"} & retried:
        yield f"does not Retry {_THROTTLED}"
