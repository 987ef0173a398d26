"""Architectures of a space for tests by Hypothesis, which is needed here and nowhere else in this package."""

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from archsmith.spaces.decisions import Answer, Decision, Derivation, Label, Prefix, Space, Trace, derive
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
    return derive(space, lambda decision, prefix: draw(st.sampled_from(decision.options)))


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
