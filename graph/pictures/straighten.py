"""Horizontal places for a layered drawing in which long edges run straight (Brandes and Köpf 2002).

Every item is aligned with a median neighbour into vertical blocks, four times: towards the left and the
right, along the neighbours above and below. Each of the four gives a drawing with straight blocks; the
average of the two middle ones is balanced and keeps the distances that all four keep.
"""

from collections.abc import Iterator, Sequence, Set
from itertools import pairwise

from archsmith.graph.pictures.layers import Layers

Pair = tuple[int, int]


def straighten(layers: Layers, widths: Sequence[float], *, space: float, bend_space: float) -> list[float]:
    """The centre of every item, the leftmost edge at 0.

    ``widths`` has one entry per item (0 for bends); neighbours in a row keep ``space`` between them, or
    ``bend_space`` where one of them is a bend.
    """
    if not layers.rows:
        return []
    distance = _distances(layers, widths, space, bend_space)
    yielding = _yielding(layers)
    drafts = []
    for flipped in (False, True):
        rows, near = (layers.rows[::-1], layers.below) if flipped else (layers.rows, layers.above)
        for mirrored in (False, True):
            turned = [row[::-1] for row in rows] if mirrored else rows
            roots = _blocks(turned, near, yielding)
            places = _compact(turned, roots, distance)
            drafts.append(([-x for x in places] if mirrored else places, mirrored))
    return _balanced(drafts, widths)


def _distances(layers: Layers, widths: Sequence[float], space: float, bend_space: float) -> dict[Pair, float]:
    """Least distance between the centres of neighbours, for both directions of reading a row."""
    distances = {}
    for row in layers.rows:
        for left, right in pairwise(row):
            gap = space if max(left, right) < layers.count else bend_space
            distances[left, right] = distances[right, left] = (widths[left] + widths[right]) / 2 + gap
    return distances


def _yielding(layers: Layers) -> Set[Pair]:
    """Segments (upper, lower) that nothing is aligned along, so that long edges stay straight.

    Those are the ones that cross a segment between two bends, or branch off where an edge goes on.
    """
    places = layers.positions()
    found = {pair for upper, lower in pairwise(layers.rows) for pair in _crossing(layers, places, upper, lower)}
    for bend in range(layers.count, len(layers.below)):
        if max(layers.below[bend]) >= layers.count:
            found.update((bend, node) for node in layers.below[bend] if node < layers.count)
    return found


def _crossing(layers: Layers, places: Sequence[int], upper: Sequence[int], lower: Sequence[int]) -> Iterator[Pair]:
    """Segments between two rows that cross one between bends, and are not between bends themselves."""
    left, start = 0, 0
    for i, item in enumerate(lower):
        inner = [w for w in layers.above[item] if min(w, item) >= layers.count]
        if not inner and i < len(lower) - 1:
            continue
        right = places[inner[0]] if inner else len(upper) - 1
        for below in lower[start : i + 1]:
            for above in layers.above[below]:
                if not left <= places[above] <= right and min(above, below) < layers.count:
                    yield above, below
        left, start = right, i + 1


def _blocks(rows: Sequence[Sequence[int]], near: Sequence[Sequence[int]], yielding: Set[Pair]) -> list[int]:
    """The root of every item's block: aligned with a median neighbour in the row before, never crossing."""
    places = [0] * len(near)
    for row in rows:
        for place, item in enumerate(row):
            places[item] = place
    roots = list(range(len(near)))
    for row in rows:
        taken = -1
        for item in row:
            open_to = {o for o in near[item] if (o, item) not in yielding and (item, o) not in yielding}
            others = sorted(open_to, key=places.__getitem__)
            for other in others[(len(others) - 1) // 2 : len(others) // 2 + 1]:
                if places[other] > taken and roots[item] == item:
                    roots[item] = roots[other]
                    taken = places[other]
    return roots


def _compact(rows: Sequence[Sequence[int]], roots: Sequence[int], distance: dict[Pair, float]) -> list[float]:
    """Every block as far left as its neighbours allow, then pulled towards its right ones."""
    after: dict[int, dict[int, float]] = {root: {} for root in roots}
    waiting = dict.fromkeys(after, 0)
    for row in rows:
        for left, right in pairwise(row):
            a, b = roots[left], roots[right]
            if b not in after[a]:
                waiting[b] += 1
            after[a][b] = max(after[a].get(b, 0.0), distance[left, right])
    ready = [root for root, number in waiting.items() if number == 0]
    place = dict.fromkeys(after, 0.0)
    for root in ready:
        for other, gap in after[root].items():
            place[other] = max(place[other], place[root] + gap)
            waiting[other] -= 1
            if waiting[other] == 0:
                ready.append(other)
    for root in reversed(ready):
        if after[root]:
            place[root] = max(place[root], min(place[other] - gap for other, gap in after[root].items()))
    return [place[root] for root in roots]


def _balanced(drafts: Sequence[tuple[list[float], bool]], widths: Sequence[float]) -> list[float]:
    """The mean of the two middle drafts, all of them moved onto the narrowest."""

    def extent(places: Sequence[float]) -> tuple[float, float]:
        return (
            min(x - width / 2 for x, width in zip(places, widths, strict=True)),
            max(x + width / 2 for x, width in zip(places, widths, strict=True)),
        )

    extents = [extent(places) for places, _ in drafts]
    low, high = min(extents, key=lambda ends: ends[1] - ends[0])
    moved = []
    for (places, mirrored), (left, right) in zip(drafts, extents, strict=True):
        shift = high - right if mirrored else low - left
        moved.append([x + shift for x in places])
    middle = [sum(sorted(four)[1:3]) / 2 for four in zip(*moved, strict=True)]
    left, _ = extent(middle)
    return [x - left for x in middle]
