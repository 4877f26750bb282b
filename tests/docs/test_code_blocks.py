"""Every code block of the README and of the docs runs, in the order of its page, against one emulator.

`sh` blocks run in bash, `python` blocks in a Python of their own, both in a scratch folder (`root` after the
language: in the checkout) with the environment that `mdlc env` gives. `long` after the language leaves the
block to `make test-long`. Other languages (`text`, `console`, `json`, ...) are output and are not run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mdlc_emulator.launcher import Instance

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<code>.*?)^```\s*$", re.MULTILINE | re.DOTALL)
RUN = {"sh", "python"}
OUTPUT = {"text", "console", "json", "toml", "yaml", "dockerfile", "makefile", "html", "mermaid", "http"}


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    language: str
    marks: frozenset[str]
    code: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "emulator/README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for match in FENCE.finditer(text):
        language, *marks = match["info"].split() or [""]
        line = text.count("\n", 0, match.start()) + 1
        yield Block(page, line, language, frozenset(marks), match["code"])


def pages_with(long: bool) -> list[Any]:
    chosen = [
        page
        for page in pages()
        if any(b.language in RUN and ("long" in b.marks) is long for b in blocks(page))
    ]
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in chosen]


@pytest.fixture
def environment(emulator: Instance, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}",
        "AWS_ENDPOINT_URL": emulator.endpoint_url,
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "MDLC_PORT": str(emulator.port),
        "MDLC_ROOT": str(ROOT),
    }


def run(block: Block, environment: dict[str, str], folder: Path) -> None:
    command = ["bash", "-euo", "pipefail", "-c", block.code]
    if block.language == "python":
        command = [sys.executable, "-c", block.code]
    done = subprocess.run(
        command,
        cwd=ROOT if "root" in block.marks else folder,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{block.place} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", pages_with(long=False))
def test_the_code_blocks_of_a_page_run(page: Path, environment: dict[str, str], tmp_path: Path) -> None:
    for block in blocks(page):
        if block.language in RUN and "long" not in block.marks:
            run(block, environment, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("page", pages_with(long=True))
def test_the_long_code_blocks_of_a_page_run(page: Path, environment: dict[str, str], tmp_path: Path) -> None:
    for block in blocks(page):
        if block.language in RUN and "long" in block.marks:
            run(block, environment, tmp_path)


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages()])
def test_every_code_block_says_whether_it_runs(page: Path) -> None:
    unclear = [block.place for block in blocks(page) if block.language not in RUN | OUTPUT]
    assert unclear == []


def test_every_relative_link_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)} -> {target}"
        for page in [*pages(), *sorted((ROOT / "docs/adr").glob("*.md")), ROOT / "CONTRIBUTING.md"]
        for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []
