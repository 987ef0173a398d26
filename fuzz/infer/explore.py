"""Where to ask next: moves from calls that run towards others that may run, and towards those that do not.

A record is one point; a rule needs many, on both sides of its boundary. A move changes a valid call a little: one
size, sizes that are equal together, a whole tensor, two sizes whose product stays. Which moves lead to calls that run
differs from operator to operator, so the explorer counts it and moves so that valid and refused calls come out even.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from random import Random
from types import MappingProxyType

from archsmith.fuzz.infer.halves import directions
from archsmith.fuzz.infer.probe import CAP, Probe, Values, settled, spans

Move = Callable[["Ground", Sequence[int], Random], list[int]]
"""New values from old ones; they need not be proper: that is seen to later."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What moves know of a signature.

    ``tensors`` are the places of the sizes of each, ``ties`` the sets of places whose values were equal in all valid
    calls so far, ``others`` some valid calls, ``mirrors`` the places of two directions that correspond.
    """

    width: int
    tensors: tuple[range, ...]
    extremes: frozenset[int]
    ties: tuple[tuple[int, ...], ...] = ()
    others: tuple[Values, ...] = ()
    mirrors: tuple[tuple[int, int], ...] = ()


def _small(rng: Random) -> int:
    return rng.choices((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12), (2, 5, 6, 6, 5, 4, 4, 2, 3, 1, 1))[0]


def _value(values: Sequence[int], place: int, rng: Random) -> int:
    """Another value for one place: near its old one, equal to a neighbour's, or any small number."""
    old = values[place]
    match rng.randrange(6):
        case 0:
            return old + rng.choice((-1, 1, 1, 2))
        case 1:
            return old * 2
        case 2:
            return rng.choice(values)
        case 3:
            return rng.randrange(5)
        case _:
            return _small(rng)


def _one(ground: Ground, values: Sequence[int], rng: Random) -> list[int]:
    after = list(values)
    place = rng.randrange(ground.width)
    after[place] = _value(values, place, rng)
    return after


def _equal(ground: Ground, values: Sequence[int], rng: Random) -> list[int]:
    """All or two of the places that share a value change together."""
    after = list(values)
    place = rng.randrange(ground.width)
    alike = [other for other in range(ground.width) if values[other] == values[place] and other != place]
    if len(alike) > 1 and rng.random() < 0.5:
        alike = [rng.choice(alike)]
    new = _value(values, place, rng)
    for other in (place, *alike):
        after[other] = new
    return after


def _tied(ground: Ground, values: Sequence[int], rng: Random) -> list[int]:
    """Every tie gets a value of its own: as far from the old call as what was seen so far allows."""
    after = list(values)
    for tie in ground.ties:
        if rng.random() < 0.7:
            new = max(1, _small(rng)) if tie[0] not in ground.extremes else _small(rng)
            for place in tie:
                after[place] = new
    return after


def _cross(ground: Ground, values: Sequence[int], rng: Random) -> list[int]:
    other = rng.choice(ground.others) if ground.others else values
    if ground.tensors and rng.random() < 0.5:
        taken = set(rng.choice(ground.tensors))
    else:
        taken = {place for place in range(ground.width) if rng.random() < 0.5}
    return [other[place] if place in taken else value for place, value in enumerate(values)]


def _swap(ground: Ground, values: Sequence[int], rng: Random) -> list[int]:
    after = list(values)
    a, b = rng.randrange(ground.width), rng.randrange(ground.width)
    after[a], after[b] = after[b], after[a]
    return after


def _tensor(ground: Ground, values: Sequence[int], rng: Random) -> list[int]:
    after = list(values)
    for place in rng.choice(ground.tensors) if ground.tensors else range(ground.width):
        after[place] = _small(rng)
    return after


