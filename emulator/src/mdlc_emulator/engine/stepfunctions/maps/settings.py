"""The fields of Map states that the stock grammar does not know, taken out of the definition before it is
parsed.

ItemBatcher, ReaderConfig and WriterConfig are read from the JSON itself; their templates are parsed as those
of a Pass state are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from mdlc_emulator.engine.stepfunctions.maps.items import INPUT_TYPES

_LIMITS = {f"{name}{path}" for name in ("MaxItemsPerBatch", "MaxInputBytesPerBatch") for path in ("", "Path")}


@dataclass
class Settings:
    """Of one distributed Map state. `batcher`, `reader` and `writer` are the raw fields; `jsonata`: their
    language."""

    name: str
    jsonata: bool
    batcher: dict[str, Any] | None = None
    reader: dict[str, Any] = field(default_factory=dict)
    writer: dict[str, Any] = field(default_factory=dict)


class SettingsError(ValueError):
    """A field that AWS, or this engine, refuses; the text says which and why."""


def taken_out(definition: str) -> tuple[str, dict[str, Settings]]:
    """(the definition without those fields, the settings by state name). What is no JSON comes back as it
    is."""
    try:
        whole = json.loads(definition)
    except ValueError:
        return definition, {}
    found: dict[str, Settings] = {}
    if isinstance(whole, dict):
        _visit(whole, whole.get("QueryLanguage") == "JSONata", found)
    if not found:
        return definition, {}
    return json.dumps(whole), found


def _visit(program: dict[str, Any], jsonata: bool, found: dict[str, Settings]) -> None:
    states = program.get("States")
    if not isinstance(states, dict):
        return
    for name, state in states.items():
        if not isinstance(state, dict):
            continue
        language = state.get("QueryLanguage", "JSONata" if jsonata else "JSONPath") == "JSONata"
        for inner in ("ItemProcessor", "Iterator"):
            if isinstance(state.get(inner), dict):
                _visit(state[inner], language, found)
        for branch in state.get("Branches") or []:
            if isinstance(branch, dict):
                _visit(branch, language, found)
        if state.get("Type") == "Map" and _is_distributed(state):
            found[name] = _take(name, state, language)


def _is_distributed(state: dict[str, Any]) -> bool:
    processor = state.get("ItemProcessor") or state.get("Iterator")
    config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
    return isinstance(config, dict) and config.get("Mode") == "DISTRIBUTED"


def _take(name: str, state: dict[str, Any], jsonata: bool) -> Settings:
    settings = Settings(name, jsonata)
    # The grammar wants a fraction here; AWS takes any number.
    percentage = state.get("ToleratedFailurePercentage")
    if isinstance(percentage, int):
        state["ToleratedFailurePercentage"] = float(percentage)
    # Nor does it know express child executions; all children run alike here.
    for inner in ("ItemProcessor", "Iterator"):
        if isinstance(state.get(inner), dict):
            state[inner]["ProcessorConfig"]["ExecutionType"] = "STANDARD"
    batcher = state.pop("ItemBatcher", None)
    if isinstance(batcher, dict):
        if not _LIMITS & set(batcher):
            raise SettingsError(
                f"ItemBatcher needs MaxItemsPerBatch or MaxInputBytesPerBatch at /States/{name}/ItemBatcher"
            )
        settings.batcher = batcher
    reader = state.get("ItemReader")
    if isinstance(reader, dict):
        settings.reader = reader.pop("ReaderConfig", None) or {}
        kind = settings.reader.get("InputType")
        if kind is not None and kind not in INPUT_TYPES:
            raise SettingsError(
                f"InputType {kind} cannot be read here; these can: {', '.join(INPUT_TYPES)} "
                f"at /States/{name}/ItemReader/ReaderConfig"
            )
        if "Transformation" in settings.reader and settings.reader["Transformation"] != "NONE":
            raise SettingsError(f"Transformation is not run here at /States/{name}/ItemReader/ReaderConfig")
    writer = state.get("ResultWriter")
    if isinstance(writer, dict):
        settings.writer = writer.pop("WriterConfig", None) or {}
        if "Resource" not in writer:
            del state["ResultWriter"]
    return settings
