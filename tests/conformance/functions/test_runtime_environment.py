"""What a function finds around it: variables, file system, user, packages."""

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions

VARIABLES = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"
EPHEMERAL = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-ephemeral-storage.html"
PACKAGES = "https://docs.aws.amazon.com/lambda/latest/dg/python-package.html"
ENVIRONMENT = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"

LOOK = """
import os, sys

def handler(event, context):
    return {"variables": dict(os.environ), "cwd": os.getcwd(), "path": sys.path, "file": __file__,
            "stream": context.log_stream_name, "group": context.log_group_name}
"""


@pytest.mark.source(VARIABLES)
def test_the_reserved_variables_are_set(functions: Functions) -> None:
    name = functions.make(LOOK, MemorySize=256)
    seen = functions.invoke(name).payload
    variables = seen["variables"]
    assert variables["_HANDLER"] == "index.handler"
    assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == functions.aws.region
    assert variables["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert variables["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"
    assert variables["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
    assert variables["AWS_LAMBDA_LOG_GROUP_NAME"] == seen["group"] == f"/aws/lambda/{name}"
    assert variables["AWS_LAMBDA_LOG_STREAM_NAME"] == seen["stream"]
    assert variables["LAMBDA_TASK_ROOT"] == "/var/task"
    assert variables["LAMBDA_RUNTIME_DIR"] == "/var/runtime"
    assert variables["TZ"] == ":UTC"
    assert variables["AWS_XRAY_CONTEXT_MISSING"] == "LOG_ERROR"
    assert ":" in variables["AWS_XRAY_DAEMON_ADDRESS"]
    assert ":" in variables["AWS_LAMBDA_RUNTIME_API"]
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} <= set(variables)


@pytest.mark.source(VARIABLES)
def test_the_unreserved_variables_have_lambdas_defaults_and_can_be_set(functions: Functions) -> None:
    name = functions.make(LOOK)
    variables = functions.invoke(name).payload["variables"]
    assert variables["LANG"] == "en_US.UTF-8"
    assert variables["PATH"] == "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"
    assert variables["LD_LIBRARY_PATH"] == (
        "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
    )
    other = functions.make(LOOK, Environment={"Variables": {"LANG": "C", "MINE": "ä b"}})
    variables = functions.invoke(other).payload["variables"]
    assert variables["LANG"] == "C"
    assert variables["MINE"] == "ä b"


@pytest.mark.source(VARIABLES)
def test_nothing_of_the_machine_leaks_into_the_environment(functions: Functions) -> None:
    name = functions.make(LOOK)
    variables = functions.invoke(name).payload["variables"]
    foreign = {"HOME", "USER", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST", "LOCALSTACK_HOSTNAME", "EDGE_PORT"}
    assert not foreign & set(variables)
    assert not [key for key in variables if key.startswith(("LOCALSTACK", "GATEWAY", "MDLC", "UV_"))]


@pytest.mark.source(VARIABLES)
def test_variables_that_python_reads_at_its_start_count(functions: Functions) -> None:
    code = "import sys\ndef handler(event, context): return [sys.flags.optimize, hash('a') == hash('a')]"
    name = functions.make(code, Environment={"Variables": {"PYTHONOPTIMIZE": "2"}})
    assert functions.invoke(name).payload == [2, True]


@pytest.mark.source(VARIABLES)
def test_a_library_path_of_the_users_own_is_no_obstacle(functions: Functions) -> None:
    code = "import os\ndef handler(event, context): return os.environ['LD_LIBRARY_PATH']"
    name = functions.make(code, Environment={"Variables": {"LD_LIBRARY_PATH": "/opt/mine"}})
    answer = functions.invoke(name)
    assert (answer.error, answer.payload) == (None, "/opt/mine")


@pytest.mark.source(VARIABLES)
@pytest.mark.parametrize("variable", ["AWS_REGION", "_HANDLER", "LAMBDA_TASK_ROOT", "AWS_ACCESS_KEY_ID"])
def test_the_reserved_variables_cannot_be_set(functions: Functions, aws: Aws, variable: str) -> None:
    client = aws.client("lambda")
    setting = {"Environment": {"Variables": {variable: "x", "MINE": "y"}}}
    with pytest.raises(client.exceptions.InvalidParameterValueException) as caught:
        functions.make(LOOK, **setting)
    message = caught.value.response["Error"]["Message"]
    assert message.endswith(f"Reserved keys used in this request: {variable}")
    name = functions.make(LOOK)
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        client.update_function_configuration(FunctionName=name, **setting)


@pytest.mark.source(PACKAGES)
def test_code_comes_before_layers_before_the_runtimes_packages(functions: Functions) -> None:
    seen = functions.invoke(functions.make(LOOK)).payload
    path = seen["path"]
    assert seen["cwd"] == "/var/task"
    assert seen["file"] == "/var/task/index.py"
    assert path[0] == "/var/task"
    assert path.index("/opt/python") < path.index("/var/runtime")
    assert path.index("/opt/python/lib/python3.13/site-packages") < path.index("/var/runtime")


@pytest.mark.source(PACKAGES)
def test_only_the_standard_library_and_the_sdk_can_be_imported(functions: Functions) -> None:
    code = """
    import importlib.util
    def handler(event, context):
        return [name for name in event if importlib.util.find_spec(name)]
    """
    wanted = ["boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3", "json", "sqlite3"]
    absent = ["localstack", "mdlc_emulator", "requests", "moto", "werkzeug", "pip", "setuptools", "yaml"]
    assert functions.invoke(functions.make(code), wanted + absent).payload == wanted


@pytest.mark.source(PACKAGES)
def test_a_function_that_brings_its_own_sdk_sees_its_own(functions: Functions) -> None:
    files: dict[str, str | bytes] = {
        "index.py": """
        import boto3, urllib3
        def handler(event, context):
            return [boto3.__version__, boto3.__file__, urllib3.__file__]
        """,
        "boto3/__init__.py": "__version__ = 'mine'",
    }
    answer = functions.invoke(functions.make(files)).payload
    assert answer == ["mine", "/var/task/boto3/__init__.py", "/var/runtime/urllib3/__init__.py"]


@pytest.mark.source(PACKAGES)
def test_a_module_of_the_function_shadows_one_of_the_library(functions: Functions) -> None:
    files: dict[str, str | bytes] = {
        "index.py": "import secrets\ndef handler(event, context): return secrets.__file__",
        "secrets.py": "",
    }
    assert functions.invoke(functions.make(files)).payload == "/var/task/secrets.py"


@pytest.mark.source(PACKAGES)
def test_code_cannot_be_written(functions: Functions) -> None:
    code = """
    import os
    def handler(event, context):
        failures = []
        for path in event:
            try:
                open(path, "a").close()
            except OSError as error:
                failures.append(error.strerror in ("Read-only file system", "Permission denied"))
        return failures
    """
    paths = ["/var/task/new", "/var/task/index.py", "/opt/new", "/var/runtime/new", "/new", "/usr/new"]
    assert functions.invoke(functions.make(code), paths).payload == [True] * 6


@pytest.mark.source(EPHEMERAL)
def test_tmp_holds_what_is_configured_and_no_more(functions: Functions) -> None:
    code = """
    import os
    def handler(event, context):
        size = os.statvfs("/tmp")
        try:
            with open("/tmp/fill", "wb") as file:
                for _ in range(600):
                    file.write(bytes(1 << 20))
                file.flush()
            failed = None
        except OSError as error:
            failed = error.strerror
        written = os.path.getsize("/tmp/fill") >> 20
        os.unlink("/tmp/fill")
        return [size.f_blocks * size.f_frsize >> 20, failed, written]
    """
    name = functions.make(code, MemorySize=512, Timeout=30)
    assert functions.invoke(name).payload == [512, "No space left on device", 512]
    larger = functions.make(code, EphemeralStorage={"Size": 1024}, MemorySize=512, Timeout=30)
    assert functions.invoke(larger).payload == [1024, None, 600]


@pytest.mark.source(ENVIRONMENT)
def test_tmp_belongs_to_one_environment_and_stays_while_it_is_warm(functions: Functions) -> None:
    code = """
    import os
    def handler(event, context):
        before = os.listdir("/tmp")
        open(f"/tmp/{event}", "w").close()
        return before
    """
    one, other = functions.make(code), functions.make(code)
    assert functions.invoke(one, "a").payload == []
    assert functions.invoke(other, "b").payload == []
    assert functions.invoke(one, "c").payload == ["a"]


@pytest.mark.source(ENVIRONMENT)
def test_functions_run_as_lambdas_user_and_see_no_other_processes(functions: Functions) -> None:
    code = """
    import os, pwd
    def handler(event, context):
        user = pwd.getpwuid(os.getuid())
        processes = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        homes = os.listdir("/root") if os.path.isdir("/root") else []
        return [user.pw_name, user.pw_dir, os.access("/etc/shadow", os.R_OK), len(processes) <= 3, homes]
    """
    answer = functions.invoke(functions.make(code)).payload
    assert answer == ["sbx_user1051", "/home/sbx_user1051", False, True, []]


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html")
def test_1024_files_can_be_open(functions: Functions) -> None:
    code = "import resource\ndef handler(event, context): return resource.getrlimit(resource.RLIMIT_NOFILE)"
    assert functions.invoke(functions.make(code)).payload == [1024, 1024]


@pytest.mark.source(VARIABLES)
def test_the_sdk_in_a_function_reaches_aws_with_the_credentials_of_its_role(functions: Functions) -> None:
    code = """
    import boto3
    def handler(event, context):
        identity = boto3.client("sts").get_caller_identity()
        return identity["Arn"]
    """
    name = functions.make(code)
    role = functions.role_arn.rpartition("/")[2]
    answer = functions.invoke(name)
    assert f":assumed-role/{role}/{name}" in answer.payload
