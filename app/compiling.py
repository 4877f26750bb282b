"""The build step that turns declarations into what Lambdas read. Run by `mdlc package`."""

import importlib.util
import sys
from pathlib import Path

import msgspec

from app.compiled import COMPILED, DECLARATIONS, CompiledLifecycle, declared, source_digest
from app.declaring import DeclarationError
from app.lifecycle import Lifecycle


def compile_all(declarations: Path = DECLARATIONS, compiled: Path = COMPILED) -> dict[str, CompiledLifecycle]:
    """Compile every declaration, write the forms that changed, remove those of declarations that are gone.

    Raises DeclarationError for a file that does not declare `lifecycle`, or one of another name.
    """
    lifecycles = {path.stem: _compile(path) for path in declared(declarations)}
    for name, lifecycle in lifecycles.items():
        _write(
            compiled / f"{name}.json",
            msgspec.json.format(msgspec.json.encode(lifecycle, order="deterministic")),
        )
    for path in compiled.glob("*.json"):
        if path.stem not in lifecycles:
            path.unlink()
    return lifecycles


def _compile(path: Path) -> CompiledLifecycle:
    digest = source_digest(path)
    spec = importlib.util.spec_from_file_location(f"app.lifecycles.{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # pandera resolves a contract's annotations through its module.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    lifecycle = getattr(module, "lifecycle", None)
    if not isinstance(lifecycle, Lifecycle):
        raise DeclarationError(f"{path}: declares no lifecycle; write `lifecycle = Lifecycle(...)`.")
    if lifecycle.name != path.stem:
        raise DeclarationError(
            f"{path}: the lifecycle is called {lifecycle.name!r}; call it {path.stem!r},"
            f" or the file {lifecycle.name}.py."
        )
    return lifecycle.compiled(digest)


def _write(path: Path, content: bytes) -> None:
    """Leave a file that is right alone: its time decides what is built again."""
    content += b"\n"
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)


if __name__ == "__main__":
    compile_all()
