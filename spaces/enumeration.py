"""Every architecture of a space, one by one: an odometer over traces."""

from collections.abc import Iterator
from dataclasses import dataclass

from archsmith.spaces.decisions import Answer, Decision, Derivation, Label, Prefix, Space, Trace, derive
from archsmith.spaces.diagram import Remember
from archsmith.spaces.questions import Ask, Edge, Live
from archsmith.spaces.reach import Reach, Spent, after


def architectures(space: Space) -> Iterator[Derivation]:
    """Every valid derivation of the space once, first options first; one walk is held at a time.

    The order is that of the walk: the last decision changes fastest. Dead ends are passed over, and each costs a walk.
    """
    start: Prefix | None = ()
    while start is not None:
        found = derive(space, _first(start))
        if found.graph is not None:
            yield found
        start = _next(found)


def traces(reach: Reach) -> Iterator[Trace]:
    """Every trace of a tree's space that leads to an architecture once, first options first; builds nothing.

    ``reach`` is that of the space. It is many times as fast as ``architectures``, for who has no need of the graphs.
    """
    levels: list[_Level] = []
    edge = reach.begin()
    spent = after(edge, (0, 0))
    while True:
        if isinstance(edge.target, Ask):
            levels = _onward(reach, levels, edge.target, spent)
        elif edge.target is not None:
            yield Trace(tuple([level.live.answers[level.place] for level in levels]))
        while levels and levels[-1].place + 1 >= len(levels[-1].live.edges):
            levels.pop()
        if not levels:
            return
        levels[-1].place += 1
        edge, spent = levels[-1].taken()


@dataclass(slots=True)
class _Level:
    """A question on the way, when so much is spent, and the option of it that is taken now."""

    ask: Ask
    spent: Spent
    live: Live
    place: int = -1

    def taken(self) -> tuple[Edge, Spent]:
        edge = self.live.edges[self.place]
        return edge, after(edge, self.spent)


def _onward(reach: Reach, levels: list[_Level], ask: Ask, spent: Spent) -> list[_Level]:
    """The way with the question behind it; the same way through another diagram, if that had to be begun anew."""
    try:
        return [*levels, _Level(ask, spent, reach.live(ask, spent))]
    except Remember:
        return _again(reach, [level.live.answers[level.place][1] for level in levels])


def _again(reach: Reach, labels: list[Label]) -> list[_Level]:
    while True:
        try:
            levels: list[_Level] = []
            edge = reach.begin()
            spent = after(edge, (0, 0))
            for label in (*labels, None):
                assert isinstance(edge.target, Ask)  # there was a question behind the same answers before
                levels.append(_Level(edge.target, spent, reach.live(edge.target, spent)))
                if label is not None:
                    levels[-1].place = levels[-1].live.places[label]
                    edge, spent = levels[-1].taken()
            return levels
        except Remember:
            continue


def _first(start: Prefix) -> Answer:
    """The first walk of those that begin with ``start``."""

    def answer(decision: Decision, prefix: Prefix) -> Label:
        return start[len(prefix)][1] if len(prefix) < len(start) else decision.options[0]

    return answer


def _next(found: Derivation) -> Prefix | None:
    """How the walk after this one begins; None after the last."""
    answers = found.trace.answers
    for depth in reversed(range(len(answers))):
        name, label = answers[depth]
        options = found.asked[depth].options
        place = options.index(label) + 1
        if place < len(options):
            return (*answers[:depth], (name, options[place]))
    return None
