"""What follows from constraints, against trying every combination; and models, which must meet what they promise."""

from collections.abc import Mapping, Sequence
from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsmith.fuzz.infer import solver
from archsmith.fuzz.infer.models import just_inside, models, outside
from archsmith.fuzz.infer.solver import Domain, alike, domain, equivalent, implied, met, valued, without_implied
from archsmith.graph.expr import Expr, Undefined, evaluate, holds, parse, show, symbols
from archsmith.graph.signature import IntegerSlot, Signature, TensorSlot
from tests.fuzz.infer.boundaries import BOUNDARIES, MOST
from tests.strategies import exprs

WINDOW = "(H + 2*padding - dilation*(kernel - 1) - 1)//stride + 1"
NAMES = ("H", "padding", "dilation", "kernel", "stride")


def small(*names: str, most: int = 12) -> Domain:
    return Domain(dict.fromkeys(names, (0, most)))


def every(bounds: Domain) -> list[dict[str, int]]:
    return [dict(zip(bounds.bounds, row, strict=True)) for row in product(*map(bounds.of, bounds.bounds))]


def parsed(*texts: str) -> tuple[Expr, ...]:
    return tuple(map(parse, texts))


@pytest.fixture
def only_z3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "GRID", 0)


@given(exprs(), st.integers(0, 2**32 - 1))
def test_values_on_arrays_are_those_of_single_rows(expr: Expr, seed: int) -> None:
    names = sorted(symbols(expr))
    rows = np.random.default_rng(seed).integers(-3, 6, (8, len(names)))
    vector, mask = (np.broadcast_to(part, 8) for part in valued(expr, dict(zip(names, rows.T, strict=True))))

    for place, row in enumerate(rows.tolist()):
        at = dict(zip(names, row, strict=True))
        try:
            assert (vector[place], mask[place]) == (evaluate(expr, at), True)
        except Undefined:
            assert not mask[place]


@settings(max_examples=40)
@given(st.lists(exprs(), max_size=2), exprs(), st.booleans())
def test_what_is_implied_holds_wherever_the_premises_do(premises: list[Expr], conclusion: Expr, by_z3: bool) -> None:
    names = sorted(frozenset[str]().union(*map(symbols, [*premises, conclusion])))
    bounds = Domain(dict.fromkeys(names, (-1, 2)))
    met_there = [at for at in every(bounds) if all(holds(premise, at) for premise in premises)]
    with pytest.MonkeyPatch.context() as patch:
        if by_z3:
            patch.setattr(solver, "GRID", 0)
        answer = implied(premises, conclusion, bounds)

    if answer is True:
        assert all(holds(conclusion, at) for at in met_there)
    elif answer is False and met_there:
        assert not all(holds(conclusion, at) for at in met_there)


@settings(max_examples=40)
@given(exprs(), exprs())
def test_sizes_are_equivalent_if_they_have_the_same_values_and_gaps(a: Expr, b: Expr) -> None:
    bounds = Domain(dict.fromkeys(sorted(symbols(a) | symbols(b)), (-1, 3)))
    if solver.is_constraint(a) and solver.is_constraint(b):
        expected = all(holds(a, at) == holds(b, at) for at in every(bounds))
    else:
        expected = all(value_of(a, at) == value_of(b, at) for at in every(bounds))

    assert equivalent(a, b, bounds) == expected


def value_of(expr: Expr, at: Mapping[str, int]) -> int | None:
    try:
        return evaluate(expr, at)
    except Undefined:
        return None


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("(H + 2*padding - dilation*(kernel - 1) - 1 + stride)//stride", True),
        ("(H + padding + padding - dilation*kernel + dilation + stride - 1)//stride", True),
        ("(H + 2*padding - dilation*kernel + dilation + stride)//stride", False),
        ("(H + 2*padding - dilation*(kernel - 1) - 1)//max(stride, 1) + 1", False),
    ],
)
def test_a_window_is_the_same_however_it_is_written(other: str, same: bool) -> None:
    assert equivalent(parse(WINDOW), parse(other), small(*NAMES)) is same


def test_assumptions_make_expressions_equivalent() -> None:
    a, b, bounds = parse("broadcast(a, b)"), parse("max(a, b)"), small("a", "b")

    assert equivalent(a, b, bounds) is False
    assert equivalent(a, b, bounds, assuming=parsed("a == b or a == 1 or b == 1", "a*b >= 1")) is True


@pytest.mark.usefixtures("only_z3")
def test_z3_proves_what_is_too_large_to_try() -> None:
    sizes = parsed("a == groups*w", "b == a", "groups >= 1")

    assert implied(sizes, parse("b % groups == 0"), small("a", "b", "w", "groups", most=60)) is True


@pytest.mark.usefixtures("only_z3")
def test_what_takes_too_long_is_neither_true_nor_false() -> None:
    hard = implied(
        parsed("a*a*a + b*b*b == c*c*c", "a >= 1", "b >= 1"), parse("c == 0"), small(*"abc", most=9999), effort=10
    )

    assert hard is None


def test_two_ways_to_write_a_precondition_are_alike() -> None:
    mine = parsed("C == groups*w", "out % groups == 0", "padding <= kernel//2")
    yours = parsed("out % groups == 0", "C % groups == 0 and C//groups == w", "2*padding <= kernel")
    bounds = small("C", "groups", "w", "out", "padding", "kernel")

    assert alike(mine, yours, bounds) is True
    assert alike(mine, yours[:2], bounds) is False


