"""The layer of the stages that run on AWS's arm64, built from here."""

import zipfile

import pytest

from cli.deploy_project import Project
from cli.package_layer import build_layer, layer_path

MIB = 2**20
AARCH64 = 183
"""ELF's number of the machine."""


@pytest.mark.long
def test_every_library_in_it_is_for_arm64(project: Project) -> None:
    assert build_layer(project, "dev")
    path = layer_path(project, "dev")
    assert path.name.endswith("-arm64.zip")
    assert path.stat().st_size < 50 * MIB
    archive = zipfile.ZipFile(path)
    assert sum(info.file_size for info in archive.infolist()) < 250 * MIB
    libraries = [name for name in archive.namelist() if ".so" in name.rsplit("/", 1)[-1]]
    assert len(libraries) > 5
    for name in libraries:
        header = archive.open(name).read(20)
        assert header[:4] == b"\x7fELF"
        assert int.from_bytes(header[18:20], "little") == AARCH64, name


@pytest.mark.long
def test_building_it_again_gives_the_same_bytes(project: Project) -> None:
    build_layer(project, "dev")
    path = layer_path(project, "dev")
    first = path.read_bytes()
    path.unlink()
    build_layer(project, "dev")
    assert path.read_bytes() == first
