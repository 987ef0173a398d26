"""Formulas of operators, planted in random calls, are found again, and written as a person would write them."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsmith.fuzz.infer.columns import Columns, Vector, values
from archsmith.fuzz.infer.express import dependent, express
from archsmith.fuzz.infer.prune import Effort
from archsmith.graph.expr import Apply, Expr, Lit, Sym, parse, show, symbols

CONVOLUTION = parse("(H + 2*padding - dilation*(kernel - 1) - 1)//stride + 1")

Range = tuple[int, int]


def _broadcast(*names: str) -> Expr:
    whole: Expr = Sym(names[0])
    for name in names[1:]:
        whole = Apply("broadcast", (whole, Sym(name)))
    return whole


@dataclass(frozen=True)
class Planted:
    """A formula over symbols within ranges, of calls on which all of ``requires`` hold."""

    formula: Expr
    ranges: Mapping[str, Range]
    requires: tuple[str, ...] = ()
    known: tuple[Expr, ...] = ()

    def calls(self, count: int, seed: int) -> Columns:
        random = np.random.default_rng(seed)
        drawn = [random.integers(low, high + 1, 40 * count) for low, high in self.ranges.values()]
        columns = Columns(tuple(self.ranges), np.stack(drawn, axis=1))
        valid = np.ones(40 * count, bool)
        for text in self.requires:
            valid &= values(parse(text), columns)[0] != 0
        return columns.rows(np.flatnonzero(valid)[:count])


WINDOW = {"N": (1, 6), "C": (1, 6), "H": (1, 24), "kernel": (1, 5), "stride": (1, 4), "padding": (0, 3)}
DILATED = WINDOW | {"dilation": (1, 3)}
FITS = "H + 2*padding >= dilation*(kernel - 1) + 1"
PLANE = {f"{name}{place}": limits for place in "01" for name, limits in DILATED.items() if name not in "NC"}


def _windows(place: str) -> str:
    return f"((H{place} + 2*padding{place} - dilation{place}*(kernel{place} - 1) - 1)//stride{place} + 1)"


PLANTED = {
    "conv": Planted(CONVOLUTION, DILATED, (FITS,)),
    "conv, stride never 1": Planted(CONVOLUTION, DILATED | {"stride": (2, 4)}, (FITS,)),
    "avg_pool": Planted(parse("(H + 2*padding - kernel)//stride + 1"), WINDOW, ("H + 2*padding >= kernel",)),
    "conv of stride 2 and kernel 3": Planted(parse("(H - 1)//2 + padding"), {"H": (3, 30), "padding": (0, 3)}),
    "conv_transpose": Planted(
        parse("stride*(H - 1) + dilation*(kernel - 1) + output_padding - 2*padding + 1"),
        DILATED | {"output_padding": (0, 2)},
    ),
    "ceil_mode": Planted(
        parse("min((H + padding - 1)//stride + 1, (H + stride + 2*padding - dilation*(kernel - 1) - 2)//stride + 1)"),
        DILATED,
        (FITS, "2*padding <= kernel"),
    ),
    "unfold": Planted(
        parse(f"{_windows('0')}*{_windows('1')}"),
        PLANE,
        tuple(f"H{place} + 2*padding{place} >= dilation{place}*(kernel{place} - 1) + 1" for place in "01"),
        (CONVOLUTION,),
    ),
    "unfold of a square": Planted(
        parse("((H + 2*padding - kernel)//stride + 1)*((W + 2*padding - kernel)//stride + 1)"),
        {"H": (1, 24), "W": (1, 24)} | WINDOW,
        ("H + 2*padding >= kernel", "W + 2*padding >= kernel"),
        (parse("(length + 2*zeros - width)//step + 1"),),
    ),
    "unfold's channels": Planted(parse("C*kernel*kernel"), WINDOW),
    "fold": Planted(
        parse("C//(k0*k1)"), {"N": (1, 4), "C": (1, 60), "k0": (1, 3), "k1": (1, 3)}, ("C % (k0*k1) == 0",)
    ),
    "cat": Planted(parse("a + b + c + d"), dict.fromkeys("abcde", (0, 6))),
    "flatten": Planted(parse("C*H*W"), {"C": (0, 6), "H": (0, 6), "W": (0, 6)}),
    "pixel_shuffle": Planted(parse("C//(r*r)"), {"C": (1, 80), "H": (1, 9), "r": (1, 4)}, ("C % (r*r) == 0",)),
    "pixel_shuffle's height": Planted(parse("H*r"), {"C": (1, 80), "H": (1, 9), "r": (1, 4)}),
    "broadcast": Planted(
        _broadcast("a", "b"), {"a": (0, 3), "b": (0, 3), "c": (0, 3)}, ("a == b or a == 1 or b == 1",)
    ),
    "broadcast of three": Planted(
        _broadcast("a", "b", "c"),
        {"a": (0, 3), "b": (0, 3), "c": (0, 3)},
        ("a == b or a == 1 or b == 1", "b == c or b == 1 or c == 1", "a == c or a == 1 or c == 1"),
    ),
    "repeat_interleave": Planted(parse("H*repeats"), {"H": (0, 6), "repeats": (0, 4), "W": (1, 5)}),
    "narrow": Planted(parse("length"), {"H": (1, 9), "start": (0, 5), "length": (0, 5)}, ("start + length <= H",)),
    "slice": Planted(parse("max(0, end - start)"), {"H": (9, 12), "start": (0, 8), "end": (0, 8)}),
    "slice with a step": Planted(
        parse("(end - start - 1)//step + 1"), {"start": (0, 8), "end": (0, 20), "step": (1, 4)}, ("end >= start",)
    ),
    "diagonal": Planted(parse("min(H, W - offset)"), {"H": (1, 9), "W": (5, 9), "offset": (0, 4)}),
    "tril_indices of a square": Planted(parse("n*(n + 1)//2"), {"n": (0, 12)}),
    "tril_indices": Planted(parse("n*(rows - n) + n*(n + 1)//2"), {"n": (0, 8), "rows": (0, 16)}, ("rows >= n",)),
    "stft frames": Planted(parse("L//hop + 1"), {"L": (16, 90), "n_fft": (4, 9), "hop": (1, 8)}),
    "stft frames of odd windows": Planted(
        parse("(L - n_fft % 2)//hop + 1"), {"L": (16, 90), "n_fft": (4, 9), "hop": (1, 8)}
    ),
    "stft frames without padding": Planted(
        parse("(L - n_fft)//hop + 1"), {"L": (16, 90), "n_fft": (4, 9), "hop": (1, 8)}
    ),
    "rfft": Planted(parse("n//2 + 1"), {"n": (1, 20), "H": (1, 9)}),
    "chunk": Planted(parse("(H - 1)//chunks + 1"), {"H": (1, 30), "chunks": (1, 6)}),
    "roll and other results of one size": Planted(parse("H"), {"H": (0, 9), "W": (0, 9), "shift": (0, 5)}),
    "bincount": Planted(parse("max(most + 1, minlength)"), {"most": (0, 9), "minlength": (0, 9), "n": (1, 9)}),
    "a constant": Planted(Lit(3), {"H": (0, 9), "W": (0, 9)}),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_formulas_are_found_and_written_as_they_were(name: str) -> None:
    planted = PLANTED[name]
    calls, fresh = planted.calls(300, seed=1), planted.calls(3000, seed=2)
    target, _ = values(planted.formula, calls)

    found = next(express(target, calls, known=planted.known))

    assert values(found, fresh)[0].tolist() == values(planted.formula, fresh)[0].tolist()
    assert show(found) == show(planted.formula)


@pytest.mark.parametrize("name", sorted(PLANTED.keys() - {"ceil_mode", "conv, stride never 1"}))
def test_forty_calls_are_enough_where_the_symbols_that_matter_are_known(name: str) -> None:
    planted = PLANTED[name]
    calls, fresh = planted.calls(40, seed=3), planted.calls(2000, seed=4)
    target, _ = values(planted.formula, calls)

    found = next(express(target, calls, known=planted.known, relevant=symbols(planted.formula)), Lit(-1))

    assert values(found, fresh)[0].tolist() == values(planted.formula, fresh)[0].tolist()


OPERATIONS = ["+", "+", "-", "-", "*", "*", "//", "min", "max", "broadcast", "%"]


def _drawn(random: np.random.Generator, operations: int) -> Expr:
    if not operations:
        return Sym("abcd"[random.integers(4)]) if random.random() < 0.75 else Lit(int(random.integers(1, 3)))
    left = int(random.integers(operations))
    parts = _drawn(random, left), _drawn(random, operations - 1 - left)
    return Apply(OPERATIONS[random.integers(len(OPERATIONS))], parts)


def _planted(seed: int, operations: int, rows: int) -> tuple[Expr, Columns, Vector]:
    """An expression that has a value on all of the records."""
    random = np.random.default_rng([seed, operations])
    while True:
        expr = _drawn(random, operations)
        columns = Columns(tuple("abcde"), random.integers(1, 13, (rows, 5)))
        target, defined = values(expr, columns)
        if defined.all():
            return expr, columns, target


@pytest.mark.parametrize(("operations", "least"), [(1, 1.0), (2, 0.95), (3, 0.85)])
def test_random_expressions_are_found_again(operations: int, least: float) -> None:
    right = 0
    for seed in range(40):
        expr, columns, target = _planted(seed, operations, rows=200)
        fresh = Columns(columns.names, np.random.default_rng(seed).integers(1, 16, (1000, 5)))
        found = next(express(target, columns), None)
        wanted, has_value = values(expr, fresh)
        given, too = values(found, fresh) if found else (wanted + 1, has_value)
        right += bool((given == wanted)[has_value & too].all())

    assert right >= least * 40


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(0, 5), st.integers(1, 40))
def test_what_is_found_equals_the_target_on_all_records(seed: int, operations: int, rows: int) -> None:
    _, columns, target = _planted(seed, operations, rows)

    for expr in islice(express(target, columns), 5):
        vector, defined = values(expr, columns)
        assert defined.all()
        assert vector.tolist() == target.tolist()


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_what_is_found_equals_noise_on_all_records_or_nothing_is(seed: int) -> None:
    random = np.random.default_rng(seed)
    columns = Columns(("a", "b", "c"), random.integers(-3, 9, (12, 3)))
    target = random.integers(-2, 20, 12)

    for expr in islice(express(target, columns, effort=Effort(operations=1)), 3):
        assert values(expr, columns)[0].tolist() == target.tolist()


def test_the_same_expressions_are_found_again_in_the_same_order() -> None:
    _, columns, target = _planted(5, 3, rows=30)

    once, again = (list(map(show, islice(express(target, columns), 20))) for _ in range(2))

    assert once == again
    assert len(once) == len(set(once)) > 1


def test_nothing_is_found_if_equal_records_want_different_things() -> None:
    columns = Columns(("a", "b"), np.array([[1, 2], [1, 2], [3, 4]]))

    assert list(express(np.array([1, 2, 3]), columns)) == []


def test_nothing_is_found_without_records() -> None:
    assert list(express(np.zeros(0, np.int64), Columns(("a",), np.zeros((0, 1), np.int64)))) == []


def test_only_relevant_symbols_occur() -> None:
    same = np.array([[1, 1, 4], [2, 2, 9], [5, 5, 0]])

    found = next(express(same[:, 0], Columns(("a", "b", "c"), same), relevant={"b", "c"}))

    assert show(found) == "b"


def test_a_rule_of_another_operator_is_told_apart_from_longer_ones_by_a_few_records() -> None:
    planted = PLANTED["conv"]
    calls = planted.calls(9, seed=6)
    target, _ = values(planted.formula, calls)
    known = parse("(size + 2*zeros - gap*(width - 1) - 1)//step + 1")

    found = next(express(target, calls, known=[known], relevant=symbols(planted.formula)))

    assert show(found) == show(planted.formula)


def test_symbols_matter_if_the_target_differs_where_nothing_else_does() -> None:
    rows = np.array([[a, b, c] for a in range(4) for b in range(4) for c in range(3)])
    columns = Columns(("a", "b", "c"), rows)

    assert dependent(rows[:, 0] + rows[:, 2], columns) == ("a", "c")
    assert dependent(rows[:, 1] * 0, columns) == ()


def test_symbols_that_never_vary_alone_are_taken_to_matter() -> None:
    diagonal = np.repeat(np.arange(6)[:, None], 2, axis=1)

    assert dependent(np.arange(6), Columns(("a", "b"), diagonal)) == ("a", "b")


def test_a_symbol_that_seems_not_to_matter_is_kept_if_the_others_do_not_decide() -> None:
    rows = np.array([[0, b] for b in range(6)] + [[1, 6], [1, 7], [0, 9]])
    target = np.array([0, 0, 0, 0, 0, 0, 3, 3, 9])

    found = next(express(target, Columns(("a", "b"), rows)), None)

    assert found is None or values(found, Columns(("a", "b"), rows))[0].tolist() == target.tolist()


@pytest.mark.parametrize(
    "text", ["x0 + x4 + x8 + x12", "x4*x5*x6*x7", "(x0 + 2*x3 - x5)//x7 + 1", "x0*x1 + x9", "min(x2, x6)"]
)
def test_few_symbols_are_found_among_twenty(text: str) -> None:
    names = tuple(f"x{place}" for place in range(20))
    columns = Columns(names, np.random.default_rng(7).integers(1, 9, (300, 20)))
    target, _ = values(parse(text), columns)

    assert show(next(express(target, columns))) == text


def test_a_known_minimum_of_two_quotients_is_found_by_few_calls() -> None:
    planted = PLANTED["ceil_mode"]
    calls = planted.calls(40, seed=8)
    target, _ = values(planted.formula, calls)

    found = next(express(target, calls, known=[planted.formula], relevant=symbols(planted.formula)))

    assert show(found) == show(planted.formula)
