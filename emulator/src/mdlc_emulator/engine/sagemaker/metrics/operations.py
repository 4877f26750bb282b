"""BatchPutMetrics and BatchGetMetrics.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_metrics_BatchPutMetrics.html
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.experiments.resources import Component, components
from mdlc_emulator.engine.sagemaker.experiments.series import SECONDS, Point, Series
from mdlc_emulator.engine.sagemaker.kernel.listing import seconds
from mdlc_emulator.engine.sagemaker.kernel.resource import Operation, Request, Response
from mdlc_emulator.engine.sagemaker.kernel.store import STORE

MOST_POINTS = 1000
"""Points of one answer to a query; what is beyond is left out, with the status Truncated."""


def put_metrics(caller: Caller, request: Request) -> Response:
    """Errors are told metric by metric; the others are taken."""
    errors: list[dict[str, Any]] = []
    with STORE.lock:
        component = components(caller).find(request["TrialComponentName"])
        for index, metric in enumerate(request["MetricData"]):
            if component is None or not math.isfinite(metric["Value"]):
                errors.append({"Code": "VALIDATION_ERROR", "MetricIndex": index})
                continue
            point = Point(seconds(metric["Timestamp"]), metric.get("Step"), float(metric["Value"]))
            component.measure(metric["MetricName"], point)
        if component is not None and len(errors) < len(request["MetricData"]):
            component.touch()
    return {"Errors": errors} if errors else {}


def _measured(caller: Caller, arn: str) -> Component | None:
    """The component with that ARN, or that of the job with that ARN."""
    shelf = components(caller)
    found = shelf.find(arn)
    if found is not None:
        return found
    return next(
        (each for each in shelf if each.members.get("Source", {}).get("SourceArn") == arn),
        None,
    )


def _answer(caller: Caller, query: dict[str, Any]) -> dict[str, Any]:
    component = _measured(caller, query["ResourceArn"])
    if component is None:
        return _wrong(f"Resource {query['ResourceArn']} does not exist.")
    if (query["XAxisType"] == "IterationNumber") != (query["Period"] == "IterationNumber"):
        return _wrong("XAxisType IterationNumber goes with Period IterationNumber, and only with it.")
    start, end = query.get("Start", -math.inf), query.get("End", math.inf)
    if start > end:
        return _wrong("Start must not be after End.")
    with STORE.lock:
        series = component.metrics.get(query["MetricName"], Series())
        if query["XAxisType"] == "IterationNumber":
            found = series.by_step(query["MetricStat"], start, end)
        else:
            found = series.by_time(query["MetricStat"], SECONDS[query["Period"]], start, end)
    return _shown(found)


def _shown(found: Sequence[tuple[int, float]]) -> dict[str, Any]:
    kept = found[:MOST_POINTS]
    return {
        "Status": "Complete" if len(kept) == len(found) else "Truncated",
        "XAxisValues": [x for x, _ in kept],
        "MetricValues": [value for _, value in kept],
    }


def _wrong(message: str) -> dict[str, Any]:
    return {"Status": "ValidationError", "Message": message, "XAxisValues": [], "MetricValues": []}


def get_metrics(caller: Caller, request: Request) -> Response:
    """One result for each query, in their order; what is wrong with a query is told in its result."""
    return {"MetricQueryResults": [_answer(caller, query) for query in request["MetricQueries"]]}


METRICS: dict[str, Operation] = {
    "BatchPutMetrics": put_metrics,
    "BatchGetMetrics": get_metrics,
}
