"""What a user writes: one `Lifecycle` per model, in app/lifecycles/<name>.py.

    lifecycle = Lifecycle(
        name="flights",
        source=Source(stream="flights", contract=Flight, entity="tailnum", event_time="time_hour"),
    )

A declaration is checked when it is imported; what is wrong is a DeclarationError that names the line. Lambdas
never import this module (it needs pandera): they read the compiled form, see app/compiled.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import pandera.pandas as pa

from app.compiled import FORMAT, Column, CompiledLifecycle, CompiledSource
from app.contract import columns_of
from app.declaring import DeclarationError, declaration_error, suggestion

__all__ = ["ARRIVED_AT", "DeclarationError", "Lifecycle", "Source"]

ARRIVED_AT = "arrived_at"
"""The column that the platform stamps on every record when it arrives, for sources that do not say so
themselves."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_NAME_RULE = "lower-case letters, digits and single hyphens, starting with a letter, 40 at most"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a lifecycle's records come from.

    stream: name of a stream of records; batch: name of a folder of files. At least one of them.
    contract: the canonical columns, as a pandera model.
    entity: the column, or columns, that say whom a record is about.
    event_time: when it happened; arrival_time: when it became known. Both are datetimes in UTC, never null.
    """

    contract: type[pa.DataFrameModel]
    entity: str | tuple[str, ...]
    event_time: str
    arrival_time: str = ARRIVED_AT
    stream: str | None = None
    batch: str | None = None

    def __post_init__(self) -> None:
        if self.stream is None and self.batch is None:
            raise declaration_error(
                "contract", "a Source has a stream, a batch or both: add stream='<name>'."
            )
        for keyword in ("stream", "batch"):
            value = getattr(self, keyword)
            if value is not None:
                _check_name(keyword, value)
        if not (isinstance(self.contract, type) and issubclass(self.contract, pa.DataFrameModel)):
            raise declaration_error(
                "contract",
                f"a contract is a class that derives from pandera's DataFrameModel, not {self.contract!r}.",
            )
        if not self.entities:
            raise declaration_error("entity", "an entity has at least one column.")
        columns = {column.name: column for column in self.columns}
        for entity in self.entities:
            self._check_column("entity", entity, columns)
        for keyword in ("event_time", "arrival_time"):
            name = getattr(self, keyword)
            if keyword == "event_time" or name != ARRIVED_AT or name in columns:
                self._check_time(keyword, name, columns)

    @property
    def entities(self) -> tuple[str, ...]:
        return (self.entity,) if isinstance(self.entity, str) else tuple(self.entity)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The contract's columns."""
        return columns_of(self.contract)

    def _check_column(self, keyword: str, name: Any, columns: dict[str, Column]) -> Column:
        if not isinstance(name, str) or name not in columns:
            contract = self.contract.__name__
            raise declaration_error(
                keyword, f"{keyword} {name!r} is no column of {contract}; {suggestion(str(name), columns)}"
            )
        return columns[name]

    def _check_time(self, keyword: str, name: Any, columns: dict[str, Column]) -> None:
        column = self._check_column(keyword, name, columns)
        if column.type != "datetime" or column.nullable:
            times = [c.name for c in columns.values() if c.type == "datetime" and not c.nullable]
            found = f"{'nullable ' if column.nullable else ''}{column.type}"
            raise declaration_error(
                keyword,
                f"{keyword} {name!r} is a {found}; it must be a datetime in UTC that is never null"
                + (f", such as {', '.join(times)}." if times else ": add such a column to the contract."),
            )


@dataclass(frozen=True, kw_only=True)
class Lifecycle:
    """One model's life, declared. `name` is also the name of the file."""

    name: str
    source: Source

    def __post_init__(self) -> None:
        _check_name("name", self.name)
        if not isinstance(self.source, Source):
            raise declaration_error("source", f"source is a Source(...), not {self.source!r}.")

    @property
    def contract(self) -> type[pa.DataFrameModel]:
        return self.source.contract

    @property
    def digest(self) -> str:
        """SHA-256 (hexadecimal) of what is declared: two declarations that mean the same have the same
        one."""
        return self.compiled("").digest

    def compiled(self, source_digest: str) -> CompiledLifecycle:
        """The form that Lambdas read; `source_digest` is that of the file that declares it."""
        source = CompiledSource(
            stream=self.source.stream,
            batch=self.source.batch,
            contract=self.contract.__name__,
            entity=self.source.entities,
            event_time=self.source.event_time,
            arrival_time=self.source.arrival_time,
            columns=self.source.columns,
        )
        meaning = msgspec.json.encode([FORMAT, self.name, source], order="deterministic")
        return CompiledLifecycle(
            FORMAT, self.name, source, hashlib.sha256(meaning).hexdigest(), source_digest
        )


def _check_name(keyword: str, value: Any) -> None:
    if not isinstance(value, str) or not _NAME.fullmatch(value) or len(value) > 40:
        raise declaration_error(keyword, f"{keyword} {value!r} is not a name: {_NAME_RULE}.")
