"""Which options lead to an architecture: the diagram looked through, as far as is needed and never twice.

Where a constraint speaks of cost, what has been spent so far and the least and the most that the rest can spend bound
the whole. Bounds alone decide a single limit; where several meet, what they leave open is searched.
"""

from collections.abc import Iterator, Mapping

from archsmith.graph.expr import Apply, Sym, symbols
from archsmith.graph.intervals import Range
from archsmith.spaces.constraints import COSTS, Constraint
from archsmith.spaces.diagram import Diagram, Remember
from archsmith.spaces.questions import Ask, Edge, End, Known, Live, Span

LOOKS = 60_000
"""Questions looked at in one go at most; what is not known by then counts as alive."""

FEW = 200
"""The same, once it was too much before."""

PATIENCE = 2_000
"""Questions looked at in one go before a solver is asked."""

REMEMBERED = 200_000
"""Questions, with what was spent before them, of which it is kept whether they lead anywhere."""

Spent = tuple[int, int]
"""Parameters and multiply-accumulates so far."""

ANY: Range = (0, 1 << 62)


class Reach:
    """What can be reached in one diagram.

    ``undecided`` once an option had to be offered of which it is not known whether it leads anywhere.
    """

    def __init__(self, diagram: Diagram) -> None:
        self.diagram = diagram
        self._bounds_decide = len(diagram.of_cost) == 1 and _is_limit(diagram)
        self._found: dict[tuple[Ask, Spent], bool] = {}
        self.undecided = False

    def begin(self) -> Edge:
        """What is asked first."""
        while True:
            try:
                first = self.diagram.start
                if self.leads(first, (0, 0)):
                    return first
                if self.alive(first):
                    self.diagram.reason = self._beyond(first)
                return Edge(None)
            except Remember:
                continue

    def _beyond(self, first: Edge) -> str:
        """That no architecture meets the constraints on cost, and what they do cost."""
        demanded = " and ".join(map(str, self.diagram.of_cost))
        rest = first.target.span if isinstance(first.target, Ask) else None
        parameters, macs = rest or ((0, 0), (0, 0))
        sizes, work = _moved(parameters, first.parameters), _moved(macs, first.macs)
        return f"the space demands {demanded}; it has {sizes[0]} to {sizes[1]} parameters, {work[0]} to {work[1]} MACs"

    def live(self, ask: Ask, spent: Spent) -> Live:
        """The options that lead to an architecture, when so much is spent.

        Raises:
            Remember: the diagram has been begun anew; the question is void.
        """
        if ask.live is not None:
            return ask.live
        options = ask.decision.options
        edges = [self.diagram.edge(ask, place) for place in range(len(options))]
        open_now = [place for place, edge in enumerate(edges) if self.leads(edge, spent)]
        weights = ask.decision.weights and tuple(ask.decision.weights[place] for place in open_now)
        labels = [options[place] for place in open_now]
        found = Live(
            tuple((ask.decision.name, label) for label in labels),
            tuple(edges[place] for place in open_now),
            weights if weights and any(weights) else None,
            {label: place for place, label in enumerate(labels)},
        )
        if not self.diagram.of_cost and ask.kept:
            ask.live = found
        return found

    def leads(self, edge: Edge, spent: Spent) -> bool:
        """Whether an architecture is behind the edge, when so much is spent before it."""
        if not self.alive(edge) or not self.diagram.of_cost:
            return self.alive(edge)
        if not isinstance(edge.target, Ask):
            return self.verdict(edge, spent)[1] == 1
        place = edge.target, after(edge, spent)
        known = self._found.get(place)
        if known is not None:
            return known
        verdict = self.verdict(edge, spent)
        if verdict[1] and not self._bounds_decide and verdict != (1, 1):
            return self._search(*place)
        if len(self._found) < REMEMBERED:
            self._found[place] = verdict[1] == 1
        return verdict[1] == 1

    def alive(self, edge: Edge) -> bool:
        """Whether some walk behind the edge ends well, whatever it costs."""
        if isinstance(edge.target, Ask):
            self._look_through(edge.target)
        return _alive(edge)

    def bury(self, ask: Ask, spent: Spent) -> None:
        """Remember that nothing is behind a question that counted as alive without being looked through."""
        self._found[ask, spent] = False
        if not self.diagram.of_cost:
            ask.alive = False

    def verdict(self, edge: Edge, spent: Spent) -> Range:
        """What the constraints on cost come to behind the edge: (0, 0) broken, (1, 1) met, (0, 1) open."""
        target = edge.target
        if target is None or not self.alive(edge):
            return 0, 0
        parameters, macs = after(edge, spent)
        span = target.span if isinstance(target, Ask) else Span((0, 0), (0, 0))
        assert span is not None  # it has been looked through
        ranges = {known.name: (int(known.label), int(known.label)) for known in target.memory if _is_number(known)}
        ranges |= {"parameters": _moved(span.parameters, parameters), "macs": _moved(span.macs, macs)}
        verdicts = [_verdict(entry, ranges, ended=isinstance(target, End)) for entry in self.diagram.of_cost]
        return min(least for least, _ in verdicts), min(most for _, most in verdicts)

    def _look_through(self, ask: Ask) -> None:
        """Find out whether the question is alive; where cost matters, all that is behind it, for its span."""
        if ask.alive is not None:
            return
        whole = bool(self.diagram.of_cost)
        stack: list[tuple[Ask, Iterator[Edge]]] = [(ask, self._edges(ask))]
        looks = 0
        try:
            while stack:
                at, edges = stack[-1]
                looks += 1
                self.diagram.solving = looks > PATIENCE and not whole
                edge = next(edges, None)
                if looks > self._patience():
                    self._give_up([entry for entry, _ in stack])
                    return
                if edge is None:
                    self._close(at)
                    stack.pop()
                elif isinstance(edge.target, Ask) and edge.target.alive is None:
                    stack.append((edge.target, self._edges(edge.target)))
                elif not whole and _alive(edge):
                    at.alive = True
                    stack.pop()
        finally:
            self.diagram.solving = False

    def _patience(self) -> int:
        """How many questions to look at in one go: few, once there were too many to look at all."""
        return FEW if self.undecided else LOOKS

    def _edges(self, ask: Ask) -> Iterator[Edge]:
        """What follows each option; one whose target was unknown comes a second time, when it is known.

        Of a question in a sealed part, what follows the part.
        """
        for place in range(len(ask.decision.options) if ask.seal is None else 1):
            edge = self.diagram.edge(ask, place) if ask.seal is None else ask.seal.behind
            unknown = isinstance(edge.target, Ask) and edge.target.alive is None
            yield edge
            if unknown:
                yield edge

    def _close(self, ask: Ask) -> None:
        """All its options have been looked at."""
        edges = ask.edges.values() if ask.seal is None else (ask.seal.behind,)
        behind = [edge for edge in edges if _alive(edge)]
        ask.alive = bool(behind)
        if behind and self.diagram.of_cost:
            ask.span = Span(*(_hull(behind, place) for place in range(len(COSTS))))

    def _give_up(self, asks: list[Ask]) -> None:
        self.undecided = True
        for ask in asks:
            ask.alive, ask.span = True, Span(ANY, ANY)

    def _search(self, ask: Ask, spent: Spent) -> bool:
        """Whether some walk behind the question meets all constraints on cost."""
        if (ask, spent) in self._found:
            return self._found[ask, spent]
        stack = [(ask, spent, self._edges(ask))]
        looks = 0
        while stack:
            at, paid, edges = stack[-1]
            edge = next(edges, None)
            looks += 1
            if looks > self._patience():
                self.undecided = True
                self._found |= {(entry, so_far): True for entry, so_far, _ in stack}
                return True
            if edge is None:
                self._found[at, paid] = False
                stack.pop()
                continue
            verdict, more = self.verdict(edge, paid), after(edge, paid)
            known = self._found.get((edge.target, more)) if isinstance(edge.target, Ask) else None
            if verdict[1] and (known or (known is None and verdict == (1, 1))):
                self._found |= {(entry, so_far): True for entry, so_far, _ in stack}
                return True
            if verdict == (0, 1) and known is None and isinstance(edge.target, Ask):
                stack.append((edge.target, more, self._edges(edge.target)))
        return False


