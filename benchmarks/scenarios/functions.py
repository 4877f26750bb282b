"""Lambda: first call, cold, warm, and fifty at once."""

import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.clients import COLD, ECHO, Cloud, Echo, WrongAnswerError, sent
from benchmarks.processes import usage
from benchmarks.samples import percentile
from benchmarks.scenarios.plan import Measured, Plan

WARM_UP = 20
SLEEPER = ECHO.replace("    calls += 1\n", "    calls += 1\n    import time; time.sleep(1)\n")


def _timed(cloud: Cloud, name: str) -> tuple[float, Echo]:
    """Milliseconds of one call as the client sees it, and its proven answer."""
    event = sent()
    since = time.perf_counter()
    answer = cloud.invoke(name, event)
    return (time.perf_counter() - since) * 1e3, Echo.of(answer, event)


def _cold(cloud: Cloud, name: str) -> float:
    milliseconds, answer = _timed(cloud, name)
    if answer.calls != 1:
        raise WrongAnswerError(f"the first call of {name} was its environment's call number {answer.calls}")
    return milliseconds


def first(cloud: Cloud, plan: Plan) -> Measured:
    """The first call of a function since the emulator was started."""
    name = cloud.create(ECHO)
    cloud.await_active(name)
    value = _cold(cloud, name)
    cloud.delete(name)
    return {"lambda_first": [value]}


def cold(cloud: Cloud, plan: Plan) -> Measured:
    """New functions, one after the other, each called once."""
    calls, whole = [], []
    for _ in range(plan.cold_functions):
        since = time.perf_counter()
        name = cloud.create(COLD)
        cloud.await_active(name)
        calls.append(_cold(cloud, name))
        whole.append((time.perf_counter() - since) * 1e3)
        cloud.delete(name)
    return {"lambda_cold": calls, "lambda_create_and_call": whole}


def warm(cloud: Cloud, plan: Plan) -> Measured:
    """One function called again and again over one connection; every call must reach the same environment."""
    name = cloud.create(ECHO)
    cloud.await_active(name)
    last = [_timed(cloud, name) for _ in range(WARM_UP)][-1][1]
    pids = cloud.running.processes()
    cpu = usage(pids).cpu
    times = []
    for _ in range(plan.warm_calls):
        milliseconds, answer = _timed(cloud, name)
        if (answer.environment, answer.calls) != (last.environment, last.calls + 1):
            raise WrongAnswerError(f"call {last.calls + 1} of {last.environment} was answered by {answer}")
        last = answer
        times.append(milliseconds)
    cpu = usage(pids).cpu - cpu
    cloud.delete(name)
    return {
        "lambda_warm": [percentile(times, 0.5)],
        "lambda_warm_p99": [percentile(times, 0.99)],
        "lambda_warm_cpu": [cpu / plan.warm_calls * 1e3],
    }


def parallel(cloud: Cloud, plan: Plan) -> Measured:
    """Functions that sleep a second, called all at once, none of them ever before."""
    names = [cloud.create(SLEEPER) for _ in range(plan.parallel)]
    for name in names:
        cloud.await_active(name)
    return {"parallel_50": [_at_once(cloud, names)]}


def scaled(cloud: Cloud, plan: Plan) -> Measured:
    """One function that sleeps a second, called as often at once: each call needs an own environment."""
    name = cloud.create(SLEEPER)
    cloud.await_active(name)
    return {"parallel_one": [_at_once(cloud, [name] * plan.parallel)]}


def _at_once(cloud: Cloud, names: list[str]) -> float:
    """Seconds until all have answered, each from an environment that was made for it."""
    with ThreadPoolExecutor(len(names)) as threads:
        since = time.perf_counter()
        answers = list(threads.map(lambda name: _timed(cloud, name)[1], names))
        seconds = time.perf_counter() - since
    for name in set(names):
        cloud.delete(name)
    environments = len({answer.environment for answer in answers})
    if environments != len(names) or seconds < 1:
        raise WrongAnswerError(f"{len(names)} calls had {environments} environments and took {seconds:.2f} s")
    return seconds
