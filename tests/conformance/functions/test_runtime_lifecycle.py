"""Environments: reuse, versions, sub-processes, layers, custom runtimes."""

import json

import pytest

from tests.conformance.conftest import Functions, zipped
from tests.waiting import eventually

LIFECYCLE = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"
LAYERS = "https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html"
WRAPPER = "https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html"
CUSTOM = "https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html"
PROVISIONED = "https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html"


def layer(functions: Functions, name: str, files: dict[str, str | bytes]) -> str:
    """Publish a layer; its version ARN."""
    client = functions.aws.client("lambda")
    made = client.publish_layer_version(LayerName=name, Content={"ZipFile": zipped(files)})
    return str(made["LayerVersionArn"])


@pytest.mark.source(LIFECYCLE)
def test_a_warm_environment_keeps_its_state(functions: Functions) -> None:
    name = functions.make(
        "calls = []\ndef handler(event, context):\n    calls.append(event)\n    return calls"
    )
    assert [functions.invoke(name, n).payload for n in range(3)] == [[0], [0, 1], [0, 1, 2]]


@pytest.mark.source(LIFECYCLE)
def test_new_code_and_new_configuration_start_new_environments(functions: Functions) -> None:
    client = functions.aws.client("lambda")
    code = """
    import os
    calls = []
    def handler(event, context):
        calls.append(1)
        return [len(calls), os.environ.get("A")]
    """
    name = functions.make(code)
    assert functions.invoke(name).payload == [1, None]
    client.update_function_configuration(FunctionName=name, Environment={"Variables": {"A": "b"}})
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert functions.invoke(name).payload == [1, "b"]
    client.update_function_code(
        FunctionName=name, ZipFile=zipped({"index.py": "def handler(*_): return 'new'"})
    )
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert functions.invoke(name).payload == "new"


@pytest.mark.source(LIFECYCLE)
def test_what_a_function_started_does_not_outlive_a_reset(functions: Functions) -> None:
    code = """
    import os, signal, subprocess, time
    def processes():
        return [name for name in os.listdir("/proc") if name.isdigit()]
    def handler(event, context):
        if event == "count":
            return len(processes())
        subprocess.Popen(["sleep", "600"], start_new_session=True)
        subprocess.Popen("sleep 600 & sleep 600", shell=True)
        time.sleep(60)
    """
    name = functions.make(code, Timeout=1)
    before = functions.invoke(name, "count").payload
    assert functions.invoke(name, "leave some").payload["errorType"] == "Sandbox.Timedout"
    assert functions.invoke(name, "count").payload == before


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html")
def test_invocations_at_the_same_time_run_in_environments_of_their_own(functions: Functions) -> None:
    from concurrent.futures import ThreadPoolExecutor

    code = """
    import os, time
    calls = []
    def handler(event, context):
        calls.append(event)
        time.sleep(0.5)
        return [calls, os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]]
    """
    name = functions.make(code)
    functions.aws.client("lambda")
    with ThreadPoolExecutor(5) as pool:
        answers = [answer.payload for answer in pool.map(lambda n: functions.invoke(name, n), range(5))]
    assert [calls for calls, _ in answers] == [[n] for n in range(5)]
    assert len({stream for _, stream in answers}) == 5


@pytest.mark.source(PROVISIONED)
def test_provisioned_environments_are_initialized_beforehand(functions: Functions) -> None:
    client = functions.aws.client("lambda")
    code = """
    import os, time
    born = time.time()
    def handler(event, context):
        return [time.time() - born, os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]]
    """
    name = functions.make(code)
    version = client.publish_version(FunctionName=name)["Version"]
    client.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier=version, ProvisionedConcurrentExecutions=2
    )

    def ready() -> bool:
        state = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier=version)
        return bool(state["Status"] == "READY")

    eventually(ready)
    answer = functions.invoke(name, Qualifier=version)
    assert answer.payload[1] == "provisioned-concurrency"
    assert answer.payload[0] > 0.01
    client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier=version)


@pytest.mark.source(PROVISIONED)
def test_provisioning_fails_when_init_fails(functions: Functions) -> None:
    client = functions.aws.client("lambda")
    name = functions.make("import nowhere")
    version = client.publish_version(FunctionName=name)["Version"]
    client.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier=version, ProvisionedConcurrentExecutions=1
    )

    def failed() -> bool:
        state = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier=version)
        return bool(state["Status"] == "FAILED")

    eventually(failed)


@pytest.mark.source(LAYERS)
def test_layers_are_merged_under_opt_in_their_order(functions: Functions) -> None:
    first = layer(
        functions,
        "conformance-first",
        {
            "python/shared.py": "origin = 'first'",
            "python/only_first.py": "",
            "bin/tool": "#!/bin/sh\necho first",
        },
    )
    second = layer(
        functions,
        "conformance-second",
        {"python/shared.py": "origin = 'second'", "bin/tool": "#!/bin/sh\necho second", "data.txt": "text"},
    )
    code = """
    import only_first, os, shared, subprocess
    def handler(event, context):
        said = subprocess.run(["tool"], capture_output=True, text=True).stdout.strip()
        text = open("/opt/data.txt").read()
        return [shared.origin, shared.__file__, said, text, sorted(os.listdir("/opt"))]
    """
    name = functions.make(code, Layers=[first, second])
    assert functions.invoke(name).payload == [
        "second",
        "/opt/python/shared.py",
        "second",
        "text",
        ["bin", "data.txt", "python"],
    ]
    other = functions.make(code, Layers=[second, first])
    assert functions.invoke(other).payload[:3] == ["first", "/opt/python/shared.py", "first"]


