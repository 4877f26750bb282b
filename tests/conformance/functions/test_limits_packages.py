"""How large a deployment package, its environment variables and its layers may be."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions, zipped

pytestmark = pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html")

MIB = 1024 * 1024
LIMIT = 262_144_000
HANDLER = "def handler(event, context):\n    return 'ok'\n"


def bulky(size: int, **files: str) -> bytes:
    """A zip that is small but unpacks to `size` bytes and `files`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
        with archive.open("padding.bin", "w", force_zip64=True) as padding:
            for start in range(0, size, MIB):
                padding.write(bytes(min(MIB, size - start)))
    return buffer.getvalue()


def refused(call: Callable[..., object], **options: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        call(**options)
    response = caught.value.response
    return (
        response["Error"]["Code"],
        response["ResponseMetadata"]["HTTPStatusCode"],
        response["Error"]["Message"],
    )


@pytest.fixture
def settings(role: str, unique: Callable[[str], str]) -> dict[str, Any]:
    return {"FunctionName": unique("f"), "Runtime": "python3.13", "Handler": "index.handler", "Role": role}


def test_code_that_unpacks_to_too_much_is_refused_wherever_it_is_given(
    aws: Aws, functions: Functions, settings: dict[str, Any], unique: Callable[[str], str]
) -> None:
    client = aws.client("lambda")
    large = bulky(LIMIT)
    expected = ("InvalidParameterValueException", 400, f"Unzipped size must be smaller than {LIMIT} bytes")
    assert refused(client.create_function, Code={"ZipFile": large}, **settings) == expected
    name = functions.make(HANDLER)
    assert refused(client.update_function_code, FunctionName=name, ZipFile=large) == expected
    assert functions.invoke(name).payload == "ok"
    assert (
        refused(client.publish_layer_version, LayerName=unique("layer"), Content={"ZipFile": large})
        == expected
    )


def test_code_and_layers_are_measured_together(
    aws: Aws, functions: Functions, settings: dict[str, Any], unique: Callable[[str], str]
) -> None:
    client = aws.client("lambda")
    half = client.publish_layer_version(LayerName=unique("layer"), Content={"ZipFile": bulky(140 * MIB)})
    layers = [half["LayerVersionArn"]]
    large = bulky(120 * MIB, index_py=HANDLER)
    code, status, message = refused(
        client.create_function, Code={"ZipFile": large}, Layers=layers, **settings
    )
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert message == (
        f"Function code combined with layers exceeds the maximum allowed size of {LIMIT} bytes. "
        f"The actual size is {260 * MIB + len(HANDLER)} bytes."
    )
    name = functions.make({"index.py": HANDLER}, Layers=layers)
    _, _, message = refused(client.update_function_code, FunctionName=name, ZipFile=large)
    assert message.startswith("Function code combined with layers exceeds")
    other = client.publish_layer_version(LayerName=unique("layer"), Content={"ZipFile": bulky(120 * MIB)})
    _, _, message = refused(
        client.update_function_configuration, FunctionName=name, Layers=[*layers, other["LayerVersionArn"]]
    )
    assert message.startswith("Function code combined with layers exceeds")
    assert functions.invoke(name).payload == "ok"


def test_a_package_inside_a_request_is_limited_to_fifty_megabytes(
    aws: Aws, functions: Functions, settings: dict[str, Any]
) -> None:
    client = aws.client("lambda")
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("padding.bin", bytes(53 * MIB))
    code, status, message = refused(client.create_function, Code={"ZipFile": stored.getvalue()}, **settings)
    assert (code, status) == ("RequestEntityTooLargeException", 413)
    assert message == "Request must be smaller than 70167211 bytes for the CreateFunction operation"
    name = functions.make(HANDLER)
    code, status, message = refused(client.update_function_code, FunctionName=name, ZipFile=stored.getvalue())
    assert (code, status) == ("RequestEntityTooLargeException", 413)
    assert message == "Request must be smaller than 69905067 bytes for the UpdateFunctionCode operation"


def test_environment_variables_are_limited_to_four_kilobytes(
    aws: Aws, functions: Functions, settings: dict[str, Any]
) -> None:
    client = aws.client("lambda")
    # {"A":"..."} as JSON
    fits = {"Variables": {"A": "x" * (4096 - 8)}}
    large = {"Variables": {"A": "x" * (4096 - 7)}}
    name = functions.make(HANDLER, Environment=fits)
    for call, options in (
        (client.create_function, settings | {"Code": {"ZipFile": zipped({"index.py": HANDLER})}}),
        (client.update_function_configuration, {"FunctionName": name}),
    ):
        code, status, message = refused(call, Environment=large, **options)
        assert (code, status) == ("InvalidParameterValueException", 400)
        assert "exceeded the 4KB limit" in message


def test_a_function_has_at_most_five_layers(
    aws: Aws, functions: Functions, settings: dict[str, Any], unique: Callable[[str], str]
) -> None:
    client = aws.client("lambda")
    layers = [
        client.publish_layer_version(
            LayerName=unique("layer"), Content={"ZipFile": zipped({f"python/m{number}.py": "VALUE = 1"})}
        )["LayerVersionArn"]
        for number in range(6)
    ]
    name = functions.make(HANDLER, Layers=layers[:5])
    assert functions.invoke(name).payload == "ok"
    for call, options in (
        (client.create_function, settings | {"Code": {"ZipFile": zipped({"index.py": HANDLER})}}),
        (client.update_function_configuration, {"FunctionName": name}),
    ):
        assert refused(call, Layers=layers, **options)[0] == "InvalidParameterValueException"
