"""requirements.txt: what goes into Lambda, exported from uv.lock with hashes, for Chalice and for us."""

from pathlib import Path

from cli.package_uv import run_uv

HEADER = "# Exported from uv.lock (group `lambda`) by `make requirements`: do not edit.\n"


def export(root: Path) -> bool:
    """Write requirements.txt from the lock; whether it changed."""
    options = ("--only-group", "lambda", "--no-emit-project", "--no-annotate", "--no-header", "--frozen")
    text = HEADER + run_uv(root, "export", "--quiet", "--format", "requirements.txt", *options)
    path = root / "requirements.txt"
    if path.exists() and path.read_text() == text:
        return False
    path.write_text(text)
    return True
