"""Tensors from their types."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archsmith.fuzz.call import TensorValue
from archsmith.fuzz.collect.describing import describe
from archsmith.fuzz.filling import TooLarge, Unmakeable, made_tensor
from archsmith.fuzz.fills import FILLS, LARGEST

SHAPES = st.lists(st.integers(0, 5), max_size=4).map(tuple)
DTYPES = st.sampled_from(
    [
        "float32",
        "float64",
        "float16",
        "bfloat16",
        "complex64",
        "bool",
        "uint8",
        "int8",
        "int64",
        "uint16",
        "float8_e5m2",
    ]
)


@given(SHAPES, DTYPES, st.sampled_from(FILLS), st.integers(0, 9))
def test_a_tensor_is_of_the_type_that_was_asked_for(shape: tuple[int, ...], dtype: str, fill: str, place: int) -> None:
    tensor, original = made_tensor(TensorValue(shape, dtype), fill, place)

    assert describe(tensor, extremes=False) == TensorValue(shape, dtype)
    assert original is None or torch.equal(tensor, original)


@given(SHAPES.filter(lambda shape: 0 not in shape and len(shape) > 0))
def test_strides_are_kept(shape: tuple[int, ...]) -> None:
    wide = torch.zeros(tuple(size + 1 for size in shape))[tuple(slice(0, size) for size in shape)].transpose(0, -1)
    said = describe(wide)

    assert isinstance(said, TensorValue)
    assert describe(made_tensor(said, "normal", 0)[0]) == said


@given(
    SHAPES.filter(lambda shape: torch.Size(shape).numel() > 1),
    st.sampled_from(["int8", "int16", "int32", "int64"]),
    st.tuples(st.integers(-128, 127), st.integers(-128, 127)),
    st.sampled_from(FILLS),
)
def test_whole_numbers_reach_both_extremes(
    shape: tuple[int, ...], dtype: str, ends: tuple[int, int], fill: str
) -> None:
    said = TensorValue(shape, dtype, None, min(ends), max(ends))

    assert describe(made_tensor(said, fill, 0)[0]) == said


@pytest.mark.parametrize(
    "value",
    [
        TensorValue((-1, 2)),
        TensorValue((2,), "float3"),
        TensorValue((2,), "int4"),
        TensorValue((1,), "int64", None, 0, 3),
        TensorValue((0,), "int64", None, 1, 1),
        TensorValue((3,), "int64", None, 3, 0),
        TensorValue((3,), "uint8", None, -1, 3),
        TensorValue((3,), "float32", None, 0, 3),
        TensorValue((3,), "float32", (1, 1)),
    ],
)
def test_what_no_tensor_is_like_is_not_made(value: TensorValue) -> None:
    with pytest.raises(Unmakeable):
        made_tensor(value, "normal", 0)


def test_a_tensor_that_is_too_large_is_not_even_tried() -> None:
    with pytest.raises(TooLarge):
        made_tensor(TensorValue((1 << 20, 1 << 20)), "normal", 0)
    with pytest.raises(TooLarge):
        made_tensor(TensorValue((2, 2), "float32", (LARGEST, 1)), "normal", 0)


def test_elements_hang_on_the_place_and_not_on_what_was_made_before() -> None:
    first, _ = made_tensor(TensorValue((3,), "int16"), "normal", 1)
    made_tensor(TensorValue((100_000,), "int16"), "normal", 0)
    again, _ = made_tensor(TensorValue((3,), "int16"), "normal", 1)
    other, _ = made_tensor(TensorValue((30,), "int16"), "normal", 2)

    assert torch.equal(first, again)
    assert not torch.equal(first, other[:3])


def test_a_tensor_shares_no_memory_with_the_next() -> None:
    first, _ = made_tensor(TensorValue((4,)), "normal", 0)
    before = first.clone()
    first.zero_()
    again, _ = made_tensor(TensorValue((4,)), "normal", 0)

    assert torch.equal(again, before)


def test_each_fill_has_the_elements_that_it_promises() -> None:
    made = {fill: made_tensor(TensorValue((5, 5)), fill, 0)[0] for fill in FILLS}

    assert made["normal"].min() < 0 < made["normal"].max()
    assert made["positive"].min() >= 0.5
    assert 0 < made["unit"].min() < made["unit"].max() < 1
    assert (made["ascending"].flatten().diff() > 0).all()
    assert torch.linalg.cholesky_ex(made["definite"]).info == 0
