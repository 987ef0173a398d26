"""Sampling where every architecture that a trace can lead to is equally likely.

``sample`` draws decision by decision, which favours small branches: one of two branches is taken half of the time,
however many architectures are behind it. Here the counts decide.
"""

from itertools import accumulate
from random import Random

from archsmith.graph.errors import UserError
from archsmith.spaces.counting import Counts
from archsmith.spaces.course import Course
from archsmith.spaces.decisions import Derivation, Trace, replay
from archsmith.spaces.space import TreeSpace


def uniformly(space: TreeSpace, rng: Random) -> Derivation:
    """A valid architecture, every valid trace equally likely whatever the weights; it counts the space first.

    Raises:
        UserError: no architecture of the space is valid, or a part decides by more than the type that comes in.
    """
    return one_of(space, Counts(space.reach), rng)


def one_of(space: TreeSpace, counts: Counts, rng: Random) -> Derivation:
    """The same from ``Counts(space.reach)`` made before: to draw many, count once.

    Raises:
        UserError: as ``uniformly`` does.
    """
    found = replay(space, draw_uniformly(space, counts, rng))
    if found.graph is None:
        raise UserError(f"a part of this space must decide by the type that comes in alone; got {found.dead_end}")
    return found


def draw_uniformly(space: TreeSpace, counts: Counts, rng: Random) -> Trace:
    """The trace alone; builds nothing."""
    if not counts.size:
        raise UserError(f"no architecture of this space is valid; the first dead end: {space.reach.diagram.reason}")
    course = Course(space.reach)
    while course.ask is not None:
        live = course.live()
        sizes = list(accumulate(counts.behind(edge, course.spent) for edge in live.edges))
        # A number below the whole, as whole numbers: a float has not the digits for 10^30.
        drawn = rng.randrange(sizes[-1])
        course.take(live, next(place for place, most in enumerate(sizes) if drawn < most))
    return Trace(tuple(course.answers))