def test_what_others_imply_is_removed() -> None:
    requires = parsed("a == b", "b == c", "a == c", "a <= c", "d >= 1", "d >= 0")

    assert without_implied(requires, small(*"abcd")) == parsed("a == b", "b == c", "d >= 1")


@pytest.mark.usefixtures("only_z3")
def test_what_is_undecided_stays() -> None:
    requires = parsed("a*a*a*b == c*c*d + 1", "a*b*b*c == d*d*d + 2", "a*d != c*b + 7")

    assert without_implied(requires, small(*"abcd", most=10**6), effort=10) == requires


def test_the_domain_of_a_signature_knows_what_tensors_can_be() -> None:
    taken = (
        ("input", TensorSlot("input", 3)),
        ("index", TensorSlot("index", 1, valued=True)),
        ("dim", IntegerSlot("dim")),
    )
    bounds = domain(Signature("torch.take", taken, positional=3), most=20, elements=100)
    found = list(models((), bounds, Random(0), 200))

    assert bounds.bounds["index_low"] == (-20, 20)
    assert bounds.bounds["dim"] == (0, 20)
    assert len(found) == 200
    for at in found:
        assert at["input_0"] * at["input_1"] * at["input_2"] <= 100
        assert at["index_low"] <= at["index_high"]
        assert at["index_0"] > 1 or at["index_low"] == at["index_high"]
        assert at["index_0"] > 0 or at["index_high"] == 0


@pytest.mark.parametrize("name", BOUNDARIES)
def test_models_meet_all_constraints_and_differ(name: str) -> None:
    boundary = BOUNDARIES[name]
    bounds = boundary.domain()
    found = list(models(boundary.truth, bounds, Random(1), 100))
    rows = {tuple(at.values()) for at in found}
    there_are = MOST + 1 if name == "cross" else 100  # two sizes are 3 there, and two are equal

    assert len(rows) == len(found) == there_are
    assert all(holds(one, at) for at in found for one in (*boundary.truth, *bounds.always))
    assert all(tuple(at) == tuple(bounds.bounds) for at in found)
    assert all(value in bounds.of(symbol) for at in found for symbol, value in at.items())
    varied = [symbol for symbol in bounds.bounds if len({at[symbol] for at in found}) > 3]
    assert len(varied) >= len(bounds.bounds) - 2  # where a size must be 3, it cannot vary


@pytest.mark.parametrize("name", BOUNDARIES)
def test_what_is_outside_breaks_one_constraint_and_no_other(name: str) -> None:
    boundary = BOUNDARIES[name]
    for which, _ in enumerate(boundary.truth):
        found = list(outside(boundary.truth, which, boundary.domain(), Random(2), 8))
        told = [[holds(one, at) for one in boundary.truth] for at in found]

        assert all([not met for met in row].index(True) == which and sum(row) == len(row) - 1 for row in told)
        assert len({tuple(at.values()) for at in found}) == len(found)
        assert found or free_of(boundary.truth, which, boundary.domain())


def free_of(requires: Sequence[Expr], which: int, bounds: Domain) -> bool:
    """Whether a constraint follows from the others."""
    return implied([one for one in requires if one is not requires[which]], requires[which], bounds) is not False


def test_what_is_outside_is_near() -> None:
    requires = parsed("start + length <= size")
    found = list(outside(requires, 0, small("start", "length", "size"), Random(0), 20))

    assert len(found) == 20
    assert all(at["start"] + at["length"] == at["size"] + 1 for at in found)


def test_what_is_just_inside_is_at_the_edge() -> None:
    requires = parsed("start + length <= size", "length >= 1")
    found = list(just_inside(requires, 0, small("start", "length", "size"), Random(0), 20))

    assert len(found) == 20
    assert all(at["start"] + at["length"] == at["size"] and at["length"] >= 1 for at in found)


def test_models_that_are_to_be_avoided_do_not_come() -> None:
    bounds = small("a", "b", most=3)
    requires = parsed("a <= b")
    avoided = {(0, 0), (1, 2), (3, 3)}
    found = {tuple(at.values()) for at in models(requires, bounds, Random(0), 50, avoiding=avoided)}

    assert found == {(a, b) for a in range(4) for b in range(a, 4)} - avoided


def test_a_needle_is_found_by_z3() -> None:
    requires = parsed("a*b == 3233", "a >= b")
    found = list(models(requires, Domain({"a": (2, 4000), "b": (2, 4000)}), Random(0), 3))

    assert found == [{"a": 61, "b": 53}]


def test_constraints_that_exclude_each_other_have_no_models() -> None:
    requires = parsed("a < b", "b < a")

    assert not list(models(requires, small("a", "b"), Random(0), 5))
    assert not list(outside(parsed("a <= b", "a < b + 1"), 0, small("a", "b"), Random(0), 5))


def test_the_same_seed_makes_the_same_models() -> None:
    boundary = BOUNDARIES["conv2d"]
    runs = [list(models(boundary.truth, boundary.domain(), Random(7), 30)) for _ in range(2)]

    assert runs[0] == runs[1]
    assert runs[0] != list(models(boundary.truth, boundary.domain(), Random(8), 30))


def test_a_constraint_without_a_value_is_not_met() -> None:
    at = {"a": np.array([4, 4, 4]), "b": np.array([2, 0, 3])}

    assert met(parse("a % b == 0"), at).tolist() == [True, False, False]
    assert met(parse("a % b != 0"), at).tolist() == [False, False, True]
    assert show(parse("a % b == 0")) == "a % b == 0"
