"""A failure is put down to the first operator behind which it shows."""

import pytest

from archsmith.fuzz.bucket import bucket
from archsmith.fuzz.case import Case
from archsmith.fuzz.locate import ancestry, leading_to, located
from archsmith.fuzz.oracles.differential import Backend
from archsmith.fuzz.oracles.protocol import Failure, Oracle
from archsmith.graph.builder import Builder
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from tests.fuzz.faults import chain, nudged, oracle, raising, spoiling, spoiling_operator


def failure(checked: Oracle, case: Case) -> Failure:
    found = checked.check(case)
    assert found is not None
    return found


def find(backend: Backend, case: Case) -> Failure:
    checked = oracle(backend)
    return located(failure(checked, case), case, checked)


@pytest.mark.parametrize("shape", [(7,), (2, 5)])
@pytest.mark.parametrize("through", [("relu", "tanh"), ("tanh", "abs", "neg"), ("neg", "sigmoid", "tanh", "softplus")])
def test_the_operator_at_fault_is_found_in_any_chain(through: tuple[str, ...], shape: tuple[int, ...]) -> None:
    case, wrong = chain(*shape, through=through), spoiling_operator("tanh")
    found = find(wrong, case)

    assert (found.kind, found.where) == ("wrong value", "tanh")
    assert bucket(found) == bucket(find(wrong, chain(3, through=("tanh",))))


def test_a_fault_that_does_not_show_behind_any_one_operator_keeps_all() -> None:
    case = chain(3, through=("neg", "tanh"))
    found = failure(oracle(spoiling(nudged)), case)

    assert located(found, case, oracle("eager")).where == found.where == "neg tanh"


def test_an_exception_keeps_its_place() -> None:
    assert find(raising, chain(3, through=("neg", "tanh"))).where == "ValueError in raising"


def test_only_what_leads_to_the_output_counts() -> None:
    builder = Builder(DECLARED)
    x, y = builder.input(TensorType((3,))), builder.input(TensorType((3,)))
    first, bystander = builder.add("relu", x), builder.add("tanh", y)
    graph = builder.finish(builder.add("neg", first), bystander)

    assert [leading_to(graph, output) for output in (0, 1)] == ["neg relu", "tanh"]
    assert [len(ancestry(graph, output)) for output in (0, 1)] == [3, 2]
