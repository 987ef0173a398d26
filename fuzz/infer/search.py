"""Looking for assignments that meet demands: by repairing random rows, and by Z3 where that finds nothing.

A solver's own models have no variety and cost a millisecond each. Here random rows are repaired, all at once: a symbol
of a broken demand takes the value with which fewest are broken. Only where that finds nothing new is Z3 asked, with
random values proposed that it may refuse.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from archsmith.fuzz.infer.columns import Mask, Vector
from archsmith.fuzz.infer.solver import At, Domain, met
from archsmith.graph.expr import Expr, symbols
from archsmith.spaces.terms import as_term

BATCH = 48, 192
"""The least and the most rows that are repaired together."""

SWEEPS = 8
"""How often the symbols of broken constraints are gone through for one batch."""

BARREN = 2
"""Batches without a new row after which Z3 is asked."""

MOST_VALUES = 48
"""Values that are tried for one symbol; of wider ranges, the small ones and random others."""

TRIES = 24
"""Questions to Z3 for one set of constraints."""

EFFORT = 400_000
"""Z3's own steps for one of them."""

Values = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Demand:
    """A constraint, and whether it is to hold or not to hold."""

    constraint: Expr
    wanted: bool = True

    def met(self, at: At) -> Mask:
        return np.asarray(met(self.constraint, at) == self.wanted)


