"""JSON text keeps what JSON itself loses."""

import json
from enum import StrEnum
from math import isnan, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.storage.jsontext import dumps, loads

KEYS = st.text() | st.sampled_from(["$", "$float", "$$float", "$$"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.just("NaN"),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=12,
)


class Colour(StrEnum):
    RED = "red"


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert loads(dumps(value)) == value


@given(VALUES)
def test_the_text_is_json_that_any_reader_accepts(value: Any) -> None:
    text = dumps({"value": value, "worst": nan})

    assert text.isascii()
    assert json.loads(text, parse_constant=pytest.fail)["worst"] == {"$float": "nan"}


def test_nan_stays_a_number_and_its_name_stays_a_name() -> None:
    back = loads(dumps({"loss": nan, "name": "NaN", "deep": [{"x": -float("inf")}], "$float": "nan"}))

    assert isnan(back.pop("loss"))
    assert back == {"name": "NaN", "deep": [{"x": -float("inf")}], "$float": "nan"}


def test_tuples_become_lists_and_enumerations_their_values() -> None:
    assert loads(dumps({Colour.RED: (1, Colour.RED)})) == {"red": [1, "red"]}


@pytest.mark.parametrize("foreign", [{"a": [object()]}, {"a": {1: 2}}, {"a": {1, 2}}, b"a", 1j])
def test_what_is_not_json_is_refused_with_its_place(foreign: object) -> None:
    with pytest.raises(ValueError, match=r"the store keeps JSON.*\$"):
        dumps(foreign)
