"""The differential oracle sees every kind of planted fault, and no fault where there is none."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from archsmith.fuzz.attempt import Values, attempt
from archsmith.fuzz.case import Case
from archsmith.fuzz.generate import make_case, make_space
from archsmith.fuzz.oracles.differential import Backend, Differential, unequal_exceptions
from archsmith.graph.book import Operator, RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.ops import DECLARED
from archsmith.graph.rules import rule
from archsmith.graph.types import TensorType
from tests.fuzz.faults import Spoil, chain, nudged, oracle, raising, spoiling


def transposed_in_memory(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.mT.contiguous().mT


def raising_when_run(module: torch.fx.GraphModule, examples: Sequence[torch.Tensor]) -> Callable[..., Any]:
    def run(*given: torch.Tensor) -> Any:
        raise IndexError("out of range")

    return run


def _quiet(filter: str) -> None:
    """Hears of filters and keeps nothing."""


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (nudged, "wrong value"),
        (lambda x: x * torch.nan, "wrong value"),
        (lambda x: x * 1.001, "wrong value"),
        (lambda x: x.double(), "wrong dtype"),
        (lambda x: x[:1], "wrong shape"),
        (lambda x: x.unsqueeze(0), "wrong shape"),
        (transposed_in_memory, "wrong stride"),
    ],
)
def test_a_spoilt_output_is_found(spoil: Spoil, kind: str) -> None:
    failure = oracle(spoiling(spoil)).check(chain(4, 3))

    assert failure is not None
    assert (failure.kind, failure.oracle, failure.where, failure.output) == (kind, "planted", "relu", 0)


@pytest.mark.parametrize("dtype", ["int64", "int32", "bool"])
def test_a_single_wrong_whole_number_is_found(dtype: str) -> None:
    operator = "logical_not" if dtype == "bool" else "neg"
    spoil = torch.logical_not if dtype == "bool" else nudged
    failure = oracle(spoiling(spoil)).check(chain(3, dtype=dtype, through=(operator,)))

    assert failure is not None
    assert (failure.kind, failure.allowed) == ("wrong value", 0.0)


def test_the_worst_element_is_named_with_all_values() -> None:
    failure = oracle(spoiling(nudged)).check(chain(2, 3, through=("tanh",)))

    assert failure is not None
    assert failure.element == (1, 2)
    assert failure.allowed is not None
    assert 0 < failure.allowed < 1e-3
    assert "1 of 6 elements" in failure.message


@pytest.mark.parametrize(("backend", "kind"), [(raising, "ValueError"), (raising_when_run, "IndexError")])
def test_an_exception_of_the_compiler_is_found(backend: Backend, kind: str) -> None:
    failure = oracle(backend).check(chain(2, 3))

    assert failure is not None
    assert failure.kind == "exception only in compiled"
    assert failure.where == f"{kind} in {'raising' if backend is raising else 'run'}"


def test_exceptions_on_both_sides_agree_although_the_compiler_wraps_them() -> None:
    wrong = rule("matmul", ["Float[M, K]", "Float[L, K]"], ["Float[M, L]"])
    book = RuleBook([Operator("matmul", "a product that does not fit", (), (wrong,))])
    builder = Builder(book)
    value = builder.input(TensorType((2, 3)))
    case = Case(builder.finish(builder.add("matmul", value, value)), seed=1)

    assert Differential("planted", "eager", book, _quiet).check(case) is None


@pytest.mark.parametrize(
    ("expected", "actual", "kind"),
    [
        (ValueError("a"), (), "exception only in eager"),
        ((), ValueError("a"), "exception only in compiled"),
        (ValueError("a"), TypeError("b"), "different exception"),
        (ValueError("a"), RuntimeError("wrapped ValueError: a"), None),
        (ValueError("a"), ValueError("b"), None),
        ((), (), None),
    ],
)
def test_exceptions_are_compared_by_type(
    expected: Values | Exception, actual: Values | Exception, kind: str | None
) -> None:
    failure = unequal_exceptions("planted", expected, actual)

    assert (failure and failure.kind) == kind


def test_memory_that_ran_out_is_the_sandboxs_to_tell() -> None:
    def greedy(*given: torch.Tensor) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    with pytest.raises(RuntimeError, match="allocate"):
        attempt(greedy, ())


def test_a_bug_of_the_present_torch_is_found() -> None:
    """FakeTensor gives ``logical_and`` other strides than eager does, so that the view in ``flatten`` is refused."""
    builder = Builder(DECLARED)
    turned = builder.add("transpose", builder.input(TensorType((2, 3, 1, 1), "bool")), first=1, second=3)
    both = builder.add("logical_and", turned, builder.add("flatten", turned))
    case = Case(builder.finish(builder.add("flatten", both)), seed=1)
    failure = Differential("aot_eager", "aot_eager", DECLARED, _quiet).check(case)

    assert failure is not None
    assert failure.kind == "exception only in compiled"
    assert "view size is not compatible" in failure.message


def test_no_failure_where_there_is_no_fault() -> None:
    space, heard = make_space(), list[str]()
    failures = [oracle("eager", heard).check(make_case(21, number, space)) for number in range(150)]

    assert failures == [None] * 150
    assert heard == []
