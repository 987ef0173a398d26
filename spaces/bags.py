"""Bags of walks, held as sums and products: how many they are, and any one of them, without writing them out.

A walk here is the labels that it answers with, in the order asked. A bag of 10^30 walks through forty blocks is a few
hundred small objects, since equal blocks share theirs (a deterministic decomposable circuit: Darwiche 2001).
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import TypeVar

from archsmith.spaces.decisions import Label

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True, eq=False)
class One:
    """A single walk."""

    labels: tuple[Label, ...] = ()

    @property
    def size(self) -> int:
        return 1


@dataclass(frozen=True, slots=True, eq=False)
class Both:
    """Every walk of ``first``, followed by every one of ``second``."""

    first: "Bag" = field(repr=False)
    second: "Bag" = field(repr=False)
    size: int


@dataclass(frozen=True, slots=True, eq=False)
class Either:
    """The walks of all the ``bags``, which have none in common."""

    bags: "tuple[Bag, ...]" = field(repr=False)
    size: int


Bag = One | Both | Either

EMPTY_WALK = One()


def both(first: Bag, second: Bag) -> Bag:
    """The walks through two parts, one after the other."""
    if first is EMPTY_WALK:
        return second
    return first if second is EMPTY_WALK else Both(first, second, first.size * second.size)


def either(bags: Iterable[Bag]) -> Bag:
    """The walks of one bag or another; of none, no walk at all."""
    held = tuple(bags)
    return held[0] if len(held) == 1 else Either(held, sum(bag.size for bag in held))


def gathered(found: Iterable[tuple[K, Bag]]) -> dict[K, Bag]:
    """The walks that lead to each outcome."""
    by_outcome: defaultdict[K, list[Bag]] = defaultdict(list)
    for outcome, bag in found:
        by_outcome[outcome].append(bag)
    return {outcome: either(bags) for outcome, bags in by_outcome.items()}


def draw_labels(bag: Bag, rng: Random) -> tuple[Label, ...]:
    """The labels of one walk of the bag, which must not be empty, every walk equally likely."""
    labels: list[Label] = []
    waiting = [bag]
    while waiting:
        match waiting.pop():
            case One(labels=given):
                labels += given
            case Both(first=first, second=second):
                waiting += [second, first]
            case Either(bags=bags, size=size):
                waiting.append(_at(bags, rng.randrange(size)))
    return tuple(labels)


def _at(bags: tuple[Bag, ...], place: int) -> Bag:
    """The bag that holds the walk at that place, counted through all of them."""
    return bags[bisect_right(list(accumulate(bag.size for bag in bags)), place)]
