"""All tables of the emulator, kept apart by account and region, and found by name or ARN."""

from __future__ import annotations

import re
import threading
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.dynamodb.stream import TableStream
from mdlc_emulator.engine.dynamodb.table import Table

_TABLE_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:([a-z0-9-]+):(\d{12}):table/([a-zA-Z0-9_.-]+)")


class TableStore:
    """Every table, by (account, region) and name; and every stream, also those of tables that are gone."""

    def __init__(self) -> None:
        self._tables: dict[tuple[str, str], dict[str, Table]] = {}
        self.streams: dict[str, TableStream] = {}
        self.tokens: dict[tuple[str, str, str], tuple[float, int, Any]] = {}
        self.lock = threading.RLock()

    def of(self, caller: Caller) -> dict[str, Table]:
        """The tables of one account in one region; a live dictionary."""
        with self.lock:
            return self._tables.setdefault((caller.account, caller.region), {})

    def all(self) -> list[Table]:
        with self.lock:
            return [table for tables in self._tables.values() for table in tables.values()]

    def clear(self) -> None:
        with self.lock:
            self._tables.clear()
            for stream in self.streams.values():
                stream.disable(0.0)
            self.streams.clear()
            self.tokens.clear()

    def locate(self, caller: Caller, name: str) -> tuple[Caller, str]:
        """(owner, table name) of a `TableName`, which may be an ARN."""
        if not name.startswith("arn:"):
            return caller, name
        match = _TABLE_ARN.fullmatch(name)
        if match is None:
            raise AwsError("ValidationException", f"Invalid TableArn: {name}")
        region, account, table = match.groups()
        if region != caller.region:
            raise AwsError(
                "ValidationException", f"{name} lies in {region}, but the request went to {caller.region}"
            )
        if account != caller.account:
            raise AwsError(
                "AccessDeniedException",
                f"Account {caller.account} is not authorized to access {name} "
                "because no resource-based policy allows it",
            )
        return caller, table

    def table(self, caller: Caller, name: str) -> Table:
        """The table for an operation on its items."""
        owner, table = self.locate(caller, name)
        try:
            return self.of(owner)[table]
        except KeyError:
            raise AwsError("ResourceNotFoundException", "Requested resource not found") from None

    def described(self, caller: Caller, name: str) -> Table:
        """The table for an operation on itself: the message names it."""
        owner, table = self.locate(caller, name)
        try:
            return self.of(owner)[table]
        except KeyError:
            raise AwsError(
                "ResourceNotFoundException", f"Requested resource not found: Table: {table} not found"
            ) from None


TABLES = TableStore()
