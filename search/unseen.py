"""Proposing what is not known yet: a trace that was told or is pending is not worth a second trial."""

from collections.abc import Callable, Iterable
from random import Random

from archsmith.spaces.decisions import Derivation, Label, Space, Trace, randomly, replay
from archsmith.spaces.sampling import DeadEnds, around

TRIES = 32
"""Known proposals in a row after which the space is asked what it has left."""

Answers = frozenset[tuple[str, Label]]
"""What a trace answers, whatever the order: a trace that comes back from a store may have lost it."""

Known = dict[Answers, Trace]


def known(traces: Iterable[Trace]) -> Known:
    """The traces by their answers."""
    return {frozenset(trace.answers): trace for trace in traces}


def unseen(space: Space, propose: Callable[[], Derivation], seen: Known, rng: Random) -> Trace:
    """The first proposal that is not ``seen``; if ``TRIES`` of them are, any other architecture of the space.

    Only where the space has no other, or none that ``around`` can find, a trace comes a second time.
    """
    for _ in range(TRIES):
        trace = propose().trace
        if frozenset(trace.answers) not in seen:
            return trace
    other = remaining(space, seen, rng)
    return trace if other is None else other


def remaining(space: Space, seen: Known, rng: Random) -> Trace | None:
    """A random trace of the space without those ``seen``, or None: what is known counts as a dead end."""
    closed = DeadEnds()
    for trace in seen.values():
        closed.bury(replay(space, trace))
    found = around(space, randomly(rng), closed) if not closed.everything else None
    return found.trace if found is not None and found.graph is not None else None
