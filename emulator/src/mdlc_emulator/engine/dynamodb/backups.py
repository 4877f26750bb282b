"""Backups on demand, and tables restored to any moment of the last 35 days.

Items are never changed in place, so a backup is a dictionary of references, and the history of a table the
images that writes replaced.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.dynamodb.describe import description
from mdlc_emulator.engine.dynamodb.keys import Key
from mdlc_emulator.engine.dynamodb.store import TableStore
from mdlc_emulator.engine.dynamodb.table import Index, Table
from mdlc_emulator.engine.dynamodb.values import Item

DAYS = 35

type Request = dict[str, Any]
type Response = dict[str, Any]


@dataclass(eq=False)
class Backup:
    """A table as it was."""

    arn: str
    name: str
    made: float
    table: Table
    items: dict[Key, Item]
    size: int

    def details(self, status: str = "AVAILABLE") -> Response:
        return {
            "BackupArn": self.arn,
            "BackupName": self.name,
            "BackupSizeBytes": self.size,
            "BackupStatus": status,
            "BackupType": "USER",
            "BackupCreationDateTime": _date(self.made),
        }


class Backups:
    """Point-in-time recovery and backups on demand."""

    def __init__(self, store: TableStore) -> None:
        self._store = store
        self._backups: dict[str, Backup] = {}

    def update_continuous(self, caller: Caller, request: Request) -> Response:
        table = self._source(caller, request["TableName"])
        wanted = request["PointInTimeRecoverySpecification"]
        with table.lock:
            if not wanted["PointInTimeRecoveryEnabled"]:
                table.recoverable_since = None
                table.history.clear()
            elif table.recoverable_since is None:
                table.recoverable_since = clock.now()
            table.settings["recovery_days"] = wanted.get("RecoveryPeriodInDays", DAYS)
        return _continuous(table)

    def describe_continuous(self, caller: Caller, request: Request) -> Response:
        return _continuous(self._source(caller, request["TableName"]))

    def restore_to_time(self, caller: Caller, request: Request) -> Response:
        named = request.get("SourceTableArn") or request.get("SourceTableName")
        if not named:
            raise AwsError("ValidationException", "SourceTableName or SourceTableArn must be specified.")
        source = self._source(caller, named)
        with source.lock:
            since = source.recoverable_since
            if since is None:
                raise AwsError(
                    "PointInTimeRecoveryUnavailableException",
                    f"Point in time recovery is not enabled for table '{source.name}'",
                )
            given = request.get("RestoreDateTime")
            moment = clock.now() if given is None else given.timestamp()
            # AWS, too, takes the moment in whole seconds.
            if int(moment) < int(since) or moment > clock.now():
                raise AwsError(
                    "InvalidRestoreTimeException",
                    f"The restore time has to lie between {_date(since)} and now.",
                )
            items = source.as_of(moment)
        return self._restore(caller, source, request, items)

    def create(self, caller: Caller, request: Request) -> Response:
        table = self._source(caller, request["TableName"])
        with table.lock:
            made = clock.now()
            arn = f"{table.arn}/backup/{int(made * 1000):014d}-{uuid.uuid4().hex[:8]}"
            backup = Backup(arn, request["BackupName"], made, table, dict(table.items), table.bytes)
        self._backups[arn] = backup
        return {"BackupDetails": backup.details("CREATING")}

    def describe(self, caller: Caller, request: Request) -> Response:
        backup = self._find(caller, request["BackupArn"])
        return {"BackupDescription": _backup(backup, "AVAILABLE")}

    def delete(self, caller: Caller, request: Request) -> Response:
        backup = self._find(caller, request["BackupArn"])
        del self._backups[backup.arn]
        return {"BackupDescription": _backup(backup, "DELETED")}

    def list(self, caller: Caller, request: Request) -> Response:
        after, wanted = request.get("ExclusiveStartBackupArn") or "", request.get("TableName")
        found = [
            backup
            for arn, backup in sorted(self._backups.items())
            if arn > after
            and (backup.table.account, backup.table.region) == caller
            and wanted in (None, backup.table.name, backup.table.arn)
        ]
        page = found[: request.get("Limit", 100)]
        answer: Response = {
            "BackupSummaries": [
                {
                    "TableName": backup.table.name,
                    "TableId": backup.table.id,
                    "TableArn": backup.table.arn,
                    **backup.details(),
                }
                for backup in page
            ]
        }
        if len(found) > len(page):
            answer["LastEvaluatedBackupArn"] = page[-1].arn
        return answer

    def restore_backup(self, caller: Caller, request: Request) -> Response:
        backup = self._find(caller, request["BackupArn"])
        return self._restore(caller, backup.table, request, backup.items)

    def _source(self, caller: Caller, name: str) -> Table:
        try:
            return self._store.described(caller, name)
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise
            raise AwsError("TableNotFoundException", f"Table not found: {name}") from None

    def _find(self, caller: Caller, arn: str) -> Backup:
        backup = self._backups.get(arn)
        if backup is None or (backup.table.account, backup.table.region) != caller:
            raise AwsError("BackupNotFoundException", f"Backup not found: {arn}")
        return backup

    def _restore(self, caller: Caller, source: Table, request: Request, items: dict[Key, Item]) -> Response:
        """A new table with the definition of `source` (its stream, tags and time to live stay behind)."""
        name = request["TargetTableName"]
        arn = f"arn:aws:dynamodb:{caller.region}:{caller.account}:table/{name}"
        table = Table(
            name=name,
            arn=arn,
            account=caller.account,
            region=caller.region,
            made=clock.now(),
            keys=source.keys,
            attributes=dict(source.attributes),
            billing=request.get("BillingModeOverride", source.billing),
            throughput=dict(source.throughput),
            indexes={
                index.name: Index(
                    index.name,
                    index.keys,
                    index.projection,
                    index.is_global,
                    f"{arn}/index/{index.name}",
                    index.throughput,
                )
                for index in source.indexes.values()
            },
        )
        for item in items.values():
            table.write(table.keys.pick(item), item, clock.now())
        with self._store.lock:
            tables = self._store.of(caller)
            if name in tables:
                raise AwsError("TableAlreadyExistsException", f"Table already exists: {name}")
            tables[name] = table
        return {"TableDescription": description(table, "CREATING", "CREATING")}


def _continuous(table: Table) -> Response:
    recovery: Response = {"PointInTimeRecoveryStatus": "DISABLED"}
    if table.recoverable_since is not None:
        recovery = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": table.settings.get("recovery_days", DAYS),
            "EarliestRestorableDateTime": _date(table.recoverable_since),
            "LatestRestorableDateTime": _date(clock.now()),
        }
    return {
        "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": recovery,
        }
    }


def _backup(backup: Backup, status: str) -> Response:
    table = backup.table
    return {
        "BackupDetails": backup.details(status),
        "SourceTableDetails": {
            "TableName": table.name,
            "TableId": table.id,
            "TableArn": table.arn,
            "TableSizeBytes": backup.size,
            "KeySchema": table.keys.shape(),
            "TableCreationDateTime": _date(table.made),
            "ProvisionedThroughput": table.throughput,
            "ItemCount": len(backup.items),
            "BillingMode": table.billing,
        },
    }


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 3), UTC)
