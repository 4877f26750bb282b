"""The engine's environment variables: the caller's own, without what would mislead LocalStack."""

from collections.abc import Mapping
from pathlib import Path

# A virtual environment that is active at the caller's says nothing about the engine's interpreter; without
# bytecode it starts four times slower.
_PYTHON = (
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONSTARTUP",
    "PYTHONWARNINGS",
    "VIRTUAL_ENV",
)
_NO_PROXY = "localhost,127.0.0.1,::1"


def engine_environment(
    caller: Mapping[str, str], *, port: int, home: Path, settings: Mapping[str, str]
) -> dict[str, str]:
    """`caller` (an os.environ) made fit for an engine on `port` that lives in `home`; `settings` come last.

    AWS_* is dropped: the engine is AWS, and a profile or endpoint of the caller's would turn its own clients
    elsewhere. LocalStack's own settings (DEBUG, LS_LOG, ...) pass through.
    """
    kept = {
        name: value
        for name, value in caller.items()
        if not name.startswith(("AWS_", "PYTEST_", "COV_")) and name not in _PYTHON
    }
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = ",".join(filter(None, (kept.get(name), _NO_PROXY)))
    # glibc gives each of many threads a heap of its own: 26 MB after a dozen services.
    kept.setdefault("MALLOC_ARENA_MAX", "2")
    return {
        **kept,
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "LOCALSTACK_HOST": f"localhost:{port}",
        "TMPDIR": str(home / "tmp"),
        "FILESYSTEM_ROOT": str(home / "fs"),
        "PYTHONUNBUFFERED": "1",
        **settings,
    }
