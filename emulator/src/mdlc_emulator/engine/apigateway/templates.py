"""Bodies and headers of gateway responses: plain substitution, no Velocity. Standard library only.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

_VARIABLE = re.compile(r"\$(context|stageVariables)\.([A-Za-z0-9_.]+)")
_HEADER = "gatewayresponse.header."


def rendered(template: str, context: Mapping[str, Any], stage: Mapping[str, str]) -> str:
    """`template` with `$context.x.y` and `$stageVariables.x` replaced; what is unknown becomes empty.

    `$context.error.messageString` comes with its quotation marks, as JSON needs it.
    """

    def value(match: re.Match[str]) -> str:
        root, path = match[1], match[2].rstrip(".")
        rest = match[2][len(path) :]
        if root == "stageVariables":
            return str(stage.get(path, "")) + rest
        if path == "error.messageString":
            return json.dumps(looked_up(context, "error.message")) + rest
        return _text(looked_up(context, path)) + rest

    return _VARIABLE.sub(value, template)


def headers_of(
    parameters: Mapping[str, str],
    *,
    context: Mapping[str, Any],
    stage: Mapping[str, str],
    header: Mapping[str, str],
    querystring: Mapping[str, str],
    path: Mapping[str, str],
) -> dict[str, str]:
    """The headers that a gateway response's `responseParameters` ask for: literals in single quotes, parts of
    the request, context and stage variables; what the request does not have is left out."""
    found: dict[str, str] = {}
    sources = {"header": header, "querystring": querystring, "path": path}
    for target, source in parameters.items():
        if not target.startswith(_HEADER):
            continue
        value: str | None = None
        if len(source) >= 2 and source[0] == source[-1] == "'":
            value = source[1:-1]
        elif source.startswith("method.request."):
            part, _, name = source.removeprefix("method.request.").partition(".")
            value = sources.get(part, {}).get(name)
        elif source.startswith("context."):
            value = _text(looked_up(context, source.removeprefix("context."))) or None
        elif source.startswith("stageVariables."):
            value = stage.get(source.removeprefix("stageVariables."))
        if value is not None:
            found[target.removeprefix(_HEADER)] = value
    return found


def looked_up(values: Mapping[str, Any], path: str) -> Any:
    """`values["a"]["b"]` for the path `a.b`; None when it is not there."""
    found: Any = values
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
