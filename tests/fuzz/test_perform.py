"""Calls performed in this process."""

import warnings

import pytest
import torch

from archsmith.fuzz.call import Argument, Call, Lost, Refused, Returned, TensorValue
from archsmith.fuzz.fills import CANNOT_BE_MADE
from archsmith.fuzz.perform import perform, working_fill
from archsmith.graph.errors import UserError
from archsmith.graph.signature import Word

MATRIX = TensorValue((3, 4))


def call_of(operator: str, *values: Argument) -> Call:
    return Call(operator, tuple((f"arg{place}", value) for place, value in enumerate(values)), len(values))


def test_a_result_is_said_by_its_type() -> None:
    verdict = perform(call_of("torch.matmul", MATRIX, TensorValue((4, 5))))

    assert verdict == Returned((TensorValue((3, 5)),), (None,), ())


def test_arguments_are_given_by_place_and_by_keyword() -> None:
    call = Call("torch.sum", (("input", MATRIX), ("dim", (1,)), ("keepdim", True)), positional=1)

    assert perform(call) == Returned((TensorValue((3, 1)),), (None,), ())


def test_views_and_what_works_in_place_are_told_apart_from_copies() -> None:
    split = perform(call_of("torch.split", MATRIX, 2, 1))
    added = perform(call_of("torch.Tensor.add_", MATRIX, MATRIX))
    empty = perform(call_of("torch.Tensor.view", TensorValue((0,)), (0, 1)))

    assert split == Returned((TensorValue((3, 2), strides=(4, 1)),) * 2, (0, 0), ())
    assert added == Returned((MATRIX,), (0,), (0,))
    assert empty == Returned((TensorValue((0, 1)),), (0,), ())


def test_what_is_written_to_in_silence_is_found() -> None:
    """Batch normalisation updates its statistics without counting it as a change."""
    channels = TensorValue((4,))
    call = call_of("torch.nn.functional.batch_norm", MATRIX, channels, channels, None, None, True)

    assert perform(call) == Returned((MATRIX,), (None,), (1, 2))


def test_an_error_is_said_with_its_class() -> None:
    verdict = perform(call_of("torch.add", MATRIX, TensorValue((3, 5))))

    assert isinstance(verdict, Refused)
    assert verdict.kind == "RuntimeError"
    assert "size of tensor a (4)" in verdict.message


@pytest.mark.parametrize(
    "value",
    [
        Word("opaque", "Generator"),
        Word("dtype", "float3"),
        Word("dtype", "strided"),
        Word("slice", "1:a"),
        TensorValue((-1,)),
        (TensorValue((1,), "int64", None, 0, 1),),
    ],
)
def test_what_cannot_be_made_is_refused_in_our_name(value: Argument) -> None:
    verdict = perform(call_of("torch.neg", value))

    assert isinstance(verdict, Refused)
    assert verdict.kind == CANNOT_BE_MADE


@pytest.mark.parametrize(
    ("operator", "values", "shape"),
    [
        ("torch.Tensor.__getitem__", (MATRIX, (Word("ellipsis", "..."), Word("slice", "1::2"))), (3, 2)),
        ("torch.Tensor.__getitem__", (MATRIX, Word("slice", ":2:")), (2, 4)),
        ("torch.full", ((2,), Word("float", "inf")), (2,)),
        ("torch.full", ((2,), 1.5), (2,)),
    ],
)
def test_words_are_made_into_what_they_stand_for(
    operator: str, values: tuple[Argument, ...], shape: tuple[int]
) -> None:
    verdict = perform(call_of(operator, *values))

    assert isinstance(verdict, Returned)
    (result,) = verdict.values
    assert isinstance(result, TensorValue)
    assert result.shape == shape


def test_words_of_dtypes_and_of_layouts_are_made() -> None:
    arguments = (("size", (2,)), ("dtype", Word("dtype", "int16")), ("layout", Word("layout", "strided")))
    complex_call = call_of("torch.full", (2,), Word("complex", "(1+2j)"))

    assert perform(Call("torch.zeros", arguments, 1)) == Returned((TensorValue((2,), "int16"),), (None,), ())
    assert perform(complex_call) == Returned((TensorValue((2,), "complex64"),), (None,), ())


def test_too_much_memory_is_a_loss_and_no_refusal() -> None:
    assert perform(call_of("torch.neg", TensorValue((1 << 40,)))) == Lost("out of memory")
    assert perform(call_of("torch.zeros", (1 << 50,))) == Lost("out of memory")


@pytest.mark.parametrize(
    ("call", "fill"),
    [
        (call_of("torch.neg", MATRIX), "normal"),
        (call_of("torch.floor_divide", *[TensorValue((50,), "int64")] * 2), "positive"),
        (call_of("torch.bernoulli", MATRIX), "unit"),
        (call_of("torch.bucketize", MATRIX, TensorValue((4,))), "normal"),
        (call_of("torch.linalg.cholesky", TensorValue((5, 5))), "definite"),
        (call_of("torch.add", MATRIX, TensorValue((3,))), None),
    ],
)
def test_the_fill_with_which_a_call_runs_is_found(call: Call, fill: str | None) -> None:
    assert working_fill(call) == fill


def test_a_module_is_made_and_applied() -> None:
    arguments = (("in_features", 4), ("out_features", 2), ("bias", True), ("input", MATRIX))

    assert perform(Call("torch.nn.Linear", arguments, 0)) == Returned((TensorValue((3, 2)),), (None,), ())


def test_nothing_is_left_behind() -> None:
    with warnings.catch_warnings(record=True) as seen:
        perform(call_of("torch.nn.functional.smooth_l1_loss", MATRIX, TensorValue((4,))))

    assert torch.is_grad_enabled()
    assert not seen


def test_unknown_operators_and_fills_are_the_callers_mistakes() -> None:
    with pytest.raises(UserError, match="torch.nonsense"):
        perform(call_of("torch.nonsense", MATRIX))
    with pytest.raises(UserError, match="fill must be one of normal"):
        perform(call_of("torch.neg", MATRIX), fill="zeros")