def after(edge: Edge, spent: Spent) -> Spent:
    """What is spent behind the edge."""
    return spent[0] + edge.parameters, spent[1] + edge.macs


def _alive(edge: Edge) -> bool:
    return bool(edge.target.alive) if isinstance(edge.target, Ask) else edge.target is not None


def _hull(behind: list[Edge], place: int) -> Range:
    """The least and the most of one cost, over edges with what follows them."""
    lows, highs = [], []
    for edge in behind:
        rest = edge.target.span[place] if isinstance(edge.target, Ask) and edge.target.span is not None else (0, 0)
        here = (edge.parameters, edge.macs)[place]
        lows.append(here + rest[0])
        highs.append(here + rest[1])
    return min(lows), max(highs)


def _is_limit(diagram: Diagram) -> bool:
    """Whether the constraint on cost sets one cost a highest value: then the least that can be spent decides."""
    match diagram.of_cost[0].expr:
        case Apply("<=" | "<", (Sym(name), limit)):
            return name in COSTS and not symbols(limit)
    return False


def _verdict(constraint: Constraint, ranges: Mapping[str, Range], *, ended: bool) -> Range:
    """One that names a value which was not asked is open, and in the end met: it does not speak of the network."""
    if not constraint.names <= ranges.keys():
        return (1, 1) if ended else (0, 1)
    return constraint.within(ranges)


def _is_number(known: Known) -> bool:
    """Whether it is the answer of a decision, and a whole number; a mark may be of the same name."""
    return known.decision is not None and isinstance(known.label, int)


def _moved(span: Range, spent: int) -> Range:
    return span[0] + spent, span[1] + spent
