"""Bottom-up enumeration of integer expressions, kept apart by their values on the records.

Expressions are rows of arrays: vectors of values, a hash of each vector, and which operation on which two earlier rows
made it. Of those that agree on all records only the first, which is the simplest, stays. The hash is linear (a dot
product modulo 2**64 with random odd weights), so that sums and differences are known to be new before they are
computed, and the missing part of a sum is found by looking up a number.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import overload

import numpy as np

from archsmith.fuzz.infer.columns import Columns, Mask, Vector, combined
from archsmith.fuzz.infer.prune import COMMUTATIVE, OPERATIONS, Effort, Rarity
from archsmith.graph.expr import Apply, Expr, Lit, Sym

HUGE = 2**31
"""Vectors with larger entries are not kept: products of two must fit 64 bits."""

CHUNK = 4096
"""How many vectors are computed at once."""

BROAD = Effort(terms=4000)
"""For predicates: they are made of many terms, of which each is small."""

_NAMES = tuple(OPERATIONS)
_DIVISIONS = frozenset({"//", "%"})
_CHOICES = frozenset({"min", "max", "broadcast"})


def weights(rows: int) -> Vector:
    """The odd 64-bit numbers of the hash, the same in every process."""
    drawn = np.random.default_rng(20230913).integers(-(2**63), 2**63 - 1, rows, dtype=np.int64)
    odd: Vector = drawn | 1
    return odd


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """Distinct expressions and their values on the same records, simplest first.

    ``vectors`` has a row for each expression; where it has no value ``defined`` is false and a 0 stands. ``counts``
    says how often each symbol occurs, and literals, divisions and choices in the last three columns. ``positive`` says
    which may be divisors: those that are positive on all ``needed`` records.
    """

    atoms: tuple[Expr, ...]
    needed: Mask
    vectors: Vector
    defined: Mask
    hashes: Vector
    counts: Vector
    positive: Mask
    literal: Mask
    level: Vector
    operation: Vector
    left: Vector
    right: Vector
    _written: dict[int, Expr] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def plain(self) -> Mask:
        """Which are sums and products only."""
        return np.asarray(self.counts[:, -2:].sum(axis=1) == 0)

    def expr(self, place: int) -> Expr:
        if place < len(self.atoms):
            return self.atoms[place]
        found = self._written.get(place)
        if found is None:
            operation = _NAMES[self.operation[place]]
            left, right = self.expr(int(self.left[place])), self.expr(int(self.right[place]))
            parts = (right, left) if operation == "*" and isinstance(right, Lit) else (left, right)
            found = self._written[place] = Apply(operation, parts)
        return found


def started(columns: Columns, atoms: Sequence[tuple[Expr, Vector]], *, needed: Mask | None = None) -> Bank:
    """A bank of these expressions with their vectors; duplicates are dropped."""
    vectors = np.array([vector for _, vector in atoms], np.int64).reshape(len(atoms), columns.count)
    hashes = vectors @ weights(columns.count)
    _, first = np.unique(hashes, return_index=True)
    keep = np.sort(first)
    kept = tuple(atoms[place][0] for place in keep)
    needed = np.ones(columns.count, bool) if needed is None else needed
    none = np.full(len(keep), -1, np.int64)
    return Bank(
        kept,
        needed,
        vectors[keep],
        np.ones((len(keep), columns.count), bool),
        hashes[keep],
        np.array([_counted(expr, columns.names) for expr in kept], np.int64).reshape(len(keep), -1),
        np.asarray((vectors[keep][:, needed] > 0).all(axis=1)),
        np.array([isinstance(expr, Lit) for expr in kept], bool),
        np.zeros(len(keep), np.int64),
        *(none, none, none),
    )


def _counted(expr: Expr, names: Sequence[str]) -> list[int]:
    match expr:
        case Lit():
            return [0] * len(names) + [1, 0, 0]
        case Sym(name):
            return [int(name == other) for other in names] + [0, 0, 0]
        case Apply(operation, arguments):
            here = [0] * (len(names) + 1) + [int(operation in _DIVISIONS), int(operation in _CHOICES)]
            return [sum(parts) for parts in zip(here, *(_counted(a, names) for a in arguments), strict=True)]


def grown(bank: Bank, effort: Effort) -> Bank:
    """The bank with expressions of one operation more, as far as ``effort`` goes."""
    level = int(bank.level.max(initial=0)) + 1
    known, left, room = np.sort(bank.hashes), effort.candidates, effort.terms - len(bank)
    found: list[_Found] = []
    for step in _steps(level):
        pairs = _pairs(bank, step, effort.rarity)[:, : max(left, 0)]
        left -= pairs.shape[1]
        for part in _new(bank, step.operation, pairs, known):
            part = part if len(part.hashes) <= room else part.first(room)
            room -= len(part.hashes)
            known = np.sort(np.concatenate([known, part.hashes]), kind="stable")
            found.append(part)
    return _extended(bank, level, found)


@dataclass(frozen=True, slots=True)
class _Step:
    """An operation on expressions of two levels: first those of sums and products only, then all others."""

    operation: str
    first: int
    second: int
    plain: bool


def _steps(level: int) -> Iterator[_Step]:
    """Operations and the levels of their operands, whose operations and this one make up the level."""
    for plain in (True, False):
        for larger in range(level - 1, (level - 2) // 2, -1):
            smaller = level - 1 - larger
            for operation in OPERATIONS:
                yield _Step(operation, larger, smaller, plain)
                if larger != smaller and operation not in COMMUTATIVE:
                    yield _Step(operation, smaller, larger, plain)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """New expressions of one operation: places of operands, a row of two for each, and what they are."""

    operation: str
    pairs: Vector
    vectors: Vector
    defined: Mask
    hashes: Vector

    def first(self, count: int) -> "_Found":
        return _Found(
            self.operation, self.pairs[:count], self.vectors[:count], self.defined[:count], self.hashes[:count]
        )


def _pairs(bank: Bank, step: _Step, rarity: Rarity) -> Vector:
    """Places of operands, as a matrix of two rows: those that symmetry and rarity leave."""
    operation = step.operation
    if step.plain and operation in _CHOICES:
        return np.empty((2, 0), np.int64)
    one, other = np.flatnonzero(bank.level == step.first), np.flatnonzero(bank.level == step.second)
    if operation in _DIVISIONS:
        other = other[bank.positive[other]]
    limits = _limits(rarity, bank.counts.shape[1])
    limits[-2] -= operation in _DIVISIONS
    limits[-1] -= operation in _CHOICES
    allowed = np.ones((len(one), len(other)), bool)
    for kind, limit in enumerate(limits):
        allowed &= bank.counts[one, kind][:, None] + bank.counts[other, kind] <= limit
    if operation not in _CHOICES:
        allowed &= (bank.plain[one][:, None] & bank.plain[other]) == step.plain
    if operation in _DIVISIONS or operation == "broadcast":
        allowed &= ~bank.literal[one][:, None]
    allowed &= ~(bank.literal[one][:, None] & bank.literal[other])
    if step.first == step.second:
        ordered = one[:, None] < other if operation in {"+", "min", "max"} else one[:, None] != other
        allowed &= one[:, None] <= other if operation == "*" else ordered
    left, right = np.nonzero(allowed)
    return np.stack([one[left], other[right]])


def _limits(rarity: Rarity, kinds: int) -> Vector:
    symbols = [rarity.symbol] * (kinds - 3)
    return np.array([*symbols, rarity.literal, rarity.division, rarity.choice], np.int64)


def _new(bank: Bank, operation: str, pairs: Vector, known: Vector) -> Iterator[_Found]:
    """What the operation makes of the pairs and is not known: the first of those that agree."""
    if operation in {"+", "-"} and bank.defined.all():
        left, right = (bank.hashes[side] for side in pairs)
        pairs = pairs[:, _fresh(combined(operation, left, right), known)]
    mixed = weights(2 * bank.vectors.shape[1])
    for start in range(0, pairs.shape[1], CHUNK):
        chosen = pairs[:, start : start + CHUNK]
        vectors, defined = _computed(bank, operation, chosen)
        whole = np.asarray(defined.all(axis=1))
        hashes = vectors @ mixed[: vectors.shape[1]]
        hashes[~whole] += ~defined[~whole] @ mixed[vectors.shape[1] :]
        keep = _fresh(hashes, known)
        fits = (np.abs(vectors[keep]) <= HUGE).all(axis=1) & defined[keep][:, bank.needed].all(axis=1)
        keep = keep[fits]
        known = np.sort(np.concatenate([known, hashes[keep]]), kind="stable")
        yield _Found(operation, chosen.T[keep], vectors[keep], defined[keep], hashes[keep])


def _fresh(hashes: Vector, known: Vector) -> Vector:
    """The first place of each hash that is not among the known ones, which are sorted."""
    distinct, first = np.unique(hashes, return_index=True)
    spots = np.minimum(np.searchsorted(known, distinct), len(known) - 1)
    return np.sort(first[known[spots] != distinct])


def _computed(bank: Bank, operation: str, pairs: Vector) -> tuple[Vector, Mask]:
    left, right = (bank.vectors[side] for side in pairs)
    defined = bank.defined[pairs[0]] & bank.defined[pairs[1]]
    if operation in _DIVISIONS and not bank.needed.all():
        defined &= right > 0
        right = np.maximum(right, 1)
    return np.where(defined, combined(operation, left, right), 0), defined


def _extended(bank: Bank, level: int, found: Sequence[_Found]) -> Bank:
    if not found:
        return bank
    pairs = np.concatenate([part.pairs for part in found])
    vectors = np.concatenate([part.vectors for part in found])
    operation = np.concatenate([np.full(len(part.hashes), _NAMES.index(part.operation)) for part in found])
    counts = bank.counts[pairs[:, 0]] + bank.counts[pairs[:, 1]]
    counts[:, -2] += np.isin(operation, [_NAMES.index(name) for name in _DIVISIONS])
    counts[:, -1] += np.isin(operation, [_NAMES.index(name) for name in _CHOICES])
    return replace(
        bank,
        vectors=np.concatenate([bank.vectors, vectors]),
        defined=np.concatenate([bank.defined, *(part.defined for part in found)]),
        hashes=np.concatenate([bank.hashes, *(part.hashes for part in found)]),
        counts=np.concatenate([bank.counts, counts]),
        positive=np.concatenate([bank.positive, (vectors[:, bank.needed] > 0).all(axis=1)]),
        literal=np.concatenate([bank.literal, np.zeros(len(pairs), bool)]),
        level=np.concatenate([bank.level, np.full(len(pairs), level)]),
        operation=np.concatenate([bank.operation, operation]),
        left=np.concatenate([bank.left, pairs[:, 0]]),
        right=np.concatenate([bank.right, pairs[:, 1]]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Terms(Sequence[tuple[Expr, Vector]]):
    """Distinct expressions with their values, simplest first.

    ``vectors`` has a row for each expression; where ``defined`` is false it has no value, and a 0 stands there.
    """

    bank: Bank

    @property
    def vectors(self) -> Vector:
        return self.bank.vectors

    @property
    def defined(self) -> Mask:
        return self.bank.defined

    def __len__(self) -> int:
        return len(self.bank)

    @overload
    def __getitem__(self, place: int) -> tuple[Expr, Vector]: ...
    @overload
    def __getitem__(self, place: slice) -> list[tuple[Expr, Vector]]: ...
    def __getitem__(self, place: int | slice) -> tuple[Expr, Vector] | list[tuple[Expr, Vector]]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        if place < 0:
            place += len(self)
        if not 0 <= place < len(self):
            raise IndexError(place)
        return self.bank.expr(place), self.bank.vectors[place]

    def __iter__(self) -> Iterator[tuple[Expr, Vector]]:
        return (self[place] for place in range(len(self)))


def terms(
    columns: Columns,
    *,
    relevant: Collection[str] | None = None,
    groups: Sequence[Sequence[str]] = (),
    needed: Mask | None = None,
    effort: Effort = BROAD,
) -> Terms:
    """The expressions up to a size that differ somewhere, for predicates to be made from.

    The products of all symbols of each group (a tensor's sizes) count as symbols. ``needed`` are the records on which
    each must have a value; elsewhere a quotient may be undefined.
    """
    used = columns.only([name for name in columns.names if relevant is None or name in relevant])
    atoms: list[tuple[Expr, Vector]] = [(Sym(name), used.column(name)) for name in used.names]
    atoms += [(Lit(value), np.full(columns.count, value, np.int64)) for value in effort.literals]
    atoms += [product_of(columns, group) for group in groups if len(group) > 1]
    atoms = [(expr, vector) for expr, vector in atoms if np.abs(vector).max(initial=0) <= HUGE]
    bank = started(columns, atoms, needed=needed)
    for _ in range(effort.operations):
        bank = grown(bank, effort)
    return Terms(bank)


def product_of(columns: Columns, names: Sequence[str]) -> tuple[Expr, Vector]:
    """The product of the symbols; past 64 bits it is wrong, but then far from any size."""
    expr: Expr = Sym(names[0])
    vector = columns.column(names[0])
    for name in names[1:]:
        expr, vector = Apply("*", (expr, Sym(name))), vector * columns.column(name)
    return expr, vector
