"""The rows of a layered drawing, and the order within them (Sugiyama, Tagawa and Toda 1981).

An edge that spans several rows is broken at every row between by a *bend*, an item without a size of its own.
All edges that carry one value share their bends, so a value with ten users runs down the page as one line.
Orders are found by barycentre sweeps, then by swapping neighbours as long as that removes crossings.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 16
PATIENCE = 4
SWAP_LIMIT = 1500
"""Most segments for which neighbours are swapped one by one; larger drawings stay as swept."""


@dataclass(frozen=True, slots=True)
class Link:
    """An edge: output ``port`` of node ``source`` into input ``slot`` of node ``target``."""

    source: int
    port: int
    target: int
    slot: int


@dataclass(frozen=True, slots=True)
class Layers:
    """Items in rows, top first. Items below ``count`` are the nodes, the others are bends.

    ``above`` and ``below`` list the neighbours of every item in the rows next to it; ``chains`` has, for each
    link, the items from its source to its target, one a row.
    """

    count: int
    rows: list[list[int]]
    above: list[list[int]]
    below: list[list[int]]
    chains: list[tuple[int, ...]]

    def positions(self) -> list[int]:
        """The place of every item within its row."""
        places = [0] * len(self.above)
        for row in self.rows:
            for place, item in enumerate(row):
                places[item] = place
        return places


def arrange(count: int, links: Sequence[Link]) -> Layers:
    """Rows for nodes 0..count-1; every link must lead from a lower to a higher number."""
    layers = _bent(_ranks(count, links), links)
    _order(layers)
    return layers


def _ranks(count: int, links: Sequence[Link]) -> list[int]:
    """Row numbers by longest path from the top; nodes without inputs stand just above their first user."""
    ranks = [0] * count
    for link in sorted(links, key=lambda link: link.target):
        ranks[link.target] = max(ranks[link.target], ranks[link.source] + 1)
    fed = {link.target for link in links}
    first: dict[int, int] = {}
    for link in links:
        first[link.source] = min(first.get(link.source, count), ranks[link.target])
    return [first[i] - 1 if i not in fed and i in first else rank for i, rank in enumerate(ranks)]


def _bent(ranks: Sequence[int], links: Sequence[Link]) -> Layers:
    rows: list[list[int]] = [[] for _ in range(max(ranks, default=-1) + 1)]
    for item, rank in enumerate(ranks):
        rows[rank].append(item)
    layers = Layers(len(ranks), rows, [[] for _ in ranks], [[] for _ in ranks], [])
    trunks: dict[tuple[int, int], list[int]] = {}
    for link in links:
        trunk = trunks.setdefault((link.source, link.port), [link.source])
        span = ranks[link.target] - ranks[link.source]
        while len(trunk) < span:
            _join(layers, trunk[-1], _bend(layers, ranks[link.source] + len(trunk)))
            trunk.append(len(layers.above) - 1)
        chain = (*trunk[:span], link.target)
        _join(layers, chain[-2], chain[-1])
        layers.chains.append(chain)
    return layers


def _bend(layers: Layers, row: int) -> int:
    item = len(layers.above)
    layers.above.append([])
    layers.below.append([])
    layers.rows[row].append(item)
    return item


def _join(layers: Layers, upper: int, lower: int) -> None:
    layers.below[upper].append(lower)
    layers.above[lower].append(upper)


def _order(layers: Layers) -> None:
    """Reorders every row in place to the fewest crossings found."""
    best, fewest, waited = [list(row) for row in layers.rows], crossings(layers), 0
    for sweep in range(SWEEPS):
        if fewest == 0 or waited == PATIENCE:
            break
        _sweep(layers, down=sweep % 2 == 0)
        now = crossings(layers)
        waited = 0 if now < fewest else waited + 1
        if now < fewest:
            best, fewest = [list(row) for row in layers.rows], now
    layers.rows[:] = best
    if fewest and sum(map(len, layers.below)) <= SWAP_LIMIT:
        while _swap(layers):
            pass


def _sweep(layers: Layers, *, down: bool) -> None:
    rows, near = (layers.rows, layers.above) if down else (layers.rows[::-1], layers.below)
    for fixed, row in pairwise(rows):
        place = {item: i for i, item in enumerate(fixed)}
        keys = {}
        for i, item in enumerate(row):
            known = [place[other] for other in near[item]]
            keys[item] = sum(known) / len(known) if known else i * len(fixed) / len(row)
        row.sort(key=keys.__getitem__)


def _swap(layers: Layers) -> bool:
    """One pass over all neighbours; whether any swap removed a crossing."""
    places, improved = layers.positions(), False
    for row in layers.rows:
        for i in range(len(row) - 1):
            left, right = row[i], row[i + 1]
            gain = 0
            for near in (layers.above, layers.below):
                ours = sorted(places[item] for item in near[left])
                theirs = sorted(places[item] for item in near[right])
                gain += _inversions(ours, theirs) - _inversions(theirs, ours)
            if gain > 0:
                row[i], row[i + 1] = right, left
                places[left], places[right] = i + 1, i
                improved = True
    return improved


def _inversions(left: Sequence[int], right: Sequence[int]) -> int:
    """Crossings between the edges of two neighbours whose other ends stand, in order, at these places."""
    return sum(bisect_left(right, place) for place in left)


def crossings(layers: Layers) -> int:
    """How many pairs of segments cross, summed over all gaps between rows."""
    places, total = layers.positions(), 0
    for row in layers.rows:
        seen: list[int] = []
        for item in row:
            ends = sorted(places[other] for other in layers.below[item])
            total += sum(len(seen) - _at_most(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _at_most(ordered: Sequence[int], value: int) -> int:
    return bisect_left(ordered, value + 1)
