"""A plain `chalice deploy` passes strict mode: all that it asks for is really done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3
from mdlc_emulator.launcher import start

APP = """
from chalice import Chalice
app = Chalice(app_name="strict")

@app.route("/health", cors=True)
def health():
    return {"ok": True}

@app.schedule("rate(1 hour)")
def hourly(event):
    pass
"""


@pytest.mark.long
def test_chalice_deploys_to_a_strict_emulator(tmp_path: Path):
    (tmp_path / ".chalice").mkdir()
    stages = {"local": {"api_gateway_stage": "api", "autogen_policy": True}}
    config = {"version": "2.0", "app_name": "strict", "stages": stages}
    (tmp_path / ".chalice/config.json").write_text(json.dumps(config))
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "requirements.txt").write_text("")
    instance = start(settings={"MDLC_STRICT": "1"})
    try:
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": instance.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        chalice = [str(Path(sys.executable).with_name("chalice")), "deploy", "--stage", "local"]
        for _ in range(2):  # made, then updated
            done = subprocess.run(chalice, cwd=tmp_path, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
        deployed = json.loads((tmp_path / ".chalice/deployed/local.json").read_text())["resources"]
        (api,) = [one["rest_api_id"] for one in deployed if one["name"] == "rest_api"]
        answer = urllib3.request(
            "GET", f"{instance.endpoint_url}/_aws/execute-api/{api}/api/health", timeout=30
        )
        assert (answer.status, answer.json()) == (200, {"ok": True})
        totals = urllib3.request("GET", f"{instance.endpoint_url}/_mdlc/fidelity").json()["totals"]
        assert totals["executed"] > 10
        assert totals["simulated"] == totals["unsupported"] == 0
    finally:
        instance.stop()
