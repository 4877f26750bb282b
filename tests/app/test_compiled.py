"""Lambdas read the compiled form, and refuse one that does not belong to its source."""

import json
import shutil
from pathlib import Path

import pytest

from app.compiled import COMPILED, DECLARATIONS, CompiledLifecycle, StaleLifecycleError, load
from app.compiling import compile_all


@pytest.fixture
def folders(tmp_path: Path, compiled: dict[str, CompiledLifecycle]) -> tuple[Path, Path]:
    """Copies of the compiled forms and declarations, with the compiler beside them as in the application."""
    for folder in (COMPILED, DECLARATIONS):
        shutil.copytree(folder, tmp_path / folder.name)
    for path in COMPILED.parent.glob("*.py"):
        shutil.copy(path, tmp_path)
    return tmp_path / "compiled", tmp_path / "lifecycles"


def test_what_is_compiled_is_what_is_loaded(compiled: dict[str, CompiledLifecycle]) -> None:
    assert load() == compiled
    assert set(compiled) >= {"flights", "retail"}


def test_flights_in_compiled_form(compiled: dict[str, CompiledLifecycle]) -> None:
    source = compiled["flights"].source
    columns = {column.name: column for column in source.columns}
    assert len(columns) == 19
    assert (source.stream, source.event_time, source.entity) == (
        "flights",
        "time_hour",
        ("carrier", "flight", "origin"),
    )
    assert (columns["time_hour"].type, columns["dep_delay"].type, columns["dep_delay"].nullable) == (
        "datetime",
        "int64",
        True,
    )
    assert [(check.kind, check.value) for check in columns["origin"].checks] == [
        ("one_of", ["EWR", "JFK", "LGA"])
    ]


def test_compiling_again_writes_nothing(folders: tuple[Path, Path]) -> None:
    compiled, declarations = folders
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in compiled.glob("*.json")}
    compile_all(declarations, compiled)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in compiled.glob("*.json")} == before


def test_a_changed_declaration_is_refused_with_how_to_build_it(folders: tuple[Path, Path]) -> None:
    compiled, declarations = folders
    with (declarations / "flights.py").open("a") as file:
        file.write("# changed\n")
    with pytest.raises(
        StaleLifecycleError, match=r"flights\.py has changed since it was compiled. Run `mdlc package`"
    ):
        load(compiled, declarations)


def test_a_changed_compiler_makes_all_of_them_stale(folders: tuple[Path, Path]) -> None:
    compiled, declarations = folders
    (declarations.parent / "contract.py").write_text("# another\n")
    with pytest.raises(StaleLifecycleError, match="has changed since"):
        load(compiled, declarations)


def test_line_ends_of_the_checkout_do_not_matter(folders: tuple[Path, Path]) -> None:
    compiled, declarations = folders
    path = declarations / "flights.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert "flights" in load(compiled, declarations)


def test_a_declaration_never_compiled_is_refused(folders: tuple[Path, Path]) -> None:
    compiled, declarations = folders
    (compiled / "retail.json").unlink()
    with pytest.raises(StaleLifecycleError, match=r"retail\.py has not been compiled"):
        load(compiled, declarations)


@pytest.mark.parametrize("damage", [{"format": 0}, {"unknown": 1}, {"source": None}])
def test_a_form_of_another_version_is_refused(folders: tuple[Path, Path], damage: dict[str, object]) -> None:
    compiled, declarations = folders
    path = compiled / "flights.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    with pytest.raises(StaleLifecycleError, match="another version"):
        load(compiled, declarations)


def test_the_form_of_a_removed_declaration_goes_with_it(folders: tuple[Path, Path]) -> None:
    compiled, declarations = folders
    (declarations / "retail.py").unlink()
    compile_all(declarations, compiled)
    assert sorted(path.name for path in compiled.glob("*.json")) == ["flights.json"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1\n", "declares no lifecycle"),
        ("from app.lifecycles.flights import lifecycle\n", "call it 'orders', or the file flights.py"),
    ],
)
def test_a_file_declares_one_lifecycle_of_its_own_name(
    folders: tuple[Path, Path], text: str, says: str
) -> None:
    compiled, declarations = folders
    (declarations / "orders.py").write_text(text)
    with pytest.raises(ValueError, match=says):
        compile_all(declarations, compiled)
