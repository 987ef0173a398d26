"""Traces of any space, for searchers: as cheaply as the space can give them, and never one of a dead end.

A space that looks ahead over its tree gives traces without building a network; any other is walked.
"""

from collections.abc import Hashable
from random import Random
from typing import Protocol, runtime_checkable

from archsmith.graph.graph import Graph
from archsmith.spaces.decisions import Answer, Space, Steps, Trace, Walked
from archsmith.spaces.sampling import feasible, mutate, sample


@runtime_checkable
class Proposing(Protocol):
    """A space that gives traces by itself, as those of ``search_space`` do."""

    def walk(self) -> Steps[Graph]: ...

    def text(self) -> str: ...

    def draw(self, rng: Random) -> Trace: ...

    def mutated(self, trace: Trace, rng: Random) -> Trace: ...

    def answered(self, answer: Answer) -> Walked: ...

    def identity(self, trace: Trace) -> Hashable: ...


def draw_trace(space: Space, rng: Random) -> Trace:
    """A valid trace, every option of every decision as likely as its weight (``UserError`` if there is none)."""
    return space.draw(rng) if isinstance(space, Proposing) else sample(space, rng).trace


def mutate_trace(space: Space, trace: Trace, rng: Random) -> Trace:
    """The trace with one decision answered otherwise and the others kept where they can be.

    A space with a single architecture gives that one back.
    """
    return space.mutated(trace, rng) if isinstance(space, Proposing) else mutate(space, trace, rng).trace


def answer_trace(space: Space, answer: Answer) -> Walked:
    """The valid trace that ``answer`` leads to; dead ends are walked around, so it may be asked anew.

    It is asked only decisions of two options or more. What is ``asked`` holds those with one option left, too.
    """
    if isinstance(space, Proposing):
        return space.answered(answer)
    found = feasible(space, answer)
    return Walked(found.trace, found.asked)


def identity_of(space: Space, trace: Trace) -> Hashable:
    """The same for two valid traces that are one architecture; the answers themselves, if the space cannot tell."""
    return space.identity(trace) if isinstance(space, Proposing) else frozenset(trace.answers)
