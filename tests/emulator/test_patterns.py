"""Regular expressions of AWS's models mean in Python what they mean in Java."""

import unicodedata

import pytest
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.engine.patterns import compile_pattern


@given(st.characters())
def test_categories_are_unicodes(character: str) -> None:
    pattern = compile_pattern(r"[\p{L}\p{Nd}_]")
    category = unicodedata.category(character)
    assert bool(pattern.fullmatch(character)) == (category[0] == "L" or category == "Nd" or character == "_")


@given(st.characters())
def test_a_category_stands_alone_too(character: str) -> None:
    assert bool(compile_pattern(r"\p{Z}").fullmatch(character)) == (unicodedata.category(character)[0] == "Z")


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", "a\U0001f600\t", True),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", "\x00", False),
        (r"\A\S[\p{Print}]*\z", "a b", True),
        (r"\A\S[\p{Print}]*\z", " b", False),
        (r"([\p{L}]*)${1,128}", "abc", True),
        (r"\p{ASCII}*", "é", False),
    ],
)
def test_what_java_writes_otherwise(pattern: str, text: str, matches: bool) -> None:
    assert bool(compile_pattern(pattern).fullmatch(text)) is matches


@pytest.mark.parametrize(
    "service", ["sagemaker", "sagemaker-runtime", "sagemaker-metrics", "batch", "dynamodb"]
)
def test_every_pattern_of_a_model_compiles(service: str) -> None:
    model = get_session().get_service_model(service)
    patterns = [model.shape_for(name).metadata.get("pattern") for name in model.shape_names]
    assert all(compile_pattern(pattern).pattern for pattern in patterns if pattern)
