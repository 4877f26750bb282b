"""What is asked of jobs: describe, list, cancel, terminate, and the head of a queue. Pure.

Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html,
https://docs.aws.amazon.com/batch/latest/APIReference/API_CancelJob.html and
https://docs.aws.amazon.com/batch/latest/APIReference/API_TerminateJob.html
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.batch.describing import detail, millis, summary
from mdlc_emulator.engine.batch.dispatch import Dispatcher
from mdlc_emulator.engine.batch.errors import invalid
from mdlc_emulator.engine.batch.model import Job, Status, Store
from mdlc_emulator.engine.batch.paging import page
from mdlc_emulator.engine.batch.queues import Queues

type Request = dict[str, Any]
type Response = dict[str, Any]

DESCRIBED_AT_MOST = 100
MANY_AT_MOST = 50
SNAPSHOT_AT_MOST = 100
_FILTERS = ("JOB_NAME", "JOB_DEFINITION", "BEFORE_CREATED_AT", "AFTER_CREATED_AT", "SHARE_IDENTIFIER")


class Jobs:
    """The operations on jobs that have been submitted."""

    def __init__(self, store: Store, queues: Queues, dispatcher: Dispatcher) -> None:
        self._store, self._queues, self._dispatcher = store, queues, dispatcher

    def describe(self, caller: Caller, request: Request) -> Response:
        """Those that exist; what is not known is left out."""
        wanted: Sequence[str] = request["jobs"]
        if len(wanted) > DESCRIBED_AT_MOST:
            raise invalid(f"Maximum number of jobs supported is {DESCRIBED_AT_MOST}")
        with self._store.lock:
            self._store.forget_old_jobs()
            jobs = self._store.of(caller).jobs
            return {"jobs": [detail(jobs[each]) for each in wanted if each in jobs]}

    def list_jobs(self, caller: Caller, request: Request) -> Response:
        named = [each for each in ("jobQueue", "arrayJobId", "multiNodeJobId") if request.get(each)]
        if len(named) != 1:
            raise invalid("Exactly one of jobQueue, arrayJobId and multiNodeJobId must be set")
        filters = request.get("filters") or []
        if len(filters) > 1:
            raise invalid("Only one filter can be used at a time")
        status = request.get("jobStatus")
        with self._store.lock:
            self._store.forget_old_jobs()
            jobs = self._among(caller, request)
            if filters:
                keep = _filter(filters[0])
                share = filters[0].get("name") == "SHARE_IDENTIFIER"
                jobs = [each for each in jobs if keep(each)]
                if share and status:
                    jobs = [each for each in jobs if each.status == status]
            else:
                jobs = [each for each in jobs if each.status == (status or Status.RUNNING)]
            found, more = page(jobs, request, most=100 if filters else 1000, key="id")
            return {"jobSummaryList": [summary(each) for each in found], **more}

    def cancel(self, caller: Caller, request: Request) -> Response:
        """Succeeds also for jobs that are unknown or have begun."""
        self._each(caller, [request["jobId"]], request["reason"], self._dispatcher.cancel)
        return {}

    def terminate(self, caller: Caller, request: Request) -> Response:
        self._each(caller, [request["jobId"]], request["reason"], self._dispatcher.terminate)
        return {}

    def cancel_many(self, caller: Caller, request: Request) -> Response:
        self._each(caller, request["jobs"], request["reason"], self._dispatcher.cancel)
        return {"successful": list(request["jobs"]), "errors": []}

    def terminate_many(self, caller: Caller, request: Request) -> Response:
        self._each(caller, request["jobs"], request["reason"], self._dispatcher.terminate)
        return {"successful": list(request["jobs"]), "errors": []}

    def snapshot(self, caller: Caller, request: Request) -> Response:
        """The first RUNNABLE jobs in the order of dispatch, and what the queue's jobs hold."""
        now = millis(clock.now())
        with self._store.lock:
            queue = self._queues.find(caller, request["jobQueue"])
            line = self._dispatcher.line(queue)
            front = [
                {"jobArn": each.arn, "earliestTimeAtPosition": millis(each.runnable_since or each.created)}
                for each in itertools.islice(line.jobs(), SNAPSHOT_AT_MOST)
            ]
            held = sum(
                each.vcpus
                for each in self._store.of(caller).jobs.values()
                if each.queue is queue and each.environment is not None
            )
            utilization: Response = {
                "totalCapacityUsage": [{"capacityUnit": "VCPU", "quantity": held}],
                "lastUpdatedAt": now,
            }
            if queue.policy_arn is not None:
                shares = sorted(line.usages.running().items(), key=lambda each: -each[1])
                utilization["fairshareUtilization"] = {
                    "activeShareCount": line.active(),
                    "topCapacityUtilization": [
                        {
                            "shareIdentifier": share,
                            "capacityUsage": [{"capacityUnit": "VCPU", "quantity": vcpus}],
                        }
                        for share, vcpus in shares[:20]
                    ],
                }
        return {
            "frontOfQueue": {"jobs": front, "lastUpdatedAt": now},
            "queueUtilization": utilization,
        }

    def _among(self, caller: Caller, request: Request) -> list[Job]:
        jobs = self._store.of(caller).jobs
        if request.get("multiNodeJobId"):
            return []
        if array := request.get("arrayJobId"):
            parent = jobs.get(array)
            return list(parent.children) if parent is not None else []
        queue = self._queues.find(caller, request["jobQueue"])
        found = [each for each in jobs.values() if each.queue is queue and each.parent is None]
        return sorted(found, key=lambda each: -each.sequence)

    def _each(self, caller: Caller, ids: Iterable[str], reason: str, act: Callable[[Job, str], None]) -> None:
        ids = list(ids)
        if len(ids) > MANY_AT_MOST:
            raise invalid(f"Maximum number of jobs supported is {MANY_AT_MOST}")
        if len(reason) > 1024:
            raise invalid("reason must have at most 1024 characters")
        with self._store.lock:
            jobs = self._store.of(caller).jobs
            found = [jobs[each] for each in ids if each in jobs]
        for job in found:
            if not job.status.over:
                act(job, reason)


def _filter(given: dict[str, Any]) -> Callable[[Job], bool]:
    name, values = given.get("name"), given.get("values") or []
    if name not in _FILTERS:
        raise invalid(f"Filter name {name} must be one of {', '.join(_FILTERS)}")
    if not values:
        raise invalid("Filter values must not be empty")
    if name in ("BEFORE_CREATED_AT", "AFTER_CREATED_AT"):
        if len(values) != 1 or not values[0].isdigit():
            raise invalid(f"Filter {name} takes one number of milliseconds")
        moment = int(values[0])
        if name == "BEFORE_CREATED_AT":
            return lambda job: millis(job.created) < moment
        return lambda job: millis(job.created) > moment
    if name == "JOB_NAME":
        return lambda job: any(_like(job.name, each) for each in values)
    if name == "SHARE_IDENTIFIER":
        return lambda job: job.share in values
    return lambda job: any(_defined(job, each) for each in values)


def _like(text: str, pattern: str) -> bool:
    text, pattern = text.lower(), pattern.lower()
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def _defined(job: Job, pattern: str) -> bool:
    """A definition's ARN exactly, or its name with any case, revision left out."""
    if pattern.startswith("arn:"):
        return job.definition.arn == pattern
    name, _, revision = pattern.partition(":")
    return _like(job.definition.name, name) and revision in ("", str(job.definition.revision))
