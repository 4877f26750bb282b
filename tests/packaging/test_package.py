"""What an unmodified `chalice package` makes: small enough, whole, and every handler in it can be
imported."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore
import pytest
import yaml

from cli.deploy_project import LOCAL, Project
from cli.package import build

# One package for all of them.
pytestmark = pytest.mark.xdist_group("package")

MIB = 2**20
ZIPPED, UNZIPPED = 50 * MIB, 250 * MIB
SITE_PACKAGES = "python/lib/python3.13/site-packages"
CHALICE = Path(sys.executable).with_name("chalice")

# What Lambda's runtime brings along in /var/runtime, and nothing else.
RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")

# Where Lambda looks, in its order: the function's own code, the layers, the runtime.
PREAMBLE = "import sys; sys.path[:0] = [{task!r}, {opt!r}, {runtime!r}]\n"


@dataclass(frozen=True)
class Package:
    """The output of `chalice package`, unpacked as Lambda does it."""

    output: Path
    task: Path
    opt: Path
    runtime: Path
    said: str

    @property
    def template(self) -> dict[str, Any]:
        template: dict[str, Any] = yaml.safe_load((self.output / "sam.yaml").read_text())
        return template

    def zips(self) -> list[zipfile.ZipFile]:
        return [zipfile.ZipFile(path) for path in sorted(self.output.glob("*.zip"))]

    def run(self, program: str) -> str:
        """Run `program` in a fresh interpreter that sees only the package; its output."""
        paths = {"task": str(self.task), "opt": str(self.opt / SITE_PACKAGES), "runtime": str(self.runtime)}
        code = PREAMBLE.format(**paths) + program
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", code],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={"MDLC_STAGE": LOCAL},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def package(copy_project: Callable[[], Project], tmp_path_factory: pytest.TempPathFactory) -> Package:
    project = copy_project()
    build(project, LOCAL)
    output = project.root / "build" / "package"
    done = subprocess.run(
        [CHALICE, "package", "--stage", LOCAL, "--merge-template", "workflows/sam.yaml",
         "--template-format", "yaml", str(output)],
        cwd=project.root, capture_output=True, text=True, check=False,
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    unpacked = tmp_path_factory.mktemp("lambda")
    for name, zipped in (("task", "deployment.zip"), ("opt", "layer-deployment.zip")):
        zipfile.ZipFile(output / zipped).extractall(unpacked / name)
    runtime = unpacked / "runtime"
    runtime.mkdir()
    for name in RUNTIME:
        (runtime / name).symlink_to(Path(botocore.__file__).parents[1] / name)
    return Package(output, unpacked / "task", unpacked / "opt", runtime, done.stdout)


def functions(package: Package) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in package.template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def test_chalice_takes_the_zips_that_were_built_before(package: Package) -> None:
    assert "Reusing existing shared layer deployment package." in package.said
    assert "Reusing existing app deployment package." in package.said


def test_it_fits_lambdas_limits(package: Package) -> None:
    for archive in package.zips():
        assert Path(str(archive.filename)).stat().st_size < ZIPPED, "too large for a direct upload"
    unzipped = sum(info.file_size for archive in package.zips() for info in archive.infolist())
    assert unzipped < UNZIPPED


def test_every_handler_can_be_imported(package: Package) -> None:
    handlers = {name: properties["Handler"] for name, properties in functions(package).items()}
    assert sorted(handlers) == ["APIHandler", "InspectStage", "RegisterLifecycle"]
    for handler in handlers.values():
        module, _, attribute = handler.rpartition(".")
        program = (
            f"import importlib; module = importlib.import_module({module!r})\n"
            f"assert callable(getattr(module, {attribute!r}))\n"
            "import app; print(app.__file__, app.__path__[0], module.__file__)"
        )
        shim, path, _ = package.run(program).split()
        assert (shim, path) == (str(package.task / "app.py"), str(package.task / "chalicelib"))


def test_the_api_answers_from_the_package(package: Package) -> None:
    event = {
        "requestContext": {"resourcePath": "/lifecycles", "httpMethod": "GET", "requestId": "r-1"},
        "headers": {}, "multiValueHeaders": {}, "pathParameters": {}, "stageVariables": None, "body": None,
        "isBase64Encoded": False, "multiValueQueryStringParameters": None, "path": "/lifecycles",
    }  # fmt: skip
    program = f"import app, json; print('ANSWER', json.dumps(app.app({event!r}, None)))"
    (line,) = [line for line in package.run(program).splitlines() if line.startswith("ANSWER ")]
    answer = json.loads(line.removeprefix("ANSWER "))
    assert answer["statusCode"] == 200
    assert answer["headers"]["X-Request-Id"] == "r-1"
    assert [lifecycle["name"] for lifecycle in json.loads(answer["body"])["lifecycles"]] == [
        "flights",
        "retail",
    ]


def test_a_model_can_be_run_from_the_package(package: Package) -> None:
    """What the layer leaves out is not needed for inference: y = x + x, by onnxruntime and numpy."""
    program = (
        "import numpy, onnxruntime, msgspec, datasketches, aws_lambda_powertools\n"
        f"session = onnxruntime.InferenceSession(bytes.fromhex({doubling_model().hex()!r}))\n"
        "x = numpy.array([1, 2, 3], numpy.float32)\n"
        "print(session.run(None, {'x': x})[0].tolist())"
    )
    assert package.run(program).strip() == "[2.0, 4.0, 6.0]"


def test_nothing_in_it_is_only_for_jobs_or_tests(package: Package) -> None:
    names = {name for archive in package.zips() for name in archive.namelist()}
    top = {name.removeprefix(f"{SITE_PACKAGES}/").partition("/")[0] for name in names}
    assert not top & {"pandas", "pandera", "dask", "deltalake", "pyarrow", "sympy", "boto3", "bin"}
    assert not [name for name in names if "/tests/" in name or name.endswith(".pyi")]


def test_bytecode_in_the_layer_is_valid_wherever_it_is_unpacked(package: Package) -> None:
    program = "import importlib.util, msgspec; print(msgspec.__cached__)"
    cached = Path(package.run(program).strip())
    flags = int.from_bytes(cached.read_bytes()[4:8], "little")
    assert flags == 0b01, "not of the kind that is never checked against its source"


def test_the_merged_template_passes_cfn_lint(package: Package) -> None:
    lint = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run(
        [lint, package.output / "sam.yaml"], capture_output=True, text=True, check=False, cwd=package.output
    )
    assert done.returncode == 0, done.stdout


def test_the_merged_template_finds_the_definition(package: Package) -> None:
    machine = package.template["Resources"]["RegisterWorkflow"]["Properties"]
    assert (package.output / machine["DefinitionUri"]).resolve().name == "register.asl.json"
    assert (package.output / machine["DefinitionUri"]).exists()


def doubling_model() -> bytes:
    """An ONNX model, written as the protocol buffer that it is: y[3] = x[3] + x[3]."""

    def field(number: int, value: int | str | bytes) -> bytes:
        if isinstance(value, int):
            return bytes([number << 3, value])
        content = value.encode() if isinstance(value, str) else value
        return bytes([number << 3 | 2, len(content)]) + content

    def tensor(name: str) -> bytes:
        shape = field(1, field(1, 3))
        return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))

    node = field(1, "x") + field(1, "x") + field(2, "y") + field(4, "Add")
    graph = field(1, node) + field(2, "double") + field(11, tensor("x")) + field(12, tensor("y"))
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13))