def _arithmetic(ground: Ground, values: Sequence[int], rng: Random) -> list[int]:
    """One place gets the product, sum, difference or quotient of two others."""
    after = list(values)
    place, a, b = (rng.randrange(ground.width) for _ in range(3))
    x, y = values[a], values[b]
    after[place] = rng.choice((x * y, x + y, x - y, x // y if y > 0 else x))
    return after


def _moved(ground: Ground, values: Sequence[int], rng: Random) -> list[int]:
    """A factor or an amount goes from one place to another: products and sums stay."""
    after = list(values)
    a, b = rng.randrange(ground.width), rng.randrange(ground.width)
    factor = rng.choice((2, 3, 1, -1))
    if factor > 1 and values[b] % factor == 0:
        after[a], after[b] = values[a] * factor, values[b] // factor
    else:
        after[a], after[b] = values[a] + factor, values[b] - factor
    return after


def _together(ground: Ground, values: Sequence[int], rng: Random) -> list[int]:
    """Two places grow or shrink alike, by an amount or by a factor."""
    after = list(values)
    a, b = rng.randrange(ground.width), rng.randrange(ground.width)
    factor, amount = rng.choice(((1, 1), (1, -1), (1, 2), (2, 0)))
    for place in {a, b}:
        after[place] = values[place] * factor + amount
    return after


def _mirrored(ground: Ground, values: Sequence[int], rng: Random) -> list[int]:
    """One direction becomes as the other, or one thing of it: height and width, and what belongs to either."""
    after = list(values)
    pairs = ground.mirrors if rng.random() < 0.7 else rng.sample(ground.mirrors, 1)
    swapped = rng.random() < 0.5
    for pair in pairs:
        one, other = reversed(pair) if swapped else pair
        after[one] = values[other]
    return after


def _edge(ground: Ground, values: Sequence[int], rng: Random) -> list[int]:
    """Some places become 1, or 0."""
    new = rng.choice((1, 1, 0))
    return [new if rng.random() < 0.3 else value for value in values]


def _anywhere(ground: Ground, values: Sequence[int], rng: Random) -> list[int]:
    return [_small(rng) - (1 if place in ground.extremes else 0) for place in range(ground.width)]


MOVES: Mapping[str, Move] = MappingProxyType(
    {
        "one": _one,
        "equal": _equal,
        "tied": _tied,
        "cross": _cross,
        "swap": _swap,
        "tensor": _tensor,
        "arithmetic": _arithmetic,
        "moved": _moved,
        "together": _together,
        "mirrored": _mirrored,
        "edge": _edge,
        "anywhere": _anywhere,
    }
)


PAIRS = 80
"""Of how many pairs of symbols both are doubled in the first look around a call."""


def ties(rows: Sequence[Values], width: int) -> tuple[tuple[int, ...], ...]:
    """The places grouped by equality in all rows."""
    columns: dict[tuple[int, ...], list[int]] = {}
    for place in range(width):
        columns.setdefault(tuple(row[place] for row in rows), []).append(place)
    return tuple(map(tuple, columns.values()))


@dataclass(slots=True)
class Explorer:
    """Asks about new points of a probe, moving from its valid ones."""

    probe: Probe
    rng: Random
    tried: dict[str, list[int]] = field(default_factory=lambda: {name: [1, 1] for name in MOVES})

    def systematic(self, values: Values) -> list[Values]:
        """One change at a time, of every symbol and of every two that are equal: the first look around a call."""
        signature = self.probe.signature
        most = self._most()
        places = range(len(values))
        changes: list[dict[int, int]] = []
        for place in places:
            old = values[place]
            changes += [{place: new} for new in (0, 1, old - 1, old + 1, old * 2)]
        pairs = [pair for pair in combinations(places, 2) if min(values[pair[0]], values[pair[1]]) > 0]
        for a, b in pairs if len(pairs) <= PAIRS else self.rng.sample(pairs, PAIRS):
            changes.append({a: values[a] * 2, b: values[b] * 2})
        alike = [pair for pair in combinations(places, 2) if values[pair[0]] == values[pair[1]]]
        for a, b in alike[:30]:
            changes += [{a: new, b: new} for new in (1, values[a] + 1)]
        after = ([change.get(place, old) for place, old in enumerate(values)] for change in changes)
        proper = (settled(signature, point, most=most) for point in after)
        return list(dict.fromkeys(point for point in proper if point is not None))

    def widen(self, number: int) -> list[Values]:
        """Ask about new points, by moves that are chosen so that as many run as do not; fewer if there are no more."""
        valid = list(self.probe.valid)
        if not valid or not self.probe.signature.symbols:
            return []
        ground = self._ground(valid)
        short_of_valid = len(valid) * 2 < len(self.probe.seen)
        names = [name for name in MOVES if name != "mirrored" or ground.mirrors]
        weights = [self._weight(name, short_of_valid=short_of_valid) for name in names]
        found: dict[Values, str] = {}
        for _ in range(number * 6):
            if len(found) >= number:
                break
            name = self.rng.choices(names, weights)[0]
            parent = self.rng.choice(valid)
            after = settled(self.probe.signature, MOVES[name](ground, parent, self.rng), most=self._most())
            if after is not None and after not in self.probe.seen:
                found.setdefault(after, name)
        return self._asked(found)

    def _asked(self, found: Mapping[Values, str]) -> list[Values]:
        points = list(found)
        self.probe.see(points)
        for point in points:
            self.tried[found[point]][0 if point in self.probe.valid else 1] += 1
        return points

    def _weight(self, name: str, *, short_of_valid: bool) -> float:
        valid, refused = self.tried[name]
        return 0.05 + (valid if short_of_valid else refused) / (valid + refused)

    def _most(self) -> int:
        """No symbol goes further than twice the greatest one that was there from the start."""
        first = next(iter(self.probe.seen), ())
        return max(CAP, 2 * max(first, default=0))

    def _ground(self, valid: Sequence[Values]) -> Ground:
        signature = self.probe.signature
        tensors, extremes = [], set()
        for start, rank, valued in spans(signature):
            tensors.append(range(start, start + rank))
            if valued:
                extremes |= {start + rank, start + rank + 1}
        width = len(signature.symbols)
        others = tuple(self.rng.sample(valid, min(len(valid), 12)))
        filled = tuple(places for places in tensors if len(places) > 0)
        one, other, _ = directions(signature.symbols)
        place = signature.symbols.index
        mirrors = tuple((place(a), place(b)) for a, b in zip(one, other, strict=True)) if len(one) > 1 else ()
        return Ground(width, filled, frozenset(extremes), ties(valid, width), others, mirrors)


def explore(explorer: Explorer, seeds: Sequence[Values], calls: int) -> None:
    """Ask about the seeds, then around the first of them that run, until that many calls were asked.

    Nothing is proposed where no seed runs.
    """
    probe = explorer.probe
    probe.see(seeds)
    running = [values for values in seeds if values in probe.valid][:2]
    for values in running:
        around = explorer.systematic(values)
        probe.see(around if len(around) <= calls // 2 else explorer.rng.sample(around, calls // 2))
    while len(probe.seen) < calls and explorer.widen(min(48, calls - len(probe.seen))):
        pass
