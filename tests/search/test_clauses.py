"""Every clause of the searchers' contract catches a searcher that breaks it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import isfinite
from random import Random

import pytest

from archsmith.graph.errors import UserError
from archsmith.search.evolution import RegularizedEvolution
from archsmith.search.exhaustive import ExhaustiveSearch
from archsmith.search.random import RandomSearch
from archsmith.search.searcher import Searcher, Values
from archsmith.spaces.decisions import Decision, Label, Prefix, Space, Trace, derive, randomly, replay
from archsmith.spaces.proposals import draw_trace
from tests.contracts import searcher as contract
from tests.contracts.searcher import CLAUSES, DRAWING, LEARNING, SEVERAL_OBJECTIVES, SINGLE_OBJECTIVE, Make

Ask = Callable[["Broken", Space, Random, Sequence[Trace]], Trace]
Tell = Callable[["Broken", Trace, Values, float], None]


def properly(broken: "Broken", space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
    return broken.inner.ask(space, rng, pending)


def passed_on(broken: "Broken", trace: Trace, values: Values, violation: float) -> None:
    broken.inner.tell(trace, values, violation=violation)


@dataclass
class Broken:
    """A searcher around a good one, with something wrong in what it asks or in what it passes on."""

    asks: Ask = properly
    tells: Tell = passed_on
    inner: Searcher = field(default_factory=RandomSearch)
    told: list[Trace] = field(default_factory=list)
    asked: int = 0
    number: int = field(default_factory=count().__next__)

    def ask(self, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
        return self.asks(self, space, rng, pending)

    def tell(self, trace: Trace, values: Values, *, violation: float = 0.0) -> None:
        self.tells(self, trace, values, violation)
        self.told.append(trace)


def unchecked(broken: Broken, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
    """Into dead ends too."""

    class Blind:
        def walk(self) -> object:
            return getattr(space, "_grow", space.walk)()

        def text(self) -> str:
            return space.text()

    return derive(Blind(), randomly(rng)).trace  # type: ignore[arg-type]


def turned_round(broken: Broken, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
    return Trace(properly(broken, space, rng, pending).answers[::-1])


def by_a_randomness_of_its_own(broken: Broken, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
    return properly(broken, space, Random(broken.number), pending)


def by_counting_asks(broken: Broken, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
    broken.asked += 1
    return properly(broken, space, Random(broken.asked), pending)


def by_the_order_of_answers(broken: Broken, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
    return properly(broken, space, Random(f"{broken.told} {rng.random()}"), pending)


def blind_to_pending(broken: Broken, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
    return properly(broken, space, rng, ())


def blind_to_told(broken: Broken, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
    return RandomSearch().ask(space, rng, pending)


def blind_to_what_is_told_and_pending(broken: Broken, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
    both = set(pending) & set(broken.told)
    return next(iter(sorted(both, key=str)), None) or properly(broken, space, rng, pending)


def by_answers_alone(broken: Broken, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
    for _ in range(400):
        trace = draw_trace(space, rng)
        if trace not in broken.told and trace not in pending:
            break
    return trace


def first_options(broken: Broken, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
    return derive(space, _first).trace


def _first(decision: Decision, prefix: Prefix) -> Label:
    return decision.options[0]


def without_a_word(broken: Broken, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
    try:
        return properly(broken, space, rng, pending)
    except UserError:
        return Trace()


def not_after_the_last(broken: Broken, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
    trace = properly(broken, space, rng, pending)
    if trace in broken.told:
        raise UserError("the space is exhausted")
    return trace


def wastefully(broken: Broken, space: Space, rng: Random, pending: Sequence[Trace]) -> Trace:
    for trace in broken.told[::4]:
        replay(space, trace)
    return properly(broken, space, rng, pending)


def summed(broken: Broken, trace: Trace, values: Values, violation: float) -> None:
    """Fails at what cannot be summed up and drawn by."""
    given = [values] if isinstance(values, int | float) else list(values or ())
    if not all(isfinite(value * 1e10) for value in given):
        raise OverflowError("too large")
    passed_on(broken, trace, values, violation)


def one_value(broken: Broken, trace: Trace, values: Values, violation: float) -> None:
    assert values is None or isinstance(values, int | float)
    passed_on(broken, trace, values, violation)


def without_constraints(broken: Broken, trace: Trace, values: Values, violation: float) -> None:
    passed_on(broken, trace, values, 0.0)


def last_of_several(broken: Broken, trace: Trace, values: Values, violation: float) -> None:
    given = values if values is None or isinstance(values, int | float) else list(values)[-1]
    passed_on(broken, trace, given, violation)


def first_of_several(broken: Broken, trace: Trace, values: Values, violation: float) -> None:
    given = values if values is None or isinstance(values, int | float) else next(iter(values))
    passed_on(broken, trace, given, violation)


def the_first_told(broken: Broken, trace: Trace, values: Values, violation: float) -> None:
    if trace not in broken.told:
        passed_on(broken, trace, values, violation)


def zero_for_what_is_not_finite(broken: Broken, trace: Trace, values: Values, violation: float) -> None:
    given = [values] if isinstance(values, int | float) else list(values or ())
    bad = values is not None and not all(map(isfinite, (*given, violation)))
    passed_on(broken, trace, 0.0 if bad else values, 0.0 if bad else violation)


def evolution() -> RegularizedEvolution:
    return RegularizedEvolution(population=8, tournament=3)


BREACHES: dict[str, Make] = {
    "proposes_traces_that_replay_to_architectures": lambda: Broken(turned_round),
    "proposes_every_branch_of_a_conditional_space": ExhaustiveSearch,
    "asks_the_same_given_the_same_tells_and_randomness": lambda: Broken(by_a_randomness_of_its_own),
    "asking_changes_nothing": lambda: Broken(by_counting_asks),
    "resumes_by_being_told_its_history": lambda: Broken(by_the_order_of_answers),
    "never_proposes_a_dead_end": lambda: Broken(unchecked),
    "finds_the_one_architecture_among_dead_ends": lambda: Broken(unchecked),
    "says_that_a_space_is_infeasible": lambda: Broken(without_a_word),
    "proposes_the_only_architecture_again": lambda: Broken(not_after_the_last),
    "proposes_each_architecture_once_before_any_twice": lambda: Broken(by_answers_alone),
    "proposes_no_architecture_that_is_pending_while_there_is_more": lambda: Broken(blind_to_pending),
    "proposes_what_is_neither_told_nor_pending_while_there_is_more": lambda: Broken(blind_to_told),
    "takes_a_trial_that_is_told_and_goes_on": lambda: Broken(blind_to_what_is_told_and_pending),
    "goes_on_when_every_trial_fails": lambda: Broken(first_options),
    "takes_values_in_any_order_and_of_any_size": lambda: Broken(tells=summed),
    "counts_what_is_not_finite_as_a_failure": lambda: Broken(tells=zero_for_what_is_not_finite, inner=evolution()),
    "takes_a_newer_value_in_place_of_the_older": lambda: Broken(tells=the_first_told, inner=evolution()),
    "goes_on_when_no_trial_meets_the_constraints": lambda: Broken(blind_to_told),
    "takes_two_values": lambda: Broken(tells=one_value),
    "costs_no_more_walks_late_than_early": lambda: Broken(wastefully),
    "learns_what_is_good": RandomSearch,
    "keeps_to_what_meets_the_constraints": lambda: Broken(tells=without_constraints, inner=evolution()),
    "looks_at_the_first_of_several_values": lambda: Broken(tells=last_of_several, inner=evolution()),
    "looks_at_every_objective": lambda: Broken(tells=first_of_several, inner=evolution()),
}
"""By clause, a searcher that it must not let through."""

ALL = (*CLAUSES, *DRAWING, *LEARNING, *SINGLE_OBJECTIVE, *SEVERAL_OBJECTIVES)


@pytest.mark.parametrize("clause", ALL, ids=lambda clause: clause.__name__)
def test_a_clause_catches_who_breaks_it(clause: Callable[[Make], None]) -> None:
    with pytest.raises((AssertionError, UserError, OverflowError, pytest.fail.Exception)):
        clause(BREACHES[clause.__name__])


def test_every_clause_is_held_against_every_searcher() -> None:
    """One that is written and not listed would never fail."""
    takes = [name for name, found in vars(contract).items() if callable(found) and _is_clause(found)]

    assert sorted(takes) == sorted(clause.__name__ for clause in ALL) == sorted(BREACHES)


def _is_clause(found: Callable[..., object]) -> bool:
    return getattr(found, "__annotations__", None) == {"make": Make, "return": None}
