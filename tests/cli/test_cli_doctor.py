"""`mdlc doctor` on this machine, and on ones that lack something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from cli.checks import Verdict, namespaces, own_python

MDLC = Path(sys.executable).with_name("mdlc")


def doctor(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | variables
    return subprocess.run(
        [str(MDLC), "doctor", *arguments], env=environment, capture_output=True, text=True, check=False
    )


def test_every_finding_that_is_not_well_has_its_remedy() -> None:
    done = doctor("--json")
    report = json.loads(done.stdout)
    names = {finding["name"] for finding in report["findings"]}
    assert {"Python", "Engine", "Lambda runtimes", "Port", "Disk", "uv"} <= names
    assert done.returncode == (0 if report["ok"] else 5)
    for finding in report["findings"]:
        assert finding["verdict"] in ("ok", "note", "lacking")
        assert finding["detail"]
        assert finding["verdict"] != "lacking" or finding["remedy"], finding


def test_what_it_says_in_words_is_what_it_says_in_json() -> None:
    words = doctor().stdout
    for finding in json.loads(doctor("--json").stdout)["findings"]:
        assert finding["name"] in words


def test_no_uv_is_a_note_with_a_remedy(tmp_path: Path) -> None:
    report = json.loads(doctor("--json", PATH=str(tmp_path), UV="").stdout)
    (found,) = [finding for finding in report["findings"] if finding["name"] == "uv"]
    assert found["verdict"] in ("note", "ok")
    assert found["verdict"] == "ok" or "make setup" in found["remedy"]


def test_this_python_is_the_one_that_is_needed() -> None:
    assert own_python().verdict is Verdict.OK


def test_namespaces_are_really_tried() -> None:
    """What doctor says is what `unshare` finds out in another way."""
    tried = subprocess.run(["unshare", "-Urm", "true"], capture_output=True, check=False).returncode == 0
    assert (namespaces().verdict is Verdict.OK) == tried