@pytest.mark.source(LAYERS)
def test_code_comes_before_layers(functions: Functions) -> None:
    arn = layer(functions, "conformance-shadow", {"python/shared.py": "origin = 'layer'"})
    files: dict[str, str | bytes] = {
        "index.py": "import shared\ndef handler(*_): return shared.origin",
        "shared.py": "origin = 'code'",
    }
    assert functions.invoke(functions.make(files, Layers=[arn])).payload == "code"


@pytest.mark.source(LAYERS)
def test_packages_may_lie_in_a_site_packages_of_the_runtimes_version(functions: Functions) -> None:
    arn = layer(functions, "conformance-site", {"python/lib/python3.13/site-packages/deep.py": "x = 1"})
    name = functions.make("import deep\ndef handler(*_): return deep.__file__", Layers=[arn])
    assert functions.invoke(name).payload == "/opt/python/lib/python3.13/site-packages/deep.py"


@pytest.mark.source(WRAPPER)
def test_a_wrapper_script_starts_the_runtime(functions: Functions) -> None:
    files: dict[str, str | bytes] = {
        "index.py": "import os, sys\ndef handler(*_): return [os.environ['SEEN'], sys.argv[0], __file__]",
        "wrapper": '#!/bin/sh\nexport SEEN="$*"\nexec "$@"\n',
    }
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"}
    answer = functions.invoke(functions.make(files, Environment={"Variables": variables}))
    assert answer.payload == [
        "/var/lang/bin/python3.13 /var/runtime/bootstrap.py",
        "/var/runtime/bootstrap.py",
        "/var/task/index.py",
    ]


BOOTSTRAP = """#!/bin/bash
set -eu
API="http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime"
while true; do
  HEADERS="$(mktemp)"
  EVENT=$(curl -sS -LD "$HEADERS" "$API/invocation/next")
  ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)
  if [ "$EVENT" = '"fail"' ]; then
    curl -sS "$API/invocation/$ID/error" -H "Lambda-Runtime-Function-Error-Type: My.Error" \\
      -d '{"errorMessage": "as asked", "errorType": "My.Error"}' > /dev/null
  elif [ "$EVENT" = '"stream"' ]; then
    printf 'in chunks' | curl -sS "$API/invocation/$ID/response" -H "Transfer-Encoding: chunked" \\
      -H "Lambda-Runtime-Function-Response-Mode: streaming" -X POST -T - > /dev/null
  else
    ANSWER="{\\"event\\": $EVENT, \\"root\\": \\"$LAMBDA_TASK_ROOT\\"}"
    curl -sS "$API/invocation/$ID/response" -d "$ANSWER" > /dev/null
  fi
done
"""


@pytest.mark.source(CUSTOM)
@pytest.mark.parametrize("runtime", ["provided.al2023", "provided.al2"])
def test_a_custom_runtime_is_its_bootstrap(functions: Functions, runtime: str) -> None:
    name = functions.make({"bootstrap": BOOTSTRAP}, Runtime=runtime, Architectures=[machine()])
    assert functions.invoke(name, {"n": 1}).payload == {"event": {"n": 1}, "root": "/var/task"}
    failed = functions.invoke(name, "fail")
    assert failed.error == "Unhandled"
    assert failed.payload == {"errorMessage": "as asked", "errorType": "My.Error"}
    assert functions.invoke(name, {"n": 2}).payload["event"] == {"n": 2}


@pytest.mark.source(
    "https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming"
)
def test_a_streamed_answer_arrives_whole(functions: Functions) -> None:
    name = functions.make({"bootstrap": BOOTSTRAP}, Runtime="provided.al2023", Architectures=[machine()])
    answer = functions.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps("stream"))
    assert answer["Payload"].read() == b"in chunks"


@pytest.mark.source(CUSTOM)
def test_the_bootstrap_may_come_from_a_layer(functions: Functions) -> None:
    arn = layer(functions, "conformance-bootstrap", {"bootstrap": BOOTSTRAP})
    name = functions.make({"data": ""}, Runtime="provided.al2023", Layers=[arn], Architectures=[machine()])
    assert functions.invoke(name, 1).payload["event"] == 1


@pytest.mark.source(CUSTOM)
def test_a_package_without_bootstrap_cannot_start(functions: Functions) -> None:
    name = functions.make({"bootstrp": BOOTSTRAP}, Runtime="provided.al2023", Architectures=[machine()])
    answer = functions.invoke(name)
    assert answer.payload["errorType"] == "Runtime.InvalidEntrypoint"
    assert answer.payload["errorMessage"].endswith(
        "Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
    )


def machine() -> str:
    """An architecture that the emulator's machine can run; on AWS either will do for a script."""
    import platform

    return "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
