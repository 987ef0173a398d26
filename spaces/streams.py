"""Architectures without end, for a loop of one's own; ``enumeration`` has the ones that come to one."""

from collections.abc import Iterator
from random import Random

from archsmith.spaces.decisions import Derivation, Space
from archsmith.spaces.sampling import sample


def samples(space: Space, rng: Random) -> Iterator[Derivation]:
    """One valid architecture after another, drawn as ``sample`` does; one may come twice.

    Raises:
        UserError: no architecture of the space is valid.
    """
    while True:
        yield sample(space, rng)
