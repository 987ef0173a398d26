"""Weights of a layer that became wider, or whose kernel grew, so that it computes what it did (Chen et al. 2016).

A layer that gains units gets copies of those it has, and the next layer shares out the weight that it gave to a unit
among its copies (Net2WiderNet). Two things are as the paper leaves room for. Units are copied as evenly as possible
and the same ones wherever a width grows from n to m, so that the two sides of a residual sum keep agreeing. The shares
are drawn at random, anew for each unit that they go to, and sum to one: equal ones would give the copies equal
gradients for ever, against which the paper adds noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Which of a parent's units those of a value descend from: ``index[j]`` of ``width``, along dimension ``dim``."""

    dim: int
    index: Tensor
    width: int

    def __len__(self) -> int:
        return len(self.index)

    def at(self, dim: int) -> "Units":
        """The same units along another dimension."""
        return Units(dim, self.index, self.width)


def unchanged(dim: int, width: int) -> Units:
    """Each unit descends from itself."""
    return Units(dim, torch.arange(width), width)


def widened(dim: int, old: int, new: int, seed: int) -> Units:
    """All ``old`` units, and copies of them up to ``new``: no unit is copied twice before each is copied once."""
    source, copies = Random(f"{seed}/{old}/{new}"), list[int]()
    while len(copies) < new - old:
        copies += source.sample(range(old), old)
    return Units(dim, torch.tensor([*range(old), *copies[: new - old]]), old)


def shares(units: Units, rows: int, source: torch.Generator) -> Tensor:
    """What each of ``rows`` takes of each unit, ``[rows, units]``: those of one unit's copies sum to 1 in every row.

    The largest is at most three times the smallest; a unit without copies has just 1.
    """
    drawn = torch.rand(rows, len(units), generator=source) + 0.5
    sums = torch.zeros(rows, units.width).index_add(1, units.index, drawn)
    return drawn / sums[:, units.index]


def grown(
    weight: Tensor,
    kernel: Sequence[int],
    outgoing: Units,
    incoming: Units,
    axes: tuple[int, int],
    source: torch.Generator,
) -> Tensor:
    """The weight of a dense layer for more units on either side and a kernel at least as large.

    ``axes`` are the weight's axes of units that leave and that enter. A larger kernel has zeros around the old one.
    """
    leave, enter = axes
    copied = weight.index_select(leave, outgoing.index).index_select(enter, incoming.index)
    share = shares(incoming, len(outgoing), source)
    share = share if leave < enter else share.T
    return padded(copied * share.reshape(*share.shape, *[1] * len(kernel)), kernel)


def padded(weight: Tensor, kernel: Sequence[int]) -> Tensor:
    """The weight with zeros around its last dimensions up to the sizes of ``kernel``.

    Padding "same" puts (size - 1) // 2 in front of the image, so the old kernel moves by the difference of that.
    """
    pads = list[int]()
    for old, new in zip(reversed(weight.shape[weight.dim() - len(kernel) :]), reversed(kernel), strict=True):
        front = (new - 1) // 2 - (old - 1) // 2
        pads += [front, new - old - front]
    return functional.pad(weight, pads) if pads else weight
