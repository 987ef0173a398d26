"""What is believed of a signature: sizes of results as expressions, and what a valid call must satisfy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np

from archsmith.fuzz.infer.columns import Columns, Vector
from archsmith.fuzz.infer.columns import values as evaluated
from archsmith.fuzz.infer.explore import ties
from archsmith.fuzz.infer.express import express
from archsmith.fuzz.infer.probe import Probe, Values, spans
from archsmith.fuzz.infer.prune import Effort, cost
from archsmith.fuzz.infer.relevance import decisive
from archsmith.fuzz.infer.results import Shapes, shapes_of
from archsmith.fuzz.infer.separate import Separation, separate
from archsmith.graph.expr import Apply, Expr, Lit, Sym, Undefined, evaluate, holds, symbols
from archsmith.graph.signature import Signature

UNEXPLAINED = 0.1
"""The share of refused calls up to which it is worth asking more to tell them from valid ones."""


FEW = 2
"""Of how many symbols at most several expressions are looked for."""

CHOICE = 6
"""Of how many expressions the simplest is taken."""

BRIEF = Effort(operations=1)
"""What is tried for an expression that is right about empty tensors too."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """The sizes of each result, and the constraints on a call, over the signature's symbols."""

    outputs: tuple[tuple[Expr, ...], ...]
    requires: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """No hypothesis fits: ``why`` says what could not be expressed or told apart."""

    why: str


def predicted(hypothesis: Hypothesis, names: Sequence[str], values: Values) -> Shapes | None:
    """The shapes that a call returns according to the hypothesis; None if it is said to be refused."""
    bound = dict(zip(names, values, strict=True))
    if not all(holds(constraint, bound) for constraint in hypothesis.requires):
        return None
    try:
        return tuple(tuple(evaluate(size, bound) for size in output) for output in hypothesis.outputs)
    except Undefined:
        return None


def is_right(hypothesis: Hypothesis, probe: Probe, values: Values) -> bool:
    """Whether the hypothesis agrees with what came of a call that was asked; a call that was lost proves nothing.

    A hypothesis need not accept calls with empty tensors: it may be about others only, and then says so.
    """
    seen = probe.valid.get(values)
    if seen is None and values not in probe.refused:
        return True
    said = predicted(hypothesis, probe.signature.symbols, values)
    if said is None and seen is not None:
        return is_empty(probe.signature, values)
    return said == (None if seen is None else shapes_of(seen))


def is_empty(signature: Signature, values: Values) -> bool:
    """Whether a tensor of the call has no elements."""
    return any(0 in values[start : start + rank] for start, rank, _ in spans(signature))


def columns_of(signature: Signature, rows: Sequence[Values]) -> Columns:
    """The rows as columns, one for each symbol of the signature."""
    width = len(signature.symbols)
    return Columns(signature.symbols, np.array(rows, np.int64).reshape(len(rows), width))


def fitted(probe: Probe, known: Sequence[Hypothesis], *, thorough: bool) -> Hypothesis | Failed:
    """The simplest sizes that fit the valid calls, and constraints that tell these from the refused ones.

    Operators treat empty tensors as special cases in ways that make no simple rule. So a rule is learned from calls
    without them; where it is wrong about a call with one, it is narrowed to sizes that are not 0. ``known`` are rules
    of other operators over the same symbols: what they say is tried first. ``thorough`` searches for sizes take ten
    times as long where there are many symbols, and succeed now and then.
    """
    filled = [values for values in probe.valid if not is_empty(probe.signature, values)]
    valid = filled if len(filled) >= 2 else list(probe.valid)
    refused = [values for values in probe.refused if valid is not filled or not is_empty(probe.signature, values)]
    outputs = _sizes(probe, valid, known, thorough=thorough)
    if isinstance(outputs, Failed):
        return outputs
    told = [*(constraint for hypothesis in known for constraint in hypothesis.requires), *_likely(outputs)]
    separation = _separated(probe, valid, refused, told)
    bare = Hypothesis(outputs, ())
    more = [at for at, seen in probe.valid.items() if predicted(bare, probe.signature.symbols, at) == shapes_of(seen)]
    if len(more) > len(valid):
        wider = _separated(probe, more, refused, told)
        if _length(wider) <= _length(separation):
            separation = wider
    if len(separation.unexplained) > UNEXPLAINED * len(refused):
        return Failed(f"{len(separation.unexplained)} of {len(refused)} refused calls cannot be told from valid ones")
    return narrowed(Hypothesis(outputs, separation.requires), probe)


