"""What LocalStack's event buses do otherwise than AWS's, mended.

- A disabled rule still matches events.
- A replay stops with an error, for archives hold times as text.
- An input template cannot put a number into a text, and takes 0 and false for missing.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from localstack.services.events import archive, target, utils
from localstack.services.events.provider import EventsProvider

from mdlc_emulator.engine.scheduler.input_templates import filled

type Function = Callable[..., Any]


def install() -> None:
    """Patch once, before the events provider is made."""
    stock_rules = _found(EventsProvider, "_process_rules")
    stock_normal = _found(archive.ArchiveService, "_normalize_datetime")
    stock_time = _found(utils, "get_event_time")
    stock_path = _found(target, "extract_jsonpath")
    for name in ("get_template_replacements", "replace_template_placeholders"):
        _found(target, name)

    def process_rules(provider: EventsProvider, rule: Any, *arguments: Any, **options: Any) -> None:
        if rule.state != "DISABLED":
            stock_rules(provider, rule, *arguments, **options)

    def normal(service: archive.ArchiveService, moment: datetime | str) -> Any:
        return stock_normal(service, _moment(moment))

    def event_time(event: dict[str, Any]) -> Any:
        if isinstance(given := event.get("Time"), str):
            return _moment(given)
        return stock_time(event)

    def replacements(transformer: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        """What each path of InputPathsMap finds; nothing where it finds none."""
        found: dict[str, Any] = {}
        for name, path in (transformer.get("InputPathsMap") or {}).items():
            value = stock_path(event, path)
            if value is not None and value != []:
                found[name] = value
        return found

    def template(text: str, values: dict[str, Any]) -> Any:
        result = filled(text, values)
        if text.strip().startswith(("{", "[")):
            try:
                return json.loads(result)
            except ValueError:
                # AWS, too, sends nothing when the template does not become JSON.
                return None
        return re.sub(r'^\s*"(.*)"\s*$', r"\1", result, flags=re.DOTALL)

    setattr(EventsProvider, "_process_rules", process_rules)  # noqa: B010
    setattr(archive.ArchiveService, "_normalize_datetime", normal)  # noqa: B010
    vars(utils)["get_event_time"] = event_time
    vars(target)["get_template_replacements"] = replacements
    vars(target)["replace_template_placeholders"] = template


def _found(owner: Any, name: str) -> Function:
    stock = vars(owner).get(name)
    if not callable(stock):
        raise RuntimeError(f"{owner.__name__}.{name} is gone: this LocalStack cannot be patched.")
    return stock


def _moment(given: datetime | str) -> datetime:
    moment = datetime.fromisoformat(given) if isinstance(given, str) else given
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
