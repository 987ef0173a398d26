"""Sampling where every architecture that a trace can lead to is equally likely.

``sample`` draws decision by decision, which favours small branches: one of two branches is taken half of the time,
however many architectures are behind it. Here the counts decide.
"""

from random import Random

from archsmith.graph.errors import UserError
from archsmith.spaces.bags import Bag, draw_labels
from archsmith.spaces.counting import walks
from archsmith.spaces.decisions import Decision, Derivation, Label, Prefix, derive
from archsmith.spaces.space import TreeSpace


def uniformly(space: TreeSpace, rng: Random) -> Derivation:
    """A valid architecture, every valid trace equally likely whatever the weights; it counts the space first.

    Raises:
        UserError: no architecture of the space is valid, or a part decides by more than the type that comes in.
    """
    return one_of(space, walks(space), rng)


def one_of(space: TreeSpace, counted: Bag, rng: Random) -> Derivation:
    """The same from ``walks(space)`` counted before: to draw many, count once.

    Raises:
        UserError: as ``uniformly`` does.
    """
    if not counted.size:
        dead = derive(space, lambda decision, prefix: decision.options[0])
        raise UserError(f"no architecture of this space is valid; its first dead end: {dead.dead_end}")
    labels = draw_labels(counted, rng)

    def answer(decision: Decision, prefix: Prefix) -> Label:
        return labels[len(prefix)]

    found = derive(space, answer)
    if found.graph is None:
        raise UserError(f"a part of this space must decide by the type that comes in alone; got {found.dead_end}")
    return found
