"""Drawing and mutating traces through a space's diagram: answers alone, nothing is built.

An option is drawn from all, and drawn again if it leads nowhere: so only what was drawn has to be looked into. That is
as likely to give any of the options that do lead on as if they had been known.
"""

from collections.abc import Mapping
from random import Random

from archsmith.graph.errors import Infeasible, UserError
from archsmith.spaces.course import Course, first_place
from archsmith.spaces.decisions import Answer, Decision, Label, Trace, Walked
from archsmith.spaces.diagram import Remember
from archsmith.spaces.questions import Ask
from archsmith.spaces.reach import Reach, Spent

ATTEMPTS = 10_000
"""Walks into dead ends, which only happen where it was too much to look ahead, before a draw is given up."""

TRIES = 8
"""Options that led nowhere in a row before all options of a question are looked into."""


def draw(reach: Reach, rng: Random) -> Trace:
    """The answers of a random walk: every option that is offered as likely as its weight.

    Raises:
        UserError: no architecture of the space is valid.
    """
    return _finished(reach, {}, rng)


def mutate(reach: Reach, trace: Trace, rng: Random) -> Trace:
    """The trace with another answer to one decision, the others kept wherever they still can be given.

    Every decision that has another answer is as likely as any other; what is asked anew is answered at random. A space
    with a single architecture gives that one back.

    Raises:
        UserError: the trace is not of this space.
    """
    given = trace.as_dict()
    for _ in range(ATTEMPTS):
        changed = _changed(reach, given, rng)
        if changed is None:
            return trace
        found = _finished(reach, {**given, changed[0]: changed[1]}, rng)
        # What was thought to lead on may be a dead end after all, and the old answer be drawn in its place.
        if found != trace:
            return found
    return trace


def answered(reach: Reach, answer: Answer) -> Walked:
    """The walk that ``answer`` takes; it is asked only where two options or more lead somewhere.

    It is begun again, and asked again, if it ended in a dead end that could not be foreseen.

    Raises:
        UserError: no architecture of the space is valid.
        ValueError: the answer is not one of the options.
    """
    for _ in range(ATTEMPTS):
        course = _begun(reach)
        asked: list[Decision] = []
        try:
            while course.ask is not None:
                live = course.live()
                decision = course.ask.decision.narrowed(live.labels)
                place = 0
                if len(decision.options) > 1:
                    label = answer(decision, tuple(course.answers))
                    if label not in live.places:
                        raise ValueError(f"{decision.name} must be one of {decision.options}; got {label!r}")
                    place = live.places[label]
                asked.append(decision)
                course.take(live, place)
        except Infeasible:
            continue
        return Walked(Trace(tuple(course.answers)), tuple(asked))
    raise UserError(f"no valid architecture in {ATTEMPTS} walks through this space: {reach.diagram.reason}")


Station = tuple[Ask, Spent]
"""A question of a walk, and what was spent before it."""


def _changed(reach: Reach, given: Mapping[str, Label], rng: Random) -> tuple[str, Label] | None:
    """Another answer to one of the decisions that leads somewhere; None where none has another."""
    stations = _stations(reach, given)
    left = list(range(len(stations)))
    while left:
        index = left.pop(int(rng.random() * len(left)))
        decision = stations[index][0].decision
        others = [place for place, label in enumerate(decision.options) if label != given[decision.name]]
        while others:
            place = others.pop(int(rng.random() * len(others)))
            if _leads(reach, given, stations, index, place):
                return decision.name, decision.options[place]
    return None


def _stations(reach: Reach, given: Mapping[str, Label]) -> list[Station]:
    """The questions that are answered so."""
    course = _begun(reach)
    stations: list[Station] = []
    while course.ask is not None:
        decision = course.ask.decision
        label = given.get(decision.name)
        place = decision.options.index(label) if label in decision.options else None
        edge = course.way(place) if place is not None else None
        if place is None or edge is None:
            raise UserError(f"the trace says {label!r} to {decision.name}, which leads nowhere: it is of another space")
        stations.append((course.ask, course.spent))
        course.follow(place, edge)
    return stations


def _leads(reach: Reach, given: Mapping[str, Label], stations: list[Station], index: int, place: int) -> bool:
    while True:
        ask, spent = stations[index]
        try:
            return reach.leads(reach.diagram.edge(ask, place), spent)
        except Remember:
            stations[:] = _stations(reach, given)


def _finished(reach: Reach, wanted: Mapping[str, Label], rng: Random) -> Trace:
    """A walk with these answers where they are offered, and others at random; begun again if it met a dead end."""
    for _ in range(ATTEMPTS):
        course = _begun(reach)
        try:
            while course.ask is not None:
                _step(course, course.glide(wanted, rng), wanted, rng)
        except Infeasible:
            continue
        return Trace(tuple(course.answers))
    raise UserError(f"no valid architecture in {ATTEMPTS} walks through this space: {reach.diagram.reason}")


def _step(course: Course, place: int | None, wanted: Mapping[str, Label], rng: Random) -> None:
    """One answer: that of ``place`` if it leads somewhere, and otherwise one drawn."""
    if course.ask is None:
        return
    decision = course.ask.decision
    for _ in range(TRIES):
        if place is None:
            place = first_place(decision, wanted, rng)
            wanted = {}
        edge = course.way(place)
        if edge is not None:
            course.follow(place, edge)
            return
        place = None
    live = course.live()
    weights = live.weights
    drawn = int(rng.random() * len(live.edges)) if weights is None else rng.choices(range(len(weights)), weights)[0]
    course.take(live, drawn)


def _begun(reach: Reach) -> Course:
    try:
        return Course(reach)
    except Infeasible as reason:
        raise UserError(f"no architecture of this space is valid; the first dead end: {reason}") from None
