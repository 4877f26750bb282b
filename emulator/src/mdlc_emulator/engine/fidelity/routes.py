"""What the emulator says of itself: `/_mdlc/status` and `/_mdlc/fidelity`. docs/emulator-fidelity.md has the
shapes."""

import os
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from localstack import config
from localstack.http import Request
from localstack.services.plugins import SERVICE_PLUGINS, Service, ServiceState
from rolo.response import Response

from mdlc_emulator.engine import mutation
from mdlc_emulator.engine.fidelity import recorder
from mdlc_emulator.engine.fidelity.implementation import implementation_of
from mdlc_emulator.engine.fidelity.ledger import Entry, Fidelity, Key
from mdlc_emulator.engine.fidelity.limits import LIMITS
from mdlc_emulator.engine.fidelity.table import table

_STARTED = time.time()
PREFIX = "/_mdlc/"


def answer(request: Request) -> Response:
    """The answer to a request whose path begins with `/_mdlc/`."""
    path, method = request.path.removeprefix(PREFIX).strip("/"), request.method
    if path == "status" and method in ("GET", "HEAD"):
        return Response.for_json(status())
    if path == "fidelity" and method in ("GET", "HEAD"):
        return Response.for_json(fidelity())
    if path == "fidelity" and method == "DELETE":
        recorder.LEDGER.reset()
        return Response(status=204)
    if path == "fidelity/classes" and method == "GET":
        return Response.for_json(classes(request.args.get("service")))
    if path == "mutation" and method == "PUT" and mutation.ENABLED:
        mutation.replace(request.get_json(force=True)["operations"])
        return Response(status=204)
    known = "GET status, GET and DELETE fidelity, GET fidelity/classes"
    message = f"There is no {method} {request.path}; below {PREFIX} there are {known}."
    return Response.for_json({"message": message}, status=404)


def status() -> dict[str, Any]:
    """The state of this process; memory in bytes, times in seconds."""
    states = {name: state for name, state in SERVICE_PLUGINS.get_states().items() if state is not None}
    address = config.GATEWAY_LISTEN[0]
    return {
        "version": version("mdlc-emulator"),
        "localstack": config.VERSION if hasattr(config, "VERSION") else version("localstack-core"),
        "host": address.host,
        "port": address.port,
        "pid": os.getpid(),
        "uptime": round(time.time() - _STARTED, 3),
        "strict": recorder.STRICT,
        "services": sorted(name for name, state in states.items() if state is ServiceState.RUNNING),
        "functions": _functions(),
        **_sandbox(),
        "containers": _containers(),
        "memory": {
            "resident": _resident(),
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        },
        "fidelity": {kind.value: count for kind, count in recorder.LEDGER.totals().items()},
    }


def fidelity() -> dict[str, Any]:
    """The ledger, most frequent calls first."""
    return {
        "since": recorder.LEDGER.since,
        "strict": recorder.STRICT,
        "totals": {kind.value: count for kind, count in recorder.LEDGER.totals().items()},
        "limits": [*LIMITS, *_limits_of_containers()],
        "entries": [_entry(entry) for entry in recorder.LEDGER.entries()],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    key = entry.key
    return {
        "fidelity": key.fidelity.value,
        "service": key.service,
        "operation": key.operation,
        "resource": key.resource,
        "principal": _principal(key.account, key.access_key, key.internal),
        "region": key.region,
        "internal": key.internal,
        "count": entry.count,
        "errors": entry.errors,
        "last_error": entry.last_error,
        "first": entry.first,
        "last": entry.last,
        "reason": _reason(key),
    }


def _reason(key: Key) -> str:
    """Why calls like this are not executed; "" for those that are."""
    if key.fidelity is Fidelity.EXECUTED:
        return ""
    if key.service == "cloudformation" and "::" in key.operation:
        from mdlc_emulator.engine.fidelity.stacks import judge_type

        return judge_type(key.operation).reason
    judged = recorder.judge(key.service, key.operation)
    if judged.fidelity is key.fidelity:
        return judged.reason
    if key.fidelity is Fidelity.UNSUPPORTED:
        return "The emulator answered that it does not implement this call."
    conditions = table().conditions(key.service, key.operation)
    return " ".join(dict.fromkeys(condition.reason for condition in conditions))


def _principal(account: str, access_key: str, internal: bool) -> dict[str, Any]:
    if internal:
        return {"account": account, "service": access_key or None, "access_key": None, "arn": None}
    from localstack.services.sts.models import sts_stores

    credentials = sts_stores["000000000000"]["us-east-1"].credentials.get(access_key)
    arn = credentials.arn if credentials else None
    return {"account": account, "service": None, "access_key": access_key or None, "arn": arn}


def classes(service: str | None) -> dict[str, Any]:
    """Every operation's class, of one service or of all that the engine can load (which loads them); `failed`
    names the services whose provider could not be loaded, with why."""
    found: dict[str, Any] = {}
    failed: dict[str, str] = {}
    for name in [service] if service else sorted(SERVICE_PLUGINS.list_available()):
        try:
            provider = SERVICE_PLUGINS.get_service(name) if SERVICE_PLUGINS.exists(name) else None
        except Exception as error:  # noqa: BLE001 - whatever a provider's module raises
            failed[name] = f"{type(error).__name__}: {error}"
            continue
        if isinstance(provider, Service) and provider.skeleton is not None:
            found[name] = {
                operation: _class_of(name, provider, operation)
                for operation in provider.skeleton.service.operation_names
            }
    return {"services": found, "failed": failed}


def _class_of(service: str, provider: Service, operation: str) -> dict[str, str]:
    implementation = implementation_of(service, provider, operation)
    judged = table().judge(service, operation, implementation)
    return {
        "fidelity": judged.fidelity.value,
        "implementation": implementation.value,
        "reason": judged.reason,
    }


def _functions() -> int:
    """Lambda functions of all accounts and regions."""
    models = sys.modules.get("localstack.services.lambda_.invocation.models")
    if models is None:
        return 0
    return sum(
        len(store.functions) for regions in models.lambda_stores.values() for store in regions.values()
    )


def _sandbox() -> dict[str, str]:
    """How functions are kept apart: `sandbox` is "root", "user", "none" or (before the first one) "unknown",
    with the `reason` where there is none."""
    module = sys.modules.get("mdlc_emulator.engine.functions.zygotes")
    if module is None:
        return {"sandbox": "unknown", "reason": "no function has run yet"}
    found: dict[str, str] = module.ZYGOTES.status()
    return found


def _containers() -> dict[str, Any]:
    """How jobs and model servers are kept apart: `isolation` is "namespaces", "base-directory" with the
    `reason`, or (before the first one) "unknown"."""
    module = sys.modules.get("mdlc_emulator.engine.containers.host")
    found: dict[str, Any] | None = None if module is None else module.status()
    return found or {"isolation": "unknown", "reason": "no job has run yet"}


def _limits_of_containers() -> list[str]:
    """What this machine does not allow containers, in sentences."""
    module = sys.modules.get("mdlc_emulator.engine.containers.host")
    return [] if module is None else module.limits()


def _resident() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
