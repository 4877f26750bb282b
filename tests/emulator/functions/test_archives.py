"""Archives are unpacked as they are, or refused before a byte is written."""

import io
import stat
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mdlc_emulator.engine.functions.archives import ArchiveError, check_archive, unpack

NAMES = st.text("abc._-", min_size=1, max_size=4).filter(lambda name: name.strip("."))
TREES = st.dictionaries(st.tuples(NAMES, NAMES), st.binary(max_size=50), max_size=6)


def archive(entries: list[tuple[str, bytes, int]]) -> io.BytesIO:
    """A zip of (name, content, Unix mode)."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            made.writestr(info, content)
    return file


@settings(deadline=None)
@given(TREES)
def test_what_was_packed_is_unpacked(tree: dict[tuple[str, str], bytes]) -> None:
    file = archive([(f"{folder}/{name}", content, 0o100644) for (folder, name), content in tree.items()])
    assert check_archive(file) is None
    with tempfile.TemporaryDirectory() as target:
        unpack(file, Path(target))
        found = {
            (path.parent.name, path.name): path.read_bytes()
            for path in Path(target).rglob("*")
            if path.is_file()
        }
    assert found == tree


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../escaped", "outside the function's directory"),
        ("a/../../escaped", "outside the function's directory"),
        ("/etc/escaped", "outside the function's directory"),
    ],
)
def test_an_entry_outside_is_refused_and_nothing_is_written(tmp_path: Path, name: str, words: str) -> None:
    file = archive([("good.py", b"", 0o644), (name, b"bad", 0o644)])
    reason = check_archive(file)
    assert reason is not None
    assert reason.startswith("Could not unzip uploaded file.")
    assert words in reason
    target = tmp_path / "inside"
    target.mkdir()
    with pytest.raises(ArchiveError, match="outside"):
        unpack(file, target)
    assert list(target.iterdir()) == []
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("target", ["../../etc", "/etc/passwd", "a/../../x", "/var/task/../../etc"])
def test_a_link_that_leads_outside_is_refused(target: str) -> None:
    reason = check_archive(archive([("link", target.encode(), stat.S_IFLNK | 0o777)]))
    assert reason is not None
    assert "points outside" in reason


def test_links_within_are_kept(tmp_path: Path) -> None:
    entries = [
        ("lib/liba.so.1", b"binary", 0o755),
        ("lib/liba.so", b"liba.so.1", stat.S_IFLNK | 0o777),
        ("absolute", b"/opt/lib/liba.so", stat.S_IFLNK | 0o777),
    ]
    unpack(archive(entries), tmp_path)
    assert (tmp_path / "lib" / "liba.so").read_bytes() == b"binary"
    assert str((tmp_path / "absolute").readlink()) == "/opt/lib/liba.so"


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    entries = [("link", b"sub", stat.S_IFLNK | 0o777), ("link/file", b"", 0o644)]
    reason = check_archive(archive(entries))
    assert reason is not None
    assert "through a symbolic link" in reason


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([("a", b"b", stat.S_IFLNK | 0o777), ("b", b"a", stat.S_IFLNK | 0o777)], "leads back to itself"),
        ([("a", b"/var/task/a", stat.S_IFLNK | 0o777)], "leads back to itself"),
        ([("a", b"", 0o644), ("a/b", b"", 0o644)], "is a file and a directory"),
        ([("a", b"", 0o644), ("a/", b"", 0o755)], "is a file and a directory"),
        ([("x" * 256, b"", 0o644)], "too long"),
        ([("a/" * 1100 + "x", b"", 0o644)], "too long"),
    ],
)
def test_what_no_file_system_can_hold_is_refused(entries: list[tuple[str, bytes, int]], words: str) -> None:
    reason = check_archive(archive(entries))
    assert reason is not None
    assert words in reason


def test_a_file_that_comes_twice_is_the_later_one(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        file = archive([("a", b"first", 0o644), ("a", b"second", 0o644)])
    assert check_archive(file) is None
    unpack(file, tmp_path)
    assert (tmp_path / "a").read_bytes() == b"second"


def test_files_are_readable_by_all_and_executable_where_the_archive_says_so(tmp_path: Path) -> None:
    unpack(archive([("run", b"", 0o700), ("secret", b"", 0o600), ("plain", b"", 0)]), tmp_path)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"run": 0o744, "secret": 0o644, "plain": 0o644}


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 cut off"])
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    assert check_archive(io.BytesIO(content)) is not None


def test_a_later_layer_replaces_an_earlier_one(tmp_path: Path) -> None:
    unpack(archive([("a", b"1", 0o644), ("b", b"1", 0o644)]), tmp_path)
    unpack(archive([("b", b"2", 0o644)]), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"1", "b": b"2"}
