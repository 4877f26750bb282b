"""Questions to a running engine over its internal routes; standard library only."""

import json
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from mdlc_emulator.launcher import Instance

from cli.exits import MdlcError


def ask(instance: Instance, route: str, timeout: float = 5.0) -> dict[str, Any]:
    """GET `route` of the engine, a JSON object. MdlcError when it does not answer or not with one."""
    try:
        with urlopen(f"{instance.endpoint_url}{route}", timeout=timeout) as answer:
            found = json.load(answer)
    except HTTPError as error:
        raise MdlcError(
            f"The emulator on port {instance.port} does not know {route} (HTTP {error.code}): "
            "end it with `mdlc down` and start it anew."
        ) from None
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise MdlcError(
            f"The emulator on port {instance.port} does not answer ({reason}): look at `mdlc logs`, "
            "or end it with `mdlc down`."
        ) from None
    if not isinstance(found, dict):
        raise MdlcError(f"The emulator on port {instance.port} answered {route} with something odd: end it.")
    return found
