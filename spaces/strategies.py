"""Architectures of a space for tests by Hypothesis, which is needed here and nowhere else in this package."""

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from archsmith.graph.graph import Graph
from archsmith.spaces.decisions import Answer, Decision, Derivation, Label, Prefix, Space, Steps, Trace, derive
from archsmith.spaces.sampling import DeadEnds, around, feasible


def architectures(space: Space) -> SearchStrategy[Derivation]:
    """Valid derivations of the space, which shrink to few decisions and to their first options; weights are ignored.

    A dead end is no rejected example. What Hypothesis sees and shrinks are the options taken on the way to a valid
    architecture and nothing else. The strategy raises ``UserError`` when no architecture of the space is valid.
    """
    return _derivations(space)


@st.composite
def _derivations(draw: DrawFn, space: Space) -> Derivation:
    """The filter lets Hypothesis forget what was drawn for a dead end; the walk after one cannot end in another."""
    dead_ends: list[Derivation] = []

    def is_valid(found: Derivation) -> bool:
        if found.graph is None:
            dead_ends.append(found)
        return found.graph is not None

    return draw(_walks(space, dead_ends).filter(is_valid))


@st.composite
def _walks(draw: DrawFn, space: Space, dead_ends: list[Derivation]) -> Derivation:
    """A walk that looks ahead only if one before it met a dead end: that costs further walks, and few need it.

    Either way the same option is drawn from the same options, so that a walk that had to look ahead is found again
    from its draws alone.
    """
    if dead_ends:
        return derive(space, _looking_ahead(draw, space))
    whole = _Whole(space, [], {})
    found = derive(whole, lambda decision, prefix: draw(st.sampled_from(decision.options)))
    return Derivation(Trace.of(whole.answers), tuple(whole.asked), found.graph, found.dead_end)


@dataclass(frozen=True, slots=True)
class _Whole:
    """The space, asking its decisions with all their options, and answering itself by the nearest one that is offered.

    So what is drawn is the same wherever the decision stands, and shrinks as if nothing depended on anything.
    """

    space: Space
    asked: list[Decision]
    answers: dict[str, Label]

    def walk(self) -> Steps[Graph]:
        walk = self.space.walk()
        try:
            decision = next(walk)
            while True:
                everywhere = decision.everywhere
                label = yield Decision(decision.name, everywhere, decision.ordered)
                if len(everywhere) > 1:
                    wanted = everywhere.index(label)
                    label = min(decision.options, key=lambda option: abs(everywhere.index(option) - wanted))
                    self.asked.append(decision)
                    self.answers[decision.name] = label
                decision = walk.send(label)
        except StopIteration as end:
            graph: Graph = end.value
            return graph

    def text(self) -> str:
        return self.space.text()


def _looking_ahead(draw: DrawFn, space: Space) -> Answer:
    """Answers drawn from the options from which a valid architecture can be reached."""
    reached = feasible(space, _first)

    def answer(decision: Decision, prefix: Prefix) -> Label:
        def leads_on(option: Label) -> bool:
            nonlocal reached
            start = (*prefix, (decision.name, option))
            if reached.trace.answers[: len(start)] == start:
                return True
            found = around(space, _first, DeadEnds(Trace(start)))
            if found.graph is None:
                return False
            reached = found
            return True

        return draw(st.sampled_from(decision.options).filter(leads_on))

    return answer


def _first(decision: Decision, prefix: Prefix) -> Label:
    return decision.options[0]
