"""Walks through a diagram: answers given one by one, only options offered that lead to an architecture."""

from collections.abc import Callable
from random import Random
from typing import TypeVar

from archsmith.graph.errors import Infeasible, UserError
from archsmith.spaces.decisions import Label, Steps, Trace
from archsmith.spaces.diagram import Remember
from archsmith.spaces.questions import Ask, Edge, Live
from archsmith.spaces.reach import Reach, Spent, after

T = TypeVar("T")

NOTHING: Spent = (0, 0)


ATTEMPTS = 10_000
"""Walks into dead ends, which only happen where it was too much to look ahead, before a draw is given up."""


class Course:
    """One walk through what ``reach`` has found alive: ``ask`` is its question, or None once it is through.

    ``spent`` are the parameters and multiply-accumulates so far.

    Raises:
        Infeasible: no architecture can be reached.
    """

    __slots__ = ("_passed", "_reach", "ask", "spent")

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._passed: list[tuple[Ask, Spent, Label]] = []
        self._start()

    def _start(self) -> None:
        self.spent = NOTHING
        self._follow(self._reach.begin())

    @property
    def answers(self) -> tuple[tuple[str, Label], ...]:
        """The answers so far."""
        return tuple((ask.decision.name, label) for ask, _, label in self._passed)

    def live(self) -> Live:
        """The options that lead somewhere."""
        assert self.ask is not None
        found = self.ask.live
        if found is None:
            try:
                found = self._reach.live(self.ask, self.spent)
            except Remember:
                self._again()
                return self.live()
        if not found.labels:
            self._bury()
            raise Infeasible(self._reach.diagram.reason)
        return found

    def take(self, live: Live, place: int) -> None:
        """Answer with the option at that place of the ``live`` ones."""
        assert self.ask is not None
        self._passed.append((self.ask, self.spent, live.labels[place]))
        self._follow(live.edges[place])

    def _follow(self, edge: Edge) -> None:
        if edge.target is None:
            raise Infeasible(self._reach.diagram.reason)
        self.ask = edge.target if isinstance(edge.target, Ask) else None
        self.spent = after(edge, self.spent)

    def _again(self) -> None:
        """The same answers, through a diagram that has been begun anew."""
        passed, self._passed = self._passed, []
        self._start()
        for _, _, label in passed:
            live = self.live()
            self.take(live, live.labels.index(label))

    def _bury(self) -> None:
        """Remember that nothing is behind the question, although it was thought so."""
        assert self.ask is not None
        self._reach.bury(self.ask, self.spent)
        for ask, _, _ in self._passed:
            ask.live = None


def draw(reach: Reach, rng: Random) -> Trace:
    """The answers of a random walk: every option that is offered as likely as its weight.

    Raises:
        UserError: no architecture of the space is valid.
    """

    def at_random(name: str, live: Live) -> int:
        return _drawn(live, rng)

    return _walked(reach, at_random)


def mutate(reach: Reach, trace: Trace, rng: Random) -> Trace:
    """The trace with another answer to one decision, the others kept wherever they still can be given.

    Every decision that has another answer is as likely as any other; what is asked anew is answered at random. A space
    with a single architecture gives that one back.

    Raises:
        UserError: the trace is not of this space.
    """
    given = trace.as_dict()
    open_now: list[tuple[str, Label]] = []

    def as_given(name: str, live: Live) -> int:
        if name not in given or given[name] not in live.labels:
            raise UserError(f"the trace does not say one of {live.labels} to {name}: it is of another space")
        place = live.labels.index(given[name])
        if len(live.labels) > 1:
            others = [label for label in live.labels if label != given[name]]
            open_now.append((name, others[int(rng.random() * len(others))]))
        return place

    whole = _walked(reach, as_given)
    if not open_now:
        return whole
    changed, label = open_now[int(rng.random() * len(open_now))]
    wanted = {**given, changed: label}

    def changed_there(name: str, live: Live) -> int:
        kept = wanted.get(name)
        return live.labels.index(kept) if kept in live.labels else _drawn(live, rng)

    return _walked(reach, changed_there)


def _walked(reach: Reach, answer: Callable[[str, Live], int]) -> Trace:
    for _ in range(ATTEMPTS):
        try:
            course = Course(reach)
        except Infeasible as reason:
            raise UserError(f"no architecture of this space is valid; the first dead end: {reason}") from None
        try:
            while course.ask is not None:
                live = course.live()
                course.take(live, answer(course.ask.decision.name, live))
        except Infeasible:
            continue
        return Trace(course.answers)
    raise UserError(f"no valid architecture in {ATTEMPTS} walks through this space: {reach.diagram.reason}")


def _drawn(live: Live, rng: Random) -> int:
    if live.weights is None:
        return int(rng.random() * len(live.labels))
    return rng.choices(range(len(live.labels)), live.weights)[0]


def offered(walk: Steps[T], course: Course) -> Steps[T]:
    """The walk with only those options offered that lead to an architecture.

    ``course`` stands at the beginning, and goes along.
    """
    try:
        decision = next(walk)
        while True:
            if len(decision.options) == 1:
                label = yield decision
            else:
                live = course.live()
                label = yield decision.narrowed(live.labels)
                course.take(live, live.labels.index(label))
            decision = walk.send(label)
    except StopIteration as end:
        result: T = end.value
        return result
