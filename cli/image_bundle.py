"""What the job image is built from: the Dockerfile's own sources, and a tag that is their digest."""

import hashlib
import io
import shlex
import zipfile
from collections.abc import Iterator
from pathlib import Path

from cli.exits import Exit, MdlcError

DOCKERFILE = "Dockerfile"
BUILDSPEC = Path("workflows") / "buildspec.yml"
_NEVER = {"__pycache__"}


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """(INSTRUCTION, what follows) of each, comments left out and continued lines joined."""
    found: list[tuple[str, str]] = []
    open_line = ""
    for line in dockerfile.splitlines():
        if line.lstrip().startswith("#") or (not line.strip() and not open_line):
            continue
        open_line += line.strip()
        if open_line.endswith("\\"):
            open_line = open_line[:-1].rstrip() + " "
            continue
        word, _, rest = open_line.partition(" ")
        found.append((word.upper(), rest.strip()))
        open_line = ""
    return found


def copied(dockerfile: str) -> list[str]:
    """The sources of every COPY from the context."""
    sources: list[str] = []
    for word, rest in instructions(dockerfile):
        if word == "COPY" and "--from=" not in rest:
            sources += [part for part in shlex.split(rest)[:-1] if not part.startswith("--")]
    return sources


def files(root: Path) -> list[Path]:
    """Every file that goes into the image or says how, relative to `root`, sorted. MdlcError when one that is
    named is missing."""
    dockerfile = root / DOCKERFILE
    if not dockerfile.is_file():
        raise MdlcError(f"{root} has no Dockerfile: there is no image to build.", Exit.USAGE)
    named = [DOCKERFILE, ".dockerignore", *copied(dockerfile.read_text())]
    found = {path for name in named for path in _below(root, name)}
    return sorted(found)


def _below(root: Path, name: str) -> Iterator[Path]:
    path = root / name
    if path.is_file():
        yield Path(name)
    elif path.is_dir():
        for inner in path.rglob("*"):
            if inner.is_file() and not _NEVER & set(inner.parts):
                yield inner.relative_to(root)
    elif name != ".dockerignore":
        raise MdlcError(f"The Dockerfile copies {name}, which {root} does not have: mend one of them.")


def tag(root: Path) -> str:
    """12 hexadecimal digits of what the image is built from: the same content has the same tag."""
    digest = hashlib.sha256()
    for path in files(root):
        content = (root / path).read_bytes()
        digest.update(f"{path.as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def bundle(root: Path) -> bytes:
    """The zip that CodeBuild gets: those files, and the buildspec at its top. Always the same bytes for the
    same content."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for path, source in [*((path, path) for path in files(root)), (Path("buildspec.yml"), BUILDSPEC)]:
            described = zipfile.ZipInfo(path.as_posix(), (2020, 1, 1, 0, 0, 0))
            described.compress_type = zipfile.ZIP_DEFLATED
            described.external_attr = 0o644 << 16
            packed.writestr(described, (root / source).read_bytes())
    return content.getvalue()
