"""`python -m mdlc_emulator.images.catalog_derive DIRECTORY`: write catalog.json from the SDK's own tables.

DIRECTORY holds sagemaker-core as `pip install --no-deps --target DIRECTORY sagemaker-core==VERSION` puts it
there; its folder sagemaker/core/image_uri_config has a JSON file for each framework and algorithm, with
scopes, in these versions, and in these a repository, parts of the tag, and an account for each region.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mdlc_emulator.images.catalog import FILE

PACKAGE = "sagemaker-core"
_BASE = ("pytorch", "tensorflow")


def derive(directory: Path) -> dict[str, Any]:
    """The catalog's content: {"source": PACKAGE and its version, "registries": [{region: account}],
    "repositories": {repository: [{"framework", "registries": index, "tags": [how a tag begins]}]}}."""
    (described,) = directory.glob("sagemaker_core-*.dist-info")
    version = described.name.removeprefix("sagemaker_core-").removesuffix(".dist-info")
    registries: list[Mapping[str, str]] = []
    repositories: dict[str, dict[tuple[str, int], set[str]]] = {}
    for path in sorted((directory / "sagemaker" / "core" / "image_uri_config").glob("*.json")):
        for tag, image in _images(json.loads(path.read_text(encoding="utf-8"))):
            if image["registries"] not in registries:
                registries.append(image["registries"])
            key = (path.stem, registries.index(image["registries"]))
            repositories.setdefault(image["repository"], {}).setdefault(key, set()).add(tag)
    return {
        "source": f"{PACKAGE} {version}",
        "registries": registries,
        "repositories": {
            repository: [
                {"framework": framework, "registries": index, "tags": sorted(tags)}
                for (framework, index), tags in entries.items()
            ]
            for repository, entries in sorted(repositories.items())
        },
    }


def _images(content: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """How the tag begins, and the entry, of every image in one of the SDK's files."""
    if "versions" not in content:
        for scope in content.values():
            if isinstance(scope, Mapping):
                yield from _images(scope)
        return
    aliases: Mapping[str, str] = content.get("version_aliases", {})
    for version, below in content["versions"].items():
        for tag in (version, *(alias for alias, meant in aliases.items() if meant == version)):
            yield from _of_version(tag, below)


def _of_version(tag: str, content: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if "repository" in content:
        yield content.get("tag_prefix", tag), content
        return
    for key, below in content.items():
        if not isinstance(below, Mapping) or key == "version_aliases":
            continue
        # Below a version of transformers stands what it is built on, pytorch2.1.0; else a Python version.
        base = next((key.removeprefix(name) for name in _BASE if key.startswith(name)), None)
        yield from _of_version(tag if base is None else f"{base}-transformers{tag}", below)


def text_of(catalog: Mapping[str, Any]) -> str:
    """How catalog.json holds it: a repository a line."""
    registries = ",\n".join(json.dumps(table, separators=(",", ":")) for table in catalog["registries"])
    repositories = ",\n".join(
        f"{json.dumps(name)}:{json.dumps(entries, separators=(',', ':'))}"
        for name, entries in catalog["repositories"].items()
    )
    source = json.dumps(catalog["source"])
    return (
        f'{{"source":{source},\n"registries":[\n{registries}\n],\n"repositories":{{\n{repositories}\n}}}}\n'
    )


if __name__ == "__main__":
    FILE.write_text(text_of(derive(Path(sys.argv[1]))), encoding="utf-8")
