"""Walks through a diagram: answers given one by one, only options offered that lead to an architecture."""

from collections.abc import Mapping
from random import Random
from typing import TypeVar

from archsmith.graph.errors import Infeasible
from archsmith.spaces.decisions import Decision, Label, Steps
from archsmith.spaces.diagram import Remember
from archsmith.spaces.questions import Ask, Edge, Live
from archsmith.spaces.reach import Reach, Spent, after

T = TypeVar("T")

NOTHING: Spent = (0, 0)


class Course:
    """One walk through what ``reach`` has found alive: ``ask`` is its question, or None once it is through.

    ``answers`` are those given so far, ``spent`` the parameters and multiply-accumulates.

    Raises:
        Infeasible: no architecture can be reached.
    """

    __slots__ = ("_passed", "_reach", "answers", "ask", "spent")

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._start()

    def _start(self) -> None:
        self._passed: list[Ask] = []
        self.answers: list[tuple[str, Label]] = []
        self.spent = NOTHING
        self.ask: Ask | None = None
        self._follow(self._reach.begin())

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
        if not found.answers:
            self._bury()
            raise Infeasible(self._reach.diagram.reason)
        return found

    def take(self, live: Live, place: int) -> None:
        """Answer with the option at that place of the ``live`` ones."""
        assert self.ask is not None
        self._passed.append(self.ask)
        self.answers.append(live.answers[place])
        self._follow(live.edges[place])

    def glide(self, wanted: Mapping[str, Label], rng: Random) -> int | None:
        """On through questions whose drawn options are known to lead on: nearly all, once a space was drawn from.

        The place that was drawn at the question where that ends, if one was.
        """
        random, ask = rng.random, self.ask
        while ask is not None and ask.ways is not None:
            decision, ways = ask.decision, ask.ways
            if decision.name in wanted or decision.weights is not None:
                place = first_place(decision, wanted, rng)
            else:
                place = int(random() * len(ways))
            way = ways[place]
            if way is None:
                self.ask = ask
                return place
            self._passed.append(ask)
            self.answers.append((decision.name, decision.options[place]))
            ask = way.target if isinstance(way.target, Ask) else None
        self.ask = ask
        return None

    def way(self, place: int) -> Edge | None:
        """What follows the option at that place of all, if it leads somewhere; the others need not be known."""
        assert self.ask is not None
        known = self.ask.ways
        if known is not None and known[place] is not None:
            return known[place]
        try:
            edge = self._reach.diagram.edge(self.ask, place)
            leads = self._reach.leads(edge, self.spent)
        except Remember:
            self._again()
            return self.way(place)
        if leads and self.ask.kept and not self._reach.diagram.of_cost:
            if self.ask.ways is None:
                self.ask.ways = [None] * len(self.ask.decision.options)
            self.ask.ways[place] = edge
        return edge if leads else None

    def follow(self, place: int, edge: Edge) -> None:
        """Answer with the option at that place of all, which leads to ``edge``."""
        assert self.ask is not None
        decision = self.ask.decision
        self._passed.append(self.ask)
        self.answers.append((decision.name, decision.options[place]))
        self._follow(edge)

    def _follow(self, edge: Edge) -> None:
        if edge.target is None:
            raise Infeasible(self._reach.diagram.reason)
        self.ask = edge.target if isinstance(edge.target, Ask) else None
        self.spent = after(edge, self.spent)

    def _again(self) -> None:
        """The same answers, through a diagram that has been begun anew."""
        answers = self.answers
        self._start()
        for _, label in answers:
            live = self.live()
            self.take(live, live.places[label])

    def _bury(self) -> None:
        """Remember that nothing is behind the question, although it was thought so."""
        assert self.ask is not None
        self._reach.bury(self.ask, self.spent)
        for ask in self._passed:
            ask.live = ask.ways = None


def first_place(decision: Decision, wanted: Mapping[str, Label], rng: Random) -> int:
    """The place of the option that is wanted, or of one drawn from all of them."""
    label = wanted.get(decision.name)
    if label in decision.options:
        return decision.options.index(label)
    if decision.weights is None:
        return int(rng.random() * len(decision.options))
    return rng.choices(range(len(decision.options)), decision.weights)[0]


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
                course.take(live, live.places[label])
            decision = walk.send(label)
    except StopIteration as end:
        result: T = end.value
        return result
