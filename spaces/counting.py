"""How many architectures a space holds, exactly, without walking each of them: dynamic programming over its diagram.

Behind a question are as many walks as behind all its options, and however many walks come to one question, what is
behind it is counted once. Where a constraint limits the cost, that is so for each amount that was spent on the way, but
only where the amount matters: not where every way to go on keeps the limit, nor where none does.
"""

from archsmith.graph.errors import UserError
from archsmith.spaces.diagram import Remember
from archsmith.spaces.questions import Ask, Edge
from archsmith.spaces.reach import Reach, Spent, after
from archsmith.spaces.space import TreeSpace

FREE: Spent = (-1, -1)
"""Stands for what was spent where that does not matter."""

Place = tuple[Ask, Spent]

PLACES = 400_000
"""Questions with different amounts spent before them that are counted at most: a minute's work."""


def count(space: TreeSpace) -> int:
    """The number of traces that lead to a valid architecture: exact, however large.

    Raises:
        UserError: a name stands for two different decisions, a mistake of the tree that any walk would meet, or too
            many different costs to be counted.
    """
    return Counts(space.reach).size


class Counts:
    """How many architectures are behind each question of a space."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._sizes: dict[Place, int] = {}
        self.size = self._whole()

    def _whole(self) -> int:
        while True:
            try:
                return self._count(self._reach.begin())
            except Remember:
                self._sizes.clear()

    def behind(self, edge: Edge, spent: Spent) -> int:
        """How many architectures are behind an edge of a question that was counted."""
        place = self._place(edge, spent)
        return place if isinstance(place, int) else self._sizes.get(place) or self._count(edge, spent)

    def _count(self, first: Edge, spent: Spent = (0, 0)) -> int:
        begin = self._place(first, spent)
        if isinstance(begin, int):
            return begin
        waiting = [begin]
        while waiting:
            ask, paid = waiting[-1]
            edges, ways = self._onward(ask)
            places = [self._place(edge, paid) for edge in edges]
            unknown = [place for place in places if not isinstance(place, int) and place not in self._sizes]
            if len(self._sizes) + len(waiting) > PLACES and self._reach.diagram.of_cost:
                raise UserError(_too_many(self._reach))
            if unknown:
                waiting += unknown
            else:
                waiting.pop()
                self._sizes[ask, paid] = ways * sum(p if isinstance(p, int) else self._sizes[p] for p in places)
        # Questions in a sealed part are drawn up anew each time, and so would be kept in vain.
        return self._sizes[begin] if begin[0].seal is None else self._sizes.pop(begin)

    def _onward(self, ask: Ask) -> tuple[list[Edge], int]:
        """What follows the question, and how many ways lead to each of it."""
        if ask.seal is not None:
            return [ask.seal.behind], ask.seal.part.ways(ask.seal.path, ask.labels)
        return [self._reach.diagram.edge(ask, place) for place in range(len(ask.decision.options))], 1

    def _place(self, edge: Edge, spent: Spent) -> Place | int:
        """What has to be counted behind the edge, or the number itself where that is clear."""
        if not self._reach.alive(edge):
            return 0
        ask = edge.target if isinstance(edge.target, Ask) else None
        if not self._reach.diagram.of_cost or spent == FREE:
            return 1 if ask is None else (ask, FREE)
        verdict = self._reach.verdict(edge, spent)
        if ask is None or verdict == (0, 0):
            return verdict[0]
        return ask, FREE if verdict == (1, 1) else after(edge, spent)


def _too_many(reach: Reach) -> str:
    demanded = " and ".join(map(str, reach.diagram.of_cost))
    return (
        f"there are too many different costs to count exactly what {demanded} leaves;"
        " draw from the space, which needs no count, or count it without that constraint"
    )
