"""Traces of any space, for searchers: as cheaply as the space can give them, and never one of a dead end.

A space that looks ahead over its tree gives traces without building a network; any other is walked.
"""

from collections.abc import Callable, Hashable
from random import Random
from typing import Protocol, TypeGuard, runtime_checkable

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.spaces.decisions import Answer, Decision, Label, Prefix, Space, Steps, Trace, Walked, following, randomly
from archsmith.spaces.sampling import DeadEnds, feasible, mutate, sample


class Proposing(Protocol):
    """A space that gives traces by itself, as those of ``search_space`` do."""

    def walk(self) -> Steps[Graph]: ...

    def text(self) -> str: ...

    def draw(self, rng: Random) -> Trace: ...

    def mutated(self, trace: Trace, rng: Random) -> Trace: ...

    def answered(self, answer: Answer) -> Walked: ...

    def identity(self, trace: Trace) -> Hashable: ...


def proposes(space: Space) -> TypeGuard[Proposing]:
    """Whether the space gives traces by itself."""
    return hasattr(space, "answered")  # asked for every trace: to look for all methods takes longer than to draw one


@runtime_checkable
class Countable(Protocol):
    """A space that knows how many traces it has behind every option, as those of ``search_space`` do."""

    def uniform(self) -> Callable[[Random], Trace]: ...


def draw_trace(space: Space, rng: Random) -> Trace:
    """A valid trace, every option of every decision as likely as its weight (``UserError`` if there is none)."""
    return space.draw(rng) if proposes(space) else sample(space, rng).trace


def uniform_draw(space: Space) -> Callable[[Random], Trace]:
    """What draws a trace of the space, every valid one equally likely; it counts the space once.

    Raises:
        UserError: the space cannot be counted.
    """
    if not isinstance(space, Countable):
        raise UserError("only a space made by search_space can be counted; draw from this one decision by decision")
    return space.uniform()


def mutate_trace(space: Space, trace: Trace, rng: Random) -> Trace:
    """The trace with one decision answered otherwise and the others kept where they can be.

    A space with a single architecture gives that one back.
    """
    return space.mutated(trace, rng) if proposes(space) else mutate(space, trace, rng).trace


def answer_trace(space: Space, answer: Answer) -> Walked:
    """The valid trace that ``answer`` leads to; dead ends are walked around, so it may be asked anew.

    It is asked only decisions of two options or more. What is ``asked`` holds those with one option left, too; options
    that turned out on the way to lead nowhere are not among them.
    """
    if proposes(space):
        return space.answered(answer)
    dead = DeadEnds()
    found = feasible(space, answer, dead)
    answers = found.trace.answers
    lively = (decision.narrowed(dead.live(decision, answers[:depth])) for depth, decision in enumerate(found.asked))
    return Walked(found.trace, tuple(lively))


def cross_traces(space: Space, mother: Trace, father: Trace, rng: Random) -> Trace:
    """A valid trace that answers each decision as one of the two does, with equal chance, where that leads on.

    What neither can answer is drawn. This is ``variation.crossover`` for those who have no need of the graph.
    """
    parents = mother.as_dict(), father.as_dict()
    otherwise = randomly(rng)

    def answer(decision: Decision, prefix: Prefix) -> Label:
        labels = [parent[decision.name] for parent in parents if parent.get(decision.name) in decision.options]
        return rng.choice(labels) if labels else otherwise(decision, prefix)

    return answer_trace(space, answer).trace


def neighbour_traces(space: Space, trace: Trace) -> list[Trace]:
    """The valid traces that differ from this one in one answer, in the order of the decisions and options.

    The others are kept where they lead on; what is asked anew takes its first option that does.
    """
    given = trace.as_dict()

    def near(changed: dict[str, Label]) -> Walked:
        return answer_trace(space, following(Trace.of(given | changed), lambda decision, _: decision.options[0]))

    found = dict[Trace, None]()
    for decision in near({}).asked:
        for label in decision.options:
            other = near({decision.name: label}).trace
            # An option that leads nowhere is walked around, back to another answer.
            if label != given[decision.name] and other.as_dict()[decision.name] == label:
                found[other] = None
    return list(found)


def identity_of(space: Space, trace: Trace) -> Hashable:
    """The same for two valid traces that are one architecture; the answers themselves, if the space cannot tell."""
    return space.identity(trace) if proposes(space) else frozenset(trace.answers)
