"""Preconditions found again from rows on both sides, and what holds of whatever is found."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsmith.fuzz.infer.columns import Columns
from archsmith.fuzz.infer.models import models, outside
from archsmith.fuzz.infer.separate import Separation, separate
from archsmith.fuzz.infer.solver import alike
from archsmith.graph.expr import Expr, holds, parse, show
from tests.fuzz.infer.boundaries import BOUNDARIES, Boundary, accepted, sampled

ROUNDS = 10


def separated(boundary: Boundary, valid: Columns, refused: Columns) -> Separation:
    return separate(valid, refused, groups=boundary.tensors, known=tuple(map(parse, boundary.known)))


def joined(rows: Columns, more: Columns) -> Columns:
    return Columns(rows.names, np.concatenate([rows.matrix, more.matrix]))


@pytest.mark.parametrize("name", BOUNDARIES)
def test_a_precondition_is_found_again(name: str) -> None:
    boundary = BOUNDARIES[name]
    found = separated(boundary, *sampled(boundary, Random(1)))
    valid, refused = sampled(boundary, Random(1001))
    taken, wrong = accepted(found.requires, valid).sum(), accepted(found.requires, refused).sum()

    assert not len(found.unexplained)
    assert taken >= 0.99 * valid.count
    assert taken >= 0.99 * (taken + wrong)


ALIKE = sorted({*BOUNDARIES} - {"gather"})  # an index that is empty there is too rare to show that it may be anything


@pytest.mark.parametrize("name", ALIKE)
def test_rows_from_both_sides_of_what_was_found_lead_to_the_truth(name: str) -> None:
    boundary, rng = BOUNDARIES[name], Random(3)
    valid, refused = sampled(boundary, rng, 60, 60)
    found = separated(boundary, valid, refused)
    for _ in range(ROUNDS):
        tried = tried_around(boundary, found.requires, rng)
        runs = accepted(boundary.truth, tried)
        if (accepted(found.requires, tried) == runs).all():
            break
        valid, refused = joined(valid, tried.rows(runs)), joined(refused, tried.rows(~runs))
        found = separated(boundary, valid, refused)

    assert alike(found.requires, boundary.truth, boundary.domain(10)) is True


def tried_around(boundary: Boundary, requires: tuple[Expr, ...], rng: Random) -> Columns:
    """Calls that the constraints accept, some that break one, and some that are moves from those that run."""
    tried = [*models(requires, boundary.domain(20), rng, 60)]
    for which, _ in enumerate(requires):
        tried += outside(requires, which, boundary.domain(20), rng, 8)
    names = tuple(boundary.start)
    rows = Columns(names, np.array([list(at.values()) for at in tried], np.int64).reshape(-1, len(names)))
    return joined(rows, joined(*sampled(boundary, rng, 30, 30)))


@st.composite
def tables(draw: st.DrawFn) -> tuple[Columns, Columns]:
    names = tuple(draw(st.sampled_from(["ab", "abc", "abcde"])))
    row = st.lists(st.integers(-1, 5), min_size=len(names), max_size=len(names))
    valid, refused = (draw(st.lists(row, min_size=least, max_size=25)) for least in (0, 0))
    return tuple(Columns(names, np.array(rows, np.int64).reshape(-1, len(names))) for rows in (valid, refused))  # type: ignore[return-value]


def say(requires: tuple[Expr, ...], rows: Columns) -> list[bool]:
    return [
        all(holds(one, dict(zip(rows.names, row, strict=True))) for one in requires) for row in rows.matrix.tolist()
    ]


@settings(max_examples=40)
@given(tables())
def test_no_valid_row_is_rejected_and_every_refused_one_is_rejected_or_named(data: tuple[Columns, Columns]) -> None:
    valid, refused = data
    found = separate(valid, refused, groups=[valid.names[:2]])

    assert all(say(found.requires, valid))
    assert [place for place, taken in enumerate(say(found.requires, refused)) if taken] == found.unexplained.tolist()


@settings(max_examples=20)
@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(data: tuple[Columns, Columns], rng: Random) -> None:
    valid, refused = data
    shuffled = [rows.rows(np.array(rng.sample(range(rows.count), rows.count), np.int64)) for rows in data]
    first, second = separate(valid, refused), separate(*shuffled)

    assert first.requires == second.requires


@settings(max_examples=20)
@given(tables(), tables())
def test_what_more_rows_leave_unexplained_is_named(old: tuple[Columns, Columns], new: tuple[Columns, Columns]) -> None:
    """Rows are never lost silently: whatever is added, old rows are told apart or named too."""
    names = tuple(name for name in old[0].names if name in new[0].names)
    valid, refused = (
        Columns(names, np.concatenate([a.only(names).matrix, b.only(names).matrix]))
        for a, b in zip(old, new, strict=True)
    )
    found = separate(valid, refused)

    assert all(say(found.requires, old[0].only(names)))
    assert {place for place, taken in enumerate(say(found.requires, refused)) if taken} == {*found.unexplained.tolist()}


def rows_of(names: str, *rows: str) -> Columns:
    return Columns(tuple(names), np.array([[int(value) for value in row.split()] for row in rows], np.int64))


def test_a_row_that_is_both_valid_and_refused_stays_unexplained() -> None:
    valid, refused = rows_of("ab", "1 2", "2 3", "3 5"), rows_of("ab", "2 3", "2 1")
    found = separate(valid, refused)

    assert found.unexplained.tolist() == [0]
    assert len(found.requires) == 1


@pytest.mark.parametrize(("valid", "refused"), [(0, 0), (0, 3), (3, 0)])
def test_one_side_alone_says_nothing(valid: int, refused: int) -> None:
    found = separate(*(Columns(("a", "b"), np.arange(2 * count).reshape(count, 2)) for count in (valid, refused)))

    assert found.requires == ()
    assert len(found.unexplained) == refused


def test_a_refusal_without_a_reason_is_not_explained_by_an_accident() -> None:
    """Among 200 random calls of 8 sizes that run, some are refused at random."""
    rows = Columns(tuple("abcdefgh"), np.random.default_rng(0).integers(1, 9, (220, 8)))
    found = separate(rows.rows(np.arange(200)), rows.rows(np.arange(200, 220)))

    assert len(found.requires) <= 2
    assert len(found.unexplained) >= 16


def test_known_predicates_are_preferred_and_those_that_do_not_hold_are_not_taken() -> None:
    boundary = BOUNDARIES["narrow"]
    valid, refused = sampled(boundary, Random(4))
    known = [parse(text) for text in ("length <= input_1 - start", "start >= 1", "nothing_here >= 1")]
    found = separate(valid, refused, groups=boundary.tensors, known=known)

    assert list(map(show, found.requires)) == ["length <= input_1 - start"]


def test_without_effort_only_simple_predicates_are_tried() -> None:
    boundary = BOUNDARIES["narrow"]
    valid, refused = sampled(boundary, Random(4))
    found = separate(valid, refused, groups=boundary.tensors, effort=0)

    assert len(found.unexplained) > 0
    assert accepted(found.requires, valid).all()


def test_what_is_found_is_few_and_readable() -> None:
    def texts(name: str) -> list[str]:
        boundary = BOUNDARIES[name]
        return sorted(map(show, separated(boundary, *sampled(boundary, Random(1))).requires))

    assert texts("matmul") == [
        "input_0 == other_0 or input_0 == 1 or other_0 == 1",
        "input_1 == other_1 or input_1 == 1 or other_1 == 1",
        "input_3 == other_2",
    ]
    assert texts("reshape") == ["input_0*input_1*input_2 == shape_0*shape_1"]
    assert texts("embedding") == ["input_high < weight_0"]
    assert texts("unfold") == ["size <= input_1", "step >= 1"]
    assert texts("pixel_shuffle") == ["input_1 % (upscale_factor*upscale_factor) == 0"]
