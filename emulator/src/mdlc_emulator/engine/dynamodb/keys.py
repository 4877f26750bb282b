"""Key schemas: the key of an item, checked, and as something that sorts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.dynamodb.values import Item, Value, clean, size, sort_key, type_of

MOST_HASH_BYTES = 2048
MOST_RANGE_BYTES = 1024

type Sortable = bytes | Decimal
# (partition key, sort key), b"" standing for a sort key that the schema does not have.
type Key = tuple[Sortable, Sortable]


@dataclass(frozen=True)
class KeySchema:
    """The key attributes of a table or an index, with their types."""

    hash_name: str
    range_name: str | None
    types: tuple[tuple[str, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (self.hash_name,) if self.range_name is None else (self.hash_name, self.range_name)

    def type_of(self, name: str) -> str:
        return dict(self.types)[name]

    def shape(self) -> list[dict[str, str]]:
        """As `KeySchema` in an answer."""
        elements = [{"AttributeName": self.hash_name, "KeyType": "HASH"}]
        if self.range_name is not None:
            elements.append({"AttributeName": self.range_name, "KeyType": "RANGE"})
        return elements

    def of_item(self, item: Item) -> Key:
        """The key of an item that has been checked."""
        tail = b"" if self.range_name is None else sort_key(item[self.range_name])
        return sort_key(item[self.hash_name]), tail

    def covers(self, item: Item) -> bool:
        """Whether an index with this schema holds `item`: sparse indexes leave out what lacks their key."""
        return all(name in item for name in self.names)

    def pick(self, item: Item) -> Item:
        return {name: item[name] for name in self.names}

    def check_item(self, item: Item) -> None:
        """Refuse an item to be put that lacks a key attribute, or has one of another type or size."""
        for name in self.names:
            if name not in item:
                raise _invalid(
                    f"One or more parameter values were invalid: Missing the key {name} in the item"
                )
            self._check_type(name, item[name], "key ")
        self._check_sizes(item)

    def check_index_key(self, item: Item, index: str) -> None:
        """Refuse an item whose key attribute of an index has another type, is empty or too large."""
        for name in self.names:
            if name not in item:
                continue
            found, expected = type_of(item[name]), self.type_of(name)
            if found != expected:
                raise _invalid(
                    "One or more parameter values were invalid: "
                    f"Type mismatch for Index Key {name} Expected: {expected} Actual: {found} IndexName: "
                    f"{index}"
                )
            if found in "SB" and not item[name][found]:
                raise _invalid(
                    "One or more parameter values are not valid. A value specified for a secondary index "
                    "key is "
                    "not supported. The AttributeValue for a key attribute cannot contain an empty "
                    f"{'string' if found == 'S' else 'binary'} value. IndexName: {index}, IndexKey: {name}"
                )
        self._check_sizes(item)

    def clean_key(self, key: Any) -> Item:
        """A `Key` parameter, checked: exactly the key attributes, of the right types."""
        if set(key) != set(self.names):
            raise _invalid("The provided key element does not match the schema")
        cleaned = {name: clean(value) for name, value in key.items()}
        for name, value in cleaned.items():
            if type_of(value) != self.type_of(name):
                raise _invalid("The provided key element does not match the schema")
            self._check_empty(name, value)
        self._check_sizes(cleaned)
        return {name: cleaned[name] for name in self.names}

    def _check_type(self, name: str, value: Value, what: str) -> None:
        found, expected = type_of(value), self.type_of(name)
        if found != expected:
            raise _invalid(
                f"One or more parameter values were invalid: Type mismatch for {what}{name} "
                f"expected: {expected} actual: {found}"
            )
        self._check_empty(name, value)

    @staticmethod
    def _check_empty(name: str, value: Value) -> None:
        tag = type_of(value)
        if tag in "SB" and not value[tag]:
            raise _invalid(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
                f"contain an empty {'string' if tag == 'S' else 'binary'} value. Key: {name}"
            )

    def _check_sizes(self, item: Item) -> None:
        if self.hash_name in item and size(item[self.hash_name]) > MOST_HASH_BYTES:
            raise _invalid(
                "One or more parameter values were invalid: "
                f"Size of hashkey has exceeded the maximum size limit of{MOST_HASH_BYTES} bytes"
            )
        if self.range_name in item and size(item[self.range_name]) > MOST_RANGE_BYTES:
            raise _invalid(
                "One or more parameter values were invalid: "
                f"Aggregated size of all range keys has exceeded the size limit of {MOST_RANGE_BYTES} bytes"
            )


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