@dataclass(frozen=True, slots=True)
class Search:
    """Demands, the domain's own among them; the places of those that each symbol is in."""

    demands: tuple[Demand, ...]
    domain: Domain
    names: tuple[str, ...]
    place: Mapping[str, int]
    uses: Mapping[str, tuple[int, ...]]
    generator: np.random.Generator

    @classmethod
    def over(cls, demands: Sequence[Demand], domain: Domain, rng: Random) -> "Search":
        every = (*demands, *map(Demand, domain.always))
        names = tuple(domain.bounds)
        uses = {
            name: tuple(k for k, demand in enumerate(every) if name in symbols(demand.constraint)) for name in names
        }
        place = {name: k for k, name in enumerate(names)}
        return cls(every, domain, names, place, uses, np.random.default_rng(rng.getrandbits(64)))

    def found(self, number: int, avoiding: Collection[Values]) -> Iterator[Values]:
        """Different rows that meet all demands, until there are so many or no more are found."""
        taken, barren = {*avoiding}, 0
        while number > 0 and barren < BARREN:
            count = min(max(3 * number, BATCH[0]), BATCH[1])
            fresh = [row for row in map(tuple, self._batch(count).tolist()) if row not in taken]
            fresh = list(dict.fromkeys(fresh))[:number]
            barren = 0 if fresh else barren + 1
            taken.update(fresh)
            number -= len(fresh)
            yield from fresh
        if number > 0:
            yield from self._solved(number, taken)

    def at(self, rows: Vector, name: str = "", candidates: Vector | None = None) -> At:
        """The columns of rows; with candidates for one symbol, an axis for these is added to all."""
        if candidates is None:
            return {other: rows[:, place] for other, place in self.place.items()}
        columns: dict[str, Vector] = {other: rows[:, place, None] for other, place in self.place.items()}
        columns[name] = candidates[None, :]
        return columns

    def candidates(self, name: str) -> Vector:
        """Values that are tried for a symbol."""
        every = self.domain.of(name)
        if len(every) <= MOST_VALUES:
            return np.array(every, np.int64)
        half = MOST_VALUES // 2
        near = [value for value in range(-2, half) if value in every]
        return np.union1d(near, self.generator.integers(every[0], every[-1] + 1, half))

    def _batch(self, count: int) -> Vector:
        rows = self._drawn(count)
        for _ in range(SWEEPS):
            held = self._held(rows)
            open_ = np.flatnonzero(~held.all(axis=0))
            if not len(open_):
                break
            rows[open_] = self._swept(rows[open_], held[:, open_])
        return rows[self._held(rows).all(axis=0)]

    def _drawn(self, count: int) -> Vector:
        """Random rows, of small values mostly, that have often two equal values."""
        palette = np.stack([self.generator.integers(1, 5, count), self.generator.integers(1, 9, count)], axis=1)
        columns = []
        for name in self.names:
            least, most = self.domain.bounds[name]
            near = palette[np.arange(count), self.generator.integers(0, 2, count)]
            small = np.minimum(self.generator.geometric(0.3, count), most)
            drawn = np.where(self.generator.random(count) < 0.5, near, small)
            anywhere = self.generator.random(count) < 0.2
            drawn = np.where(anywhere, self.generator.integers(least, most + 1, count), drawn)
            drawn[self.generator.random(count) < 0.06] = 0
            columns.append(np.clip(drawn, least, most))
        return np.stack(columns, axis=1) if columns else np.zeros((count, 0), np.int64)

    def _held(self, rows: Vector) -> Mask:
        """Which demands are met, of shape (demands, rows)."""
        at = self.at(rows)
        held = [np.broadcast_to(demand.met(at), len(rows)) for demand in self.demands]
        return np.array(held, bool).reshape(len(self.demands), len(rows))

    def _swept(self, rows: Vector, held: Mask) -> Vector:
        """Each symbol of a broken demand, in random order, takes a value with which fewest are broken."""
        for place in self.generator.permutation(len(self.names)).tolist():
            uses = list(self.uses[self.names[place]])
            touched = np.flatnonzero(~held[uses].all(axis=0)) if uses else np.zeros(0, np.int64)
            touched = touched[self.generator.random(len(touched)) < 0.8]  # else all rows would be repaired alike
            if len(touched):
                rows[touched, place], held[np.array(uses)[:, None], touched] = self._mended(rows[touched], place, uses)
        return rows

    def _mended(self, rows: Vector, place: int, uses: Sequence[int]) -> tuple[Vector, Mask]:
        """The best value of one symbol for each row, small ones rather than others; and what is met then."""
        name = self.names[place]
        candidates = self.candidates(name)
        at = self.at(rows, name, candidates)
        shape = (len(rows), len(candidates))
        held = np.array([np.broadcast_to(self.demands[use].met(at), shape) for use in uses])
        weight = np.where(candidates == 0, 0.1, 1 / np.maximum(np.abs(candidates), 1) ** 0.7)
        taste = np.log(weight)[None, :] + self.generator.gumbel(size=shape)
        best = (held.sum(axis=0) * 1000.0 + taste).argmax(axis=1)
        return candidates[best], held[:, np.arange(len(rows)), best]

    def _solved(self, number: int, taken: set[Values]) -> Iterator[Values]:
        """What Z3 makes of random rows of which it keeps as many values as it can."""
        import z3

        context = z3.Context()
        solver = z3.Solver(ctx=context)
        solver.set("rlimit", EFFORT)
        numbers = [z3.Int(name, context) for name in self.names]
        for symbol, (least, most) in zip(numbers, self.domain.bounds.values(), strict=True):
            solver.add(symbol >= least, symbol <= most)
        for demand in self.demands:
            holds = as_term(demand.constraint, context).holds
            solver.add(holds if demand.wanted else z3.Not(holds))
        barren = 0
        for proposal in self._drawn(TRIES).tolist():
            row = _kept(solver, numbers, proposal, self.generator.permutation(len(numbers)).tolist())
            if row is None or number == 0 or barren == BARREN:
                return
            barren = barren + 1 if row in taken else 0
            if not barren:
                taken.add(row)
                number -= 1
                yield row


def _kept(solver: Any, numbers: Sequence[Any], proposal: Sequence[int], order: Sequence[int]) -> Values | None:
    """A model with the proposed values, less those that Z3 finds to be in its way; None if there is no model."""
    import z3

    wanted = [numbers[place] == proposal[place] for place in order]
    while True:
        answer = solver.check(*wanted)
        if answer == z3.sat:
            model = solver.model()
            return tuple(model.eval(number, model_completion=True).as_long() for number in numbers)
        core = {wish.get_id() for wish in solver.unsat_core()} if answer == z3.unsat else set()
        if not wanted or (answer == z3.unsat and not core):
            return None
        # The last of them goes: the order is random, so that another one goes for the next proposal.
        last = max((k for k, wish in enumerate(wanted) if wish.get_id() in core), default=len(wanted) // 2)
        wanted = wanted[:last] + wanted[last + 1 :] if core else wanted[:last]
