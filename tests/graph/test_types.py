"""Tensor types say what they are."""

import pytest
from hypothesis import given

from archsmith.graph.types import ITEM_BYTES, TensorType
from tests.strategies import types


def test_a_type_is_written_as_dtype_and_sizes() -> None:
    assert str(TensorType((1, 3, 32, 32))) == "float32[1, 3, 32, 32]"
    assert str(TensorType((), "bool")) == "bool[]"


@given(kind=types())
def test_elements_and_bytes_follow_from_shape_and_dtype(kind: TensorType) -> None:
    for position, size in enumerate(kind.shape):
        longer = TensorType((*kind.shape[:position], size + 1, *kind.shape[position + 1 :]), kind.dtype)

        assert (longer.elements - kind.elements) * size == kind.elements
    assert kind.bytes == kind.elements * ITEM_BYTES[kind.dtype]
    assert kind.rank == len(kind.shape)


def test_a_dtype_has_to_be_known() -> None:
    with pytest.raises(ValueError, match=r"dtype must be one of float32, .*; got 'float31'"):
        TensorType((1,), "float31")


def test_a_size_cannot_be_negative() -> None:
    with pytest.raises(ValueError, match=r"sizes must be at least 0; got \(2, -1\)"):
        TensorType((2, -1))
