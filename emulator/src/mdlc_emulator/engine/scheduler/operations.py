"""EventBridge Scheduler's API. Pure.

Source: https://docs.aws.amazon.com/scheduler/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.scheduler.cron import ExpressionError
from mdlc_emulator.engine.scheduler.expressions import At, Rate, parse, zone_of
from mdlc_emulator.engine.scheduler.runner import Runner
from mdlc_emulator.engine.scheduler.schedule import (
    DEFAULT_GROUP,
    Group,
    Schedule,
    ScheduleStore,
    group_arn,
    schedule_arn,
)
from mdlc_emulator.engine.scheduler.target_rules import check_target

type Request = dict[str, Any]
type Response = dict[str, Any]

_DEFINITION = (
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "EndDate",
    "Description",
    "State",
    "KmsKeyArn",
    "Target",
    "FlexibleTimeWindow",
    "ActionAfterCompletion",
)


class Schedules:
    """Create, update, get, list and delete schedules."""

    def __init__(self, store: ScheduleStore, runner: Runner) -> None:
        self._store, self._runner = store, runner
        self._tokens: dict[tuple[Caller, str], str] = {}

    def create(self, caller: Caller, request: Request) -> Response:
        now = clock.now()
        group = request.get("GroupName") or DEFAULT_GROUP
        self._store.group(caller, group, now)
        token = request.get("ClientToken")
        with self._store.lock:
            schedules = self._store.schedules(caller)
            name = request["Name"]
            if (group, name) in schedules:
                if token is not None and self._tokens.get((caller, token)) == schedules[group, name].arn:
                    return {"ScheduleArn": schedules[group, name].arn}
                raise AwsError("ConflictException", f"Schedule {name} already exists.", status=409)
            schedule = _schedule(caller, request, group, now, now)
            schedules[group, name] = schedule
            if token is not None:
                self._tokens[caller, token] = schedule.arn
        # A rate without a start date begins at once; a cron expression at its next time.
        self._runner.watch(schedule, now - 0.001 if isinstance(schedule.expression, Rate) else now)
        return {"ScheduleArn": schedule.arn}

    def update(self, caller: Caller, request: Request) -> Response:
        """Replace the whole definition: what is not given falls back to its default."""
        now = clock.now()
        with self._store.lock:
            old = self._store.find(caller, request["Name"], request.get("GroupName"))
            new = _schedule(caller, request, old.group, old.made, now)
            self._store.schedules(caller)[old.group, old.name] = new
        self._runner.forget(old)
        self._runner.watch(new, now)
        return {"ScheduleArn": new.arn}

    def get(self, caller: Caller, request: Request) -> Response:
        schedule = self._store.find(caller, request["Name"], request.get("GroupName"))
        return {
            "Arn": schedule.arn,
            "Name": schedule.name,
            "GroupName": schedule.group,
            "CreationDate": _date(schedule.made),
            "LastModificationDate": _date(schedule.changed),
            **schedule.definition,
        }

    def list(self, caller: Caller, request: Request) -> Response:
        group, prefix, state = request.get("GroupName"), request.get("NamePrefix") or "", request.get("State")
        found = [
            {
                "Arn": schedule.arn,
                "Name": schedule.name,
                "GroupName": schedule.group,
                "State": schedule.definition["State"],
                "CreationDate": _date(schedule.made),
                "LastModificationDate": _date(schedule.changed),
                "Target": {"Arn": schedule.definition["Target"]["Arn"]},
            }
            for _, schedule in sorted(self._store.schedules(caller).items())
            if group in (None, schedule.group)
            and schedule.name.startswith(prefix)
            and state in (None, schedule.definition["State"])
        ]
        return _page("Schedules", found, request)

    def delete(self, caller: Caller, request: Request) -> Response:
        with self._store.lock:
            schedule = self._store.find(caller, request["Name"], request.get("GroupName"))
            del self._store.schedules(caller)[schedule.group, schedule.name]
        self._runner.forget(schedule)
        return {}


class Groups:
    """Schedule groups and their tags."""

    def __init__(self, store: ScheduleStore, runner: Runner) -> None:
        self._store, self._runner = store, runner

    def create(self, caller: Caller, request: Request) -> Response:
        now, name = clock.now(), request["Name"]
        groups = self._store.groups(caller, now)
        if name in groups:
            raise AwsError("ConflictException", f"Schedule group {name} already exists.", status=409)
        tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags") or ()}
        groups[name] = Group(group_arn(caller, name), name, now, now, tags)
        return {"ScheduleGroupArn": groups[name].arn}

    def get(self, caller: Caller, request: Request) -> Response:
        return _group(self._store.group(caller, request["Name"], clock.now()))

    def list(self, caller: Caller, request: Request) -> Response:
        prefix = request.get("NamePrefix") or ""
        groups = self._store.groups(caller, clock.now())
        found = [_group(groups[name]) for name in sorted(groups) if name.startswith(prefix)]
        return _page("ScheduleGroups", found, request)

    def delete(self, caller: Caller, request: Request) -> Response:
        """The schedules of a group go with it."""
        name = request["Name"]
        self._store.group(caller, name, clock.now())
        if name == DEFAULT_GROUP:
            raise AwsError("ValidationException", "The default schedule group cannot be deleted.")
        with self._store.lock:
            schedules = self._store.schedules(caller)
            for key in [key for key in schedules if key[0] == name]:
                self._runner.forget(schedules.pop(key))
            del self._store.groups(caller, clock.now())[name]
        return {}

    def tag(self, caller: Caller, request: Request) -> Response:
        self._by_arn(caller, request).tags |= {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        return {}

    def untag(self, caller: Caller, request: Request) -> Response:
        group = self._by_arn(caller, request)
        for key in request["TagKeys"]:
            group.tags.pop(key, None)
        return {}

    def list_tags(self, caller: Caller, request: Request) -> Response:
        group = self._by_arn(caller, request)
        return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(group.tags.items())]}

    def _by_arn(self, caller: Caller, request: Request) -> Group:
        return self._store.group(caller, request["ResourceArn"].rsplit("/", 1)[-1], clock.now())


def _schedule(caller: Caller, request: Request, group: str, made: float, changed: float) -> Schedule:
    """The schedule a request defines; ValidationException when it cannot be."""
    window = request["FlexibleTimeWindow"]
    if (window["Mode"] == "FLEXIBLE") != ("MaximumWindowInMinutes" in window):
        raise AwsError(
            "ValidationException",
            "MaximumWindowInMinutes has to be set when the mode of FlexibleTimeWindow is FLEXIBLE, "
            "and must not be when it is OFF.",
        )
    text = request["ScheduleExpression"]
    try:
        zone = zone_of(request.get("ScheduleExpressionTimezone"))
        expression = parse(text, zone)
    except ExpressionError as error:
        raise AwsError("ValidationException", f"Invalid Schedule Expression {text}: {error}.") from None
    start, end = _seconds(request.get("StartDate")), _seconds(request.get("EndDate"))
    if start is not None and end is not None and end <= start:
        raise AwsError("ValidationException", "The EndDate you specify must come after the StartDate.")
    if end is not None and end <= changed and not isinstance(expression, At):
        raise AwsError("ValidationException", "The EndDate you specify must be in the future.")
    check_target(request["Target"])
    definition = {name: request[name] for name in _DEFINITION if request.get(name) is not None}
    definition.setdefault("State", "ENABLED")
    definition.setdefault("ScheduleExpressionTimezone", "UTC")
    definition.setdefault("ActionAfterCompletion", "NONE")
    definition["Target"] = {
        "RetryPolicy": {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185},
        **definition["Target"],
    }
    name = request["Name"]
    return Schedule(
        schedule_arn(caller, group, name),
        name,
        group,
        caller,
        definition,
        expression,
        made,
        changed,
        start,
        end,
    )


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 3), UTC)


def _group(group: Group) -> Response:
    return {
        "Arn": group.arn,
        "Name": group.name,
        "State": "ACTIVE",
        "CreationDate": _date(group.made),
        "LastModificationDate": _date(group.changed),
    }


def _page(member: str, found: list[Response], request: Request) -> Response:
    try:
        start = int(base64.b64decode(request["NextToken"])) if request.get("NextToken") else 0
    except ValueError:
        raise AwsError("ValidationException", "The NextToken is not one that this API has given.") from None
    end = start + (request.get("MaxResults") or 100)
    answer: Response = {member: found[start:end]}
    if end < len(found):
        answer["NextToken"] = base64.b64encode(str(end).encode()).decode()
    return answer
