"""SageMaker and Batch are known to the engine by botocore's newest models, the others by LocalStack's."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.environments import models
from mdlc_emulator.launcher.interpreter import engine_python

ASK = """
import json
from mdlc_emulator.engine import newer_models
newer_models.install()
import botocore.session
from localstack.aws.spec import load_service
session = botocore.session.get_session()
said = {
    name: [len(load_service(name).operation_names), len(session.get_service_model(name).operation_names)]
    for name in ("batch", "sagemaker", "sagemaker-metrics", "sagemaker-runtime", "sqs")
}
loader = session.get_component("data_loader").__class__()
said["older"] = len(newer_models._stock(loader, "sagemaker", "service-2")["operations"])
print(json.dumps(said))
"""


def engine(program: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "FILESYSTEM_ROOT": str(tmp_path / "fs")}
    python = engine_python(lambda _: None)
    return subprocess.run(
        [python, "-c", program], env=environment, capture_output=True, text=True, check=False
    )


def test_the_gateway_and_the_engine_s_own_clients_know_what_the_application_s_botocore_knows(
    tmp_path: Path,
) -> None:
    import botocore.session

    ours = botocore.session.get_session()
    said = json.loads(engine(ASK, tmp_path).stdout)
    for service in models.SERVICES:
        newest = len(ours.get_service_model(service).operation_names)
        assert said[service] == [newest, newest], service
    assert said["older"] < said["sagemaker"][0], "LocalStack's own botocore has caught up: drop the group"


def test_an_operation_that_only_the_newer_model_has_finds_its_service(aws: Any) -> None:
    """An answer of SageMaker's, not of a gateway that cannot place the request."""
    with pytest.raises(ClientError) as refused:
        aws.client("sagemaker").describe_ai_benchmark_job(AIBenchmarkJobName="none")
    assert refused.value.response["Error"]["Code"] == "UnsupportedByEmulator"
    assert "DescribeAIBenchmarkJob" in refused.value.response["Error"]["Message"]


def test_models_that_cannot_be_installed_are_told_with_the_way_out(tmp_path: Path) -> None:
    program = f"""
import sys
from mdlc_emulator.engine import newer_models
from mdlc_emulator.environments import installed
from pathlib import Path
installed.PROJECT, sys.prefix = Path("/nowhere"), {str(tmp_path)!r}
installed.shutil.which = installed.importlib.util.find_spec = lambda name: None
newer_models.install()
from localstack.aws.spec import load_service
load_service("sqs")
try:
    load_service("sagemaker")
except installed.SetupError as error:
    print(error)
"""
    done = engine(program, tmp_path)
    assert "The packages that describe SageMaker and Batch" in done.stdout, done.stderr
    assert "run `make setup`" in done.stdout
