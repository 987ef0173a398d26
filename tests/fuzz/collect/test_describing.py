"""Values of every kind and what is said of them."""

from collections import namedtuple

import numpy
import pytest
import torch

from archsmith.fuzz.call import Argument, TensorValue
from archsmith.fuzz.collect.describing import LONGEST, describe
from archsmith.graph.signature import Word

Pair = namedtuple("Pair", ["values", "indices"])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, True),
        (3, 3),
        (numpy.float64(0.5), 0.5),
        ("mean", "mean"),
        (None, None),
        (float("nan"), Word("float", "nan")),
        (float("-inf"), Word("float", "-inf")),
        (1 + 2j, Word("complex", "(1+2j)")),
        (torch.bfloat16, Word("dtype", "bfloat16")),
        (torch.float, Word("dtype", "float32")),
        (torch.strided, Word("layout", "strided")),
        (torch.channels_last, Word("memory_format", "channels_last")),
        (torch.device("cpu"), Word("device", "cpu")),
        (slice(1, None, 2), Word("slice", "1::2")),
        (slice(1.5, None), Word("opaque", "slice")),
        (..., Word("ellipsis", "...")),
        (torch.Size([2, 3]), (2, 3)),
        ([1, [2.5, "a"]], (1, (2.5, "a"))),
        ({"a": 1}, Word("opaque", "dict")),
        (torch.Generator(), Word("opaque", "Generator")),
        (numpy.zeros(3), Word("opaque", "ndarray")),
        ([0] * (LONGEST + 1), Word("opaque", "list")),
    ],
)
def test_a_value_is_said_as_it_is_or_by_a_word(value: object, said: Argument) -> None:
    found = describe(value)

    assert found == said
    assert type(found) is type(said)


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        (torch.zeros(2, 3), TensorValue((2, 3))),
        (torch.zeros(2, 3).T, TensorValue((3, 2), "float32", (1, 3))),
        (torch.zeros(1).expand(4), TensorValue((4,), "float32", (0,))),
        (torch.tensor([3, -1, 2]), TensorValue((3,), "int64", None, -1, 3)),
        (torch.tensor([3, 9], dtype=torch.uint32), TensorValue((2,), "uint32", None, 3, 9)),
        (torch.zeros(0, dtype=torch.int32), TensorValue((0,), "int32", None, 0, 0)),
        (torch.tensor([True]), TensorValue((1,), "bool")),
        (torch.zeros(1 << 19, dtype=torch.int64), TensorValue((1 << 19,), "int64")),
        (torch.zeros(3, dtype=torch.int64, device="meta"), TensorValue((3,), "int64")),
        (torch.nn.Parameter(torch.zeros(2)), TensorValue((2,))),
        (torch.eye(2).to_sparse(), Word("opaque", "sparse_coo Tensor")),
    ],
)
def test_a_tensor_is_said_by_its_type(tensor: torch.Tensor, said: Argument) -> None:
    assert describe(tensor) == said


def test_results_may_be_said_without_their_extremes() -> None:
    found = describe(Pair(torch.zeros(2), torch.ones(2, dtype=torch.int64)), extremes=False)

    assert found == (TensorValue((2,)), TensorValue((2,), "int64"))


def test_a_list_that_holds_itself_comes_to_an_end() -> None:
    circle: list[object] = []
    circle.append(circle)

    found = describe(circle)

    for _ in range(8):
        assert isinstance(found, tuple)
        (found,) = found
    assert found == Word("opaque", "list")


def test_inside_vmap_a_tensor_is_said_without_an_error() -> None:
    said: list[Argument] = []

    def entry(given: torch.Tensor) -> torch.Tensor:
        said.append(describe(given))
        return given

    torch.vmap(entry)(torch.arange(6).view(2, 3))

    assert said == [TensorValue((3,), "int64")] * len(said)
    assert said
