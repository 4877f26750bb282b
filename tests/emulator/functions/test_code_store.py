"""Each content is unpacked once, however many versions use it, and removed with the last."""

import io
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest
from mdlc_emulator.engine.functions.archives import ArchiveError
from mdlc_emulator.engine.functions.code_store import CodeStore, Package


@pytest.fixture(autouse=True)
def own_temporary_directory(tmp_path: Path) -> Iterator[None]:
    import tempfile

    before, tempfile.tempdir = tempfile.tempdir, str(tmp_path)
    yield
    tempfile.tempdir = before


class Source:
    """A package of one file that counts how often it is fetched."""

    def __init__(self, name: str, content: str) -> None:
        self.fetched = 0
        self._lock = threading.Lock()
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(name, content)
        self._zip = file.getvalue()
        self.package = Package(f"{name}={content}", self._write)

    def _write(self, file: IO[bytes]) -> None:
        with self._lock:
            self.fetched += 1
        file.write(self._zip)


def test_the_same_content_is_unpacked_once_also_by_many_at_a_time() -> None:
    store, source = CodeStore(), Source("a.py", "1")
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: store.acquire([source.package]), range(8)))
    assert len(set(paths)) == 1
    assert (paths[0] / "a.py").read_text() == "1"
    assert source.fetched == 1


def test_it_stays_until_the_last_user_gives_it_back() -> None:
    store, source = CodeStore(), Source("a.py", "1")
    path = store.acquire([source.package])
    store.acquire([source.package])
    store.release([source.package])
    assert path.exists()
    store.release([source.package])
    assert not path.exists()
    assert list(path.parent.iterdir()) == []
    assert store.acquire([source.package]).exists()


def test_packages_are_merged_in_order() -> None:
    store = CodeStore()
    one, two = Source("a.py", "1"), Source("a.py", "2")
    assert (store.acquire([one.package, two.package]) / "a.py").read_text() == "2"
    assert (store.acquire([two.package, one.package]) / "a.py").read_text() == "1"


def test_a_harmful_archive_leaves_nothing_behind(tmp_path: Path) -> None:
    store, source = CodeStore(), Source("../a.py", "1")
    for _ in range(2):
        with pytest.raises(ArchiveError):
            store.acquire([source.package])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    store.release([source.package])
