"""The solver against trying every combination."""

from collections.abc import Mapping, Sequence
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsmith.graph.errors import Infeasible
from archsmith.graph.expr import holds, parse, symbols
from archsmith.graph.graph import Scalar
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.spaces import reach as reaching
from archsmith.spaces.nodes import chain, choose, integers, op, shared
from archsmith.spaces.solving import can_call, can_hold, many
from archsmith.spaces.space import search_space
from tests.strategies import exprs

IMAGE = TensorType((1, 4, 9, 9))

CALLS: dict[str, tuple[str, Mapping[str, Sequence[Scalar]]]] = {
    "kernels that fit": ("conv2d", {"out": (4,), "kernel": (3, 11), "stride": (1, 2), "padding": (0, 1)}),
    "kernels that do not": ("conv2d", {"out": (4,), "kernel": (11, 13), "dilation": (1, 2), "padding": (0, "same")}),
    "only with padding": ("conv2d", {"out": (4,), "kernel": (11,), "padding": (0, "same")}),
    "groups that divide": ("conv2d", {"out": (4, 6), "kernel": (1,), "groups": (3, 4)}),
    "groups that do not": ("conv2d", {"out": (6, 10), "kernel": (1,), "groups": (3, 4)}),
    "words of which each has a rule": ("conv2d", {"out": (4,), "kernel": (3,), "groups": ("depthwise",)}),
    "dimensions": ("narrow", {"dim": (2, 3), "start": (0, 5), "length": (4, 9)}),
    "dimensions too small": ("narrow", {"dim": (2, 3), "start": (5, 6), "length": (5, 9)}),
}


def brute(operator: str, domains: Mapping[str, Sequence[Scalar]]) -> bool:
    for values in product(*domains.values()):
        try:
            DECLARED.apply(operator, [IMAGE], dict(zip(domains, values, strict=True)))
        except Infeasible:
            continue
        return True
    return False


@pytest.mark.parametrize(("operator", "domains"), CALLS.values(), ids=CALLS)
def test_an_operator_can_be_called_if_some_combination_can(
    operator: str, domains: Mapping[str, Sequence[Scalar]]
) -> None:
    assert can_call(DECLARED, operator, (IMAGE,), domains) == brute(operator, domains)


def test_a_value_that_is_not_known_yet_rules_nothing_out() -> None:
    assert can_call(DECLARED, "narrow", (IMAGE,), {"dim": (), "start": (5,), "length": (4,)})


@settings(max_examples=60)
@given(st.lists(exprs(), min_size=1, max_size=2), st.randoms(use_true_random=False))
def test_constraints_can_hold_if_some_values_meet_them(constraints: list[object], rng: Random) -> None:
    names = sorted(frozenset[str]().union(*(symbols(expr) for expr in constraints)))
    domains = {name: sorted(rng.sample(range(-2, 7), 3)) for name in names}
    found = any(
        all(holds(expr, dict(zip(names, values, strict=True))) for expr in constraints)  # type: ignore[arg-type]
        for values in product(*domains.values())
    )

    assert can_hold(constraints, domains) == found  # type: ignore[arg-type]


def test_what_is_coupled_over_many_combinations_is_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trying 50 values of each of four takes 6 million combinations, of which a few hundred hold."""
    monkeypatch.setattr(reaching, "PATIENCE", 50)
    values = [shared(name, integers(1, 50)) for name in "abcd"]
    layers = chain(*(op("linear", out=value) for value in values))
    space = search_space(layers, input=(4,), require="a*b + c*d == 4000")
    answers = space.draw(Random(0)).as_dict()
    found = {name: int(answers[name]) for name in "abcd"}

    assert many({name: range(1, 51) for name in "abcd"})
    assert found["a"] * found["b"] + found["c"] * found["d"] == 4000
    assert not space.reach.undecided


def test_an_operator_whose_values_are_computed_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "PATIENCE", 5)
    dim = shared("d", choose(1, 3))
    first = op("narrow", start=choose(1, 0), length=integers(1, 1100), dim=dim * 1)
    space = search_space(chain(first, op("narrow", dim=1, start=1099, length=1)), input=(1100, 8))

    assert space.draw(Random(0)).as_dict() == {"0/narrow.start": 0, "0/narrow.length": 1100, "d": 1}


def test_a_constraint_is_read_as_python_reads_it() -> None:
    assert can_hold([parse("a // 3 == 2 and a % 3 == 1")], {"a": (6, 7, 8)})
    assert not can_hold([parse("a // b >= 0")], {"a": (1, 2), "b": (0, -1)})
