"""API Gateway's rules that need no emulator: binary types, functions' output, gateway responses."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mdlc_emulator.engine.apigateway.lambda_output import MalformedOutputError, parse
from mdlc_emulator.engine.apigateway.media import is_binary
from mdlc_emulator.engine.apigateway.templates import headers_of, looked_up, rendered

names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,8}", fullmatch=True)
LETTERS = 'ab Z09ä€"\\{}.,:\n'
"""A few of each kind: the whole of Unicode takes hypothesis seconds to list in a fresh checkout."""
texts = st.text(LETTERS, max_size=30)


@pytest.mark.parametrize(
    ("header", "binary", "expected"),
    [
        ("image/png", ["image/png"], True),
        ("image/png; q=1", ["image/png"], True),
        ("IMAGE/PNG", ["image/png"], True),
        ("image/png", ["image/*"], True),
        ("image/png", ["audio/*"], False),
        ("image/png", [], False),
        ("image/png", None, False),
        ("text/html, image/png", ["image/png"], False),
        ("image/png, text/html", ["image/png"], True),
        (None, ["image/png"], False),
        (None, ["*/*"], True),
        ("nonsense", ["image/png"], False),
        ("nonsense", ["*/*"], True),
    ],
)
def test_a_body_is_binary_by_the_first_type(header: str | None, binary: list[str] | None, expected: bool):
    assert is_binary(header, binary) is expected


@given(st.binary(max_size=60))
def test_binary_output_comes_back_for_who_accepts_it_and_stays_text_for_others(body: bytes):
    text = base64.b64encode(body).decode()
    output = parse(json.dumps({"body": text, "isBase64Encoded": True}).encode())
    assert output.content(binary=True) == body
    assert output.content(binary=False) == text.encode()


@given(texts)
def test_text_output_is_never_decoded(body: str):
    output = parse(json.dumps({"body": body}).encode())
    assert output.content(binary=True) == output.content(binary=False) == body.encode()


@given(
    st.dictionaries(names, st.lists(texts, max_size=3), max_size=4),
    st.dictionaries(names, st.one_of(texts, st.booleans()), max_size=4),
)
@settings(max_examples=50)
def test_merged_headers_hold_every_value_once_and_none_besides(
    multiple: dict[str, list[str]], single: dict[str, Any]
):
    output = parse(json.dumps({"headers": single, "multiValueHeaders": multiple}).encode())
    found: dict[str, list[str]] = {}
    for name, value in output.headers:
        found.setdefault(name.lower(), []).append(value)
    single_texts = {k: ("true" if v else "false") if isinstance(v, bool) else v for k, v in single.items()}
    for name, values in found.items():
        last = [texts for key, texts in multiple.items() if key.lower() == name][-1:]
        given_ = (last[0] if last else []) + [v for k, v in single_texts.items() if k.lower() == name]
        assert set(values) == set(given_)
    assert {name.lower() for name in single} <= set(found)


@given(
    st.one_of(
        st.text(LETTERS, max_size=5),
        st.integers(),
        st.lists(st.integers(), max_size=2),
        st.fixed_dictionaries({"statusCode": st.sampled_from(["x", 99, 600, [], {}])}),
        st.fixed_dictionaries({"body": st.one_of(st.integers(), st.lists(texts, max_size=1))}),
        st.fixed_dictionaries({"headers": st.sampled_from(["x", [], {"a": 1}, {"a": ["b"]}])}),
        st.fixed_dictionaries({"multiValueHeaders": st.sampled_from(["x", [1], {"a": "b"}])}),
    )
)
def test_output_of_any_other_form_is_malformed(output: Any):
    with pytest.raises(MalformedOutputError):
        parse(json.dumps(output).encode())


def test_what_is_no_json_or_no_base64_is_malformed():
    with pytest.raises(MalformedOutputError):
        parse(b"{")
    with pytest.raises(MalformedOutputError):
        parse(b'{"body": "a", "isBase64Encoded": true}').content(binary=True)


CONTEXT = {"error": {"message": 'no "way"'}, "stage": "test", "identity": {"sourceIp": "127.0.0.1"}}


@given(texts)
def test_a_template_without_variables_is_itself(template: str):
    assert rendered(template, CONTEXT, {}) == template


@given(texts)
def test_the_message_string_is_json(message: str):
    body = rendered('{"message":$context.error.messageString}', {"error": {"message": message}}, {})
    assert json.loads(body) == {"message": message}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$context.stage.", "test."),
        ("$context.identity.sourceIp", "127.0.0.1"),
        ("[$context.nothing]", "[]"),
        ("$stageVariables.colour!", "blue!"),
        ("costs $5", "costs $5"),
    ],
)
def test_variables_are_replaced_and_unknown_ones_are_empty(template: str, expected: str):
    assert rendered(template, CONTEXT, {"colour": "blue"}) == expected


def test_headers_of_a_gateway_response_come_from_literals_and_the_request():
    wanted = {
        "gatewayresponse.header.A": "'*'",
        "gatewayresponse.header.B": "method.request.header.X",
        "gatewayresponse.header.C": "method.request.querystring.q",
        "gatewayresponse.header.D": "context.stage",
        "gatewayresponse.header.E": "stageVariables.colour",
        "gatewayresponse.header.F": "method.request.header.Absent",
        "something.else": "'x'",
    }
    found = headers_of(
        wanted,
        context=CONTEXT,
        stage={"colour": "blue"},
        header={"X": "x"},
        querystring={"q": "1"},
        path={},
    )
    assert found == {"A": "*", "B": "x", "C": "1", "D": "test", "E": "blue"}


def test_a_path_into_what_is_no_object_finds_nothing():
    assert looked_up(CONTEXT, "stage.deeper") is None
