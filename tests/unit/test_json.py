"""JSON at one place: what is no number leaves as null, and numpy leaves no trace."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradingviz.core.json import encode, plain

LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text()
DOCUMENTS = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def refuse(word: str) -> None:
    raise AssertionError(f"{word} is not JSON")


def decode(body: bytes) -> Any:
    """Parse JSON strictly."""
    return json.loads(body, parse_constant=refuse)


def nulled(value: Any) -> Any:
    """Return what a strict reader should see."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [nulled(item) for item in value]
    if isinstance(value, dict):
        return {key: nulled(item) for key, item in value.items()}
    return value


@given(document=DOCUMENTS)
def test_any_document_comes_back_with_null_for_what_is_no_number(document: Any) -> None:
    assert decode(encode(document)) == nulled(document)


@given(document=DOCUMENTS)
def test_plain_documents_hold_neither_nan_nor_infinity(document: Any) -> None:
    json.dumps(plain(document), allow_nan=False)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float64("nan"), np.float32("inf")])
def test_what_is_no_number_is_null_wherever_it_stands(value: float) -> None:
    assert encode({"a": value, "b": [value, {"c": (value,)}]}) == b'{"a":null,"b":[null,{"c":[null]}]}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float64(1.5), b"1.5"),
        (np.int64(7), b"7"),
        (np.uint8(7), b"7"),
        (np.bool_(True), b"true"),
        (np.str_("x"), b'"x"'),
        (np.array([1.0, np.nan]), b"[1.0,null]"),
        (np.array([[1, 2], [3, 4]]), b"[[1,2],[3,4]]"),
        (np.array([], np.float64), b"[]"),
        (np.array(2.5), b"2.5"),
    ],
)
def test_numpys_values_leave_as_pythons(value: object, text: bytes) -> None:
    assert encode(value) == text
    assert encode({"value": value}) == b'{"value":' + text + b"}"


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_loses_no_bit(number: float) -> None:
    assert decode(encode(number)) == number
    assert decode(encode(np.float64(number))) == number


def test_text_is_utf_8_and_bodies_hold_no_spaces() -> None:
    assert encode({"a": "₹ θ", "b": 1}) == '{"a":"₹ θ","b":1}'.encode()


def test_what_has_no_form_is_refused_and_not_guessed() -> None:
    with pytest.raises(TypeError):
        encode({"value": object()})
