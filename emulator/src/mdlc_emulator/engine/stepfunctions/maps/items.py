"""Items out of the content of S3 objects: JSON, JSON Lines, CSV and inventory manifests. Pure.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

_DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
INPUT_TYPES = ("CSV", "JSON", "JSONL", "MANIFEST")


class ItemsError(ValueError):
    """The object's content is not what its InputType says."""


def items_of(kind: str, content: bytes, config: dict[str, Any]) -> list[Any]:
    """The items that `content` holds; `config` is the ReaderConfig. Raises ItemsError."""
    text = _text(content)
    if kind == "JSON":
        return _json(text, config.get("ItemsPointer"))
    if kind == "JSONL":
        return [_parsed(line) for line in text.splitlines() if line.strip()]
    if kind == "CSV":
        return _csv(text, config)
    raise ItemsError(f"Items of InputType {kind} cannot be read here; these can: {', '.join(INPUT_TYPES)}.")


def inventory_items(manifest: bytes, fetch: Callable[[str], bytes]) -> Iterator[dict[str, str]]:
    """The objects that an S3 inventory lists: `manifest` is its manifest.json, `fetch(key)` gets a data
    file."""
    listed = _parsed(_text(manifest))
    if not isinstance(listed, dict) or listed.get("fileFormat", "CSV") != "CSV":
        raise ItemsError("Only inventories in CSV can be read here.")
    names = [name.strip() for name in str(listed.get("fileSchema", "Bucket, Key")).split(",")]
    for file in listed.get("files", []):
        for row in csv.reader(io.StringIO(_text(fetch(file["key"])))):
            yield dict(zip(names, row, strict=False))


def _text(content: bytes) -> str:
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    return content.decode("utf-8-sig")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ItemsError(f"Unable to parse the content as JSON: {error}") from None


def _json(text: str, pointer: str | None) -> list[Any]:
    value = _parsed(text)
    if pointer:
        for part in pointer.strip("/").split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            try:
                value = value[int(key)] if isinstance(value, list) else value[key]
            except (KeyError, IndexError, ValueError, TypeError):
                raise ItemsError(f"The ItemsPointer {pointer} leads nowhere.") from None
    if isinstance(value, dict):
        return [{"Key": key, "Value": item} for key, item in value.items()]
    if not isinstance(value, list):
        raise ItemsError("Attempting to map over non-iterable node.")
    return value


def _csv(text: str, config: dict[str, Any]) -> list[dict[str, str]]:
    delimiter = _DELIMITERS.get(str(config.get("CSVDelimiter", "COMMA")))
    if delimiter is None:
        raise ItemsError(f"CSVDelimiter must be one of {', '.join(_DELIMITERS)}.")
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    if config.get("CSVHeaderLocation") == "GIVEN":
        names = list(config.get("CSVHeaders") or [])
    else:
        names = rows.pop(0) if rows else []
    if len(set(names)) < len(names):
        raise ItemsError("CSV headers cannot contain duplicates.")
    # Missing columns are empty texts, surplus ones are left out.
    return [
        {name: row[index] if index < len(row) else "" for index, name in enumerate(names)} for row in rows
    ]
