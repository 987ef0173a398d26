"""Valid calls of operators that were learned: by one of their rules, with numbers that are worth trying.

Whole numbers are tried from a few small ones and from the sizes of the inputs, floats from the ends of their bounds and
some between. After so many steps without success a call counts as one that does not exist.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from archsmith.graph.errors import Infeasible
from archsmith.graph.expr import Expr, holds, symbols
from archsmith.graph.graph import Scalar
from archsmith.graph.partial import EMPTY, Way, accepted, fits, scalar
from archsmith.graph.rules import Learned, unify
from archsmith.graph.signature import DtypeSlot, Fixed, IntegerSlot, RealSlot, Slot
from archsmith.graph.types import TensorType

SMALL = (1, 0, 2, 3)
"""Whole numbers that are tried whatever the inputs are, simplest first."""

REALS = (1.0, 0.5, 0.0, 2.0)

STEPS = 2_000
"""How many choices of values are tried for a call."""


def completed(
    way: Way, inputs: tuple[TensorType, ...], fixed: Mapping[str, Scalar], *, elements: int
) -> Iterator[dict[str, Scalar]]:
    """Attributes with which the rule takes these inputs, simplest first, that agree with ``fixed``.

    No result has more than ``elements`` elements.
    """
    bound = unify(way.rule.inputs, inputs)
    if bound is None:
        return
    options = {name: (fixed[name],) if name in fixed else options_of(way, name, inputs) for name in way.slots}
    if all(fits(way.slots[name], value) for name, value in fixed.items()):
        search = _Search(way, inputs, tuple(options.items()), elements, iter(range(STEPS)))
        yield from search.extend(dict(bound), {})


def options_of(way: Way, name: str, inputs: Sequence[TensorType]) -> tuple[Scalar, ...]:
    """The values of an attribute that are tried on these inputs, simplest first."""
    slot = way.slots[name]
    match slot:
        case IntegerSlot():
            sizes = sorted({size for given in inputs for size in given.shape} | {given.elements for given in inputs})
            return tuple(dict.fromkeys([*SMALL, *sizes]))
        case RealSlot():
            return _reals(_learned(way), name)
        case DtypeSlot():
            return _dtypes(way, name, inputs)
        case _:
            return (_constant(slot),)


def _constant(slot: Slot) -> Scalar:
    return scalar(slot.value) if isinstance(slot, Fixed) else EMPTY


def _learned(way: Way) -> Learned:
    assert way.rule.learned is not None  # a way is made of a learned rule
    return way.rule.learned


def _reals(learned: Learned, name: str) -> tuple[float, ...]:
    bounds = next((entry for entry in learned.reals if entry.name == name), None)
    if bounds is None:
        return REALS
    tried = (*REALS, bounds.least, bounds.most)
    return tuple(dict.fromkeys(float(value) for value in tried if bounds.least <= value <= bounds.most))


def _dtypes(way: Way, name: str, inputs: Sequence[TensorType]) -> tuple[str, ...]:
    """Those that stand in the rule's table beside the dtypes of the inputs."""
    learned = _learned(way)
    place = learned.signature.dtypes.index(name)
    given = tuple(entry.dtype for entry in inputs)
    return tuple(dict.fromkeys(row.taken[place] for row in learned.dtypes if row.taken[: len(given)] == given))


@dataclass(frozen=True, slots=True)
class _Search:
    way: Way
    inputs: tuple[TensorType, ...]
    options: tuple[tuple[str, tuple[Scalar, ...]], ...]
    elements: int
    steps: Iterator[int]

    def extend(self, bound: dict[str, int], taken: dict[str, Scalar]) -> Iterator[dict[str, Scalar]]:
        if any(symbols(constraint) <= bound.keys() and not holds(constraint, bound) for constraint in self._requires):
            return
        if len(taken) == len(self.options):
            if self._fits(taken):
                yield taken
            return
        name, values = self.options[len(taken)]
        whole = isinstance(self.way.slots[name], IntegerSlot)
        for value in values:
            if next(self.steps, None) is None:
                return
            yield from self.extend({**bound, name: int(value)} if whole else bound, {**taken, name: value})

    @property
    def _requires(self) -> tuple[Expr, ...]:
        return self.way.rule.requires

    def _fits(self, taken: Mapping[str, Scalar]) -> bool:
        try:
            call = accepted(self.way.rule, self.inputs, taken)
        except Infeasible:
            return False
        return all(prod(result.shape) <= self.elements for result in call.types)