def _separated(probe: Probe, valid: Sequence[Values], refused: Sequence[Values], told: Sequence[Expr]) -> Separation:
    groups = [tensor.sizes for tensor in probe.signature.tensors]
    return separate(columns_of(probe.signature, valid), columns_of(probe.signature, refused), groups=groups, known=told)


def _length(separation: Separation) -> tuple[int, int]:
    """How much is left unexplained, and in how many words the rest is told; a literal is as good as another."""
    words = sum(len(symbols(constraint)) for constraint in separation.requires)
    return len(separation.unexplained), words


def _likely(outputs: Sequence[Sequence[Expr]]) -> Iterator[Expr]:
    """What is often demanded of results: that they are not empty, and that the last part of a whole is no larger."""
    yield from (Apply(">=", (size, Lit(least))) for output in outputs for size in output for least in (0, 1))
    for first, last in pairwise(outputs[-2:]):
        yield from (Apply("<=", pair) for pair in zip(last, first, strict=False) if pair[0] != pair[1])


def narrowed(hypothesis: Hypothesis, probe: Probe) -> Hypothesis:
    """The hypothesis about calls in which some sizes are not 0: as few as are needed for it to be right about all."""
    sizes = [name for tensor in probe.signature.tensors for name in tensor.sizes]
    places = {name: probe.signature.symbols.index(name) for name in sizes}
    accepted = [values for values in probe.seen if predicted(hypothesis, probe.signature.symbols, values) is not None]
    wrong = {values for values in accepted if not is_right(hypothesis, probe, values)}
    right = [values for values in accepted if values in probe.valid and values not in wrong]
    requires = hypothesis.requires
    while open_ := [values for values in wrong if is_empty(probe.signature, values)]:
        gains = {
            name: sum(values[place] == 0 for values in open_) - 0.2 * sum(values[place] == 0 for values in right)
            for name, place in places.items()
            if any(values[place] == 0 for values in open_)
        }
        name = max(gains, key=lambda name: gains[name])
        requires = (*requires, Apply(">=", (Sym(name), Lit(1))))
        wrong = {values for values in wrong if values[places[name]] != 0}
        right = [values for values in right if values[places[name]] != 0]
    return Hypothesis(hypothesis.outputs, requires)


def _sizes(
    probe: Probe, rows: Sequence[Values], known: Sequence[Hypothesis], *, thorough: bool
) -> tuple[tuple[Expr, ...], ...] | Failed:
    told = tuple(size for hypothesis in known for output in hypothesis.outputs for size in output)
    seen, every = _Seen.of(probe, rows), _Seen.of(probe, list(probe.valid))
    outputs = []
    for place, shape in enumerate(seen.shapes[0]):
        sizes = []
        for dim in range(len(shape)):
            size = seen.expressed(place, dim, told, thorough=thorough)
            if size is None:
                return Failed(f"size {dim} of result {place} could not be expressed")
            sizes.append(every.instead_of(size, place, dim))
        outputs.append(tuple(sizes))
    return tuple(outputs)


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """Valid calls and the shapes of their results.

    Sizes that are equal in all of them are one column, so that calls in which it changes alone are found.
    """

    columns: Columns
    shapes: Sequence[Shapes]

    @classmethod
    def of(cls, probe: Probe, rows: Sequence[Values]) -> "_Seen":
        names = probe.signature.symbols
        distinct = [names[tie[0]] for tie in ties(rows, len(names))]
        columns = columns_of(probe.signature, rows).only(sorted(distinct, key=names.index))
        return cls(columns, [shapes_of(probe.valid[values]) for values in rows])

    def target(self, place: int, dim: int) -> Vector:
        return np.array([shapes[place][dim] for shapes in self.shapes], np.int64)

    def expressed(self, place: int, dim: int, known: Sequence[Expr], *, thorough: bool) -> Expr | None:
        """The simplest expression found over the symbols that seem to decide; a thorough search goes on to all others.

        Of few symbols several expressions are right, as a quotient that happens to be what broadcasting gives.
        """
        target = self.target(place, dim)
        few = decisive(target, self.columns)
        most = CHOICE if len(few) <= FEW else 1
        found = list(islice(express(target, self.columns, known=known, relevant=few), most))
        if not found and thorough:
            found = list(islice(express(target, self.columns, known=known), 1))
        return min(found, key=cost, default=None)

    def instead_of(self, expr: Expr, place: int, dim: int) -> Expr:
        """An expression that is right about these calls, if the given one is not and this one is as simple."""
        target = self.target(place, dim)
        vector, defined = evaluated(expr, self.columns)
        if bool(defined.all()) and np.array_equal(vector, target):
            return expr
        found = next(express(target, self.columns, relevant=decisive(target, self.columns), effort=BRIEF), expr)
        return found if cost(found) <= cost(expr) else expr
