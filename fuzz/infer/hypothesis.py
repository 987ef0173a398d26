"""What is believed of a signature: sizes of results as expressions, and what a valid call must satisfy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np

from archsmith.fuzz.infer.columns import Columns, Vector
from archsmith.fuzz.infer.columns import values as evaluated
from archsmith.fuzz.infer.explore import ties
from archsmith.fuzz.infer.express import DEFAULT, express
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

PLAIN = Effort(operations=0)
"""What is tried with symbols that do not seem to decide: of many, some are needed that so far never decided alone."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """The sizes of each result, and the constraints on a call, over the signature's symbols."""

    outputs: tuple[tuple[Expr, ...], ...]
    requires: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """No hypothesis fits: ``why`` says what could not be ``expressed``, or that calls cannot be told apart."""

    why: str
    expressed: bool = True


def predicted(hypothesis: Hypothesis, names: Sequence[str], values: Values) -> Shapes | None:
    """The shapes that a call returns according to the hypothesis; None if it is said to be refused."""
    bound = dict(zip(names, values, strict=True))
    if not all(holds(constraint, bound) for constraint in hypothesis.requires):
        return None
    try:
        return tuple(tuple(evaluate(size, bound) for size in output) for output in hypothesis.outputs)
    except Undefined:
        return None


def foretold(hypothesis: Hypothesis, signature: Signature, rows: Sequence[Values]) -> list[Shapes | None]:
    """What ``predicted`` says of each of many calls, evaluated all at once."""
    columns = columns_of(signature, rows)
    accepted = np.ones(len(rows), bool)
    for constraint in hypothesis.requires:
        vector, defined = evaluated(constraint, columns)
        accepted &= defined & (vector != 0)
    shapes: list[list[tuple[int, ...]]] = []
    for output in hypothesis.outputs:
        sizes = [evaluated(size, columns) for size in output]
        accepted &= np.logical_and.reduce([np.ones(len(rows), bool), *(defined for _, defined in sizes)])
        each = np.array([vector for vector, _ in sizes], np.int64).reshape(len(sizes), len(rows))
        shapes.append(list(map(tuple, each.T.tolist())))
    every = zip(*shapes, strict=True) if shapes else (() for _ in rows)
    return [told if well else None for told, well in zip(every, accepted.tolist(), strict=True)]


def is_right(hypothesis: Hypothesis, probe: Probe, values: Values) -> bool:
    """Whether the hypothesis agrees with what came of a call that was asked; a call that was lost proves nothing.

    A hypothesis need not accept calls that take or return empty tensors: it may be about others only, and then says so.
    """
    return _agrees(predicted(hypothesis, probe.signature.symbols, values), probe, values)


def _agrees(said: Shapes | None, probe: Probe, values: Values) -> bool:
    seen = probe.valid.get(values)
    if seen is None and values not in probe.refused:
        return True
    if said is None and seen is not None:
        return _is_void(probe, values)
    return said == (None if seen is None else shapes_of(seen))


def is_empty(signature: Signature, values: Values) -> bool:
    """Whether a tensor of the call has no elements."""
    return any(0 in values[start : start + rank] for start, rank, _ in spans(signature))


def _is_void(probe: Probe, values: Values) -> bool:
    """Whether a tensor that the call takes or returns has no elements."""
    return is_empty(probe.signature, values) or any(0 in shape for shape in shapes_of(probe.valid[values]))


def columns_of(signature: Signature, rows: Sequence[Values]) -> Columns:
    """The rows as columns, one for each symbol of the signature."""
    width = len(signature.symbols)
    return Columns(signature.symbols, np.array(rows, np.int64).reshape(len(rows), width))


def fitted(probe: Probe, known: Sequence[Hypothesis], *, thorough: bool) -> Hypothesis | Failed:
    """The simplest sizes that fit the valid calls, and constraints that tell these from the refused ones.

    Operators treat empty tensors as special cases in ways that make no simple rule. So a rule is learned from calls
    without them, and from all others about which it is right if that takes no more words; where it is wrong about one
    of these, it is narrowed to sizes that are not 0. Some return empty tensors or refuse to as it happens: calls that
    do are left out if more refused ones can be told apart then. ``known`` are
    rules of other operators over the same symbols: what they say is tried first. ``thorough`` searches for sizes take
    ten times as long where there are many symbols, and succeed now and then.
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
    told_of = zip(probe.valid.items(), foretold(bare, probe.signature, list(probe.valid)), strict=True)
    more = [at for (at, seen), said in told_of if said == shapes_of(seen)]
    if len(more) > len(valid):
        wider = _separated(probe, more, refused, told)
        if _length(wider) <= _length(separation):
            separation = wider
    firm = [values for values in valid if not _is_void(probe, values)]
    if len(separation.unexplained) and 2 <= len(firm) < len(valid):
        narrower = _separated(probe, firm, refused, told)
        if len(narrower.unexplained) < len(separation.unexplained):
            separation = narrower
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
    every = dict.fromkeys(part for output in outputs for size in output for part in (size, *_factors(size)))
    yield from (Apply(">=", (part, Lit(least))) for part in every for least in (0, 1))
    for first, last in pairwise(outputs[-2:]):
        yield from (Apply("<=", pair) for pair in zip(last, first, strict=False) if pair[0] != pair[1])


def _factors(size: Expr) -> Iterator[Expr]:
    """The factors of a product that are no symbols: sizes of their own, of which two may be negative."""
    match size:
        case Apply("*", (left, right)):
            for part in (left, right):
                yield from _factors(part)
                if isinstance(part, Apply) and part.operation != "*":
                    yield part


def narrowed(hypothesis: Hypothesis, probe: Probe) -> Hypothesis:
    """The hypothesis about calls in which some sizes are not 0: as few as are needed for it to be right about all."""
    sizes = [name for tensor in probe.signature.tensors for name in tensor.sizes]
    places = {name: probe.signature.symbols.index(name) for name in sizes}
    said = dict(zip(probe.seen, foretold(hypothesis, probe.signature, list(probe.seen)), strict=True))
    accepted = [values for values in probe.seen if said[values] is not None]
    wrong = {values for values in accepted if not _agrees(said[values], probe, values)}
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
                return Failed(f"size {dim} of result {place} could not be expressed", expressed=False)
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
        if not found:
            found = list(islice(express(target, self.columns, known=known, effort=DEFAULT if thorough else PLAIN), 1))
        return min(found, key=cost, default=None)

    def instead_of(self, expr: Expr, place: int, dim: int) -> Expr:
        """An expression that is right about these calls, if the given one is not and this one is as simple."""
        target = self.target(place, dim)
        vector, defined = evaluated(expr, self.columns)
        if bool(defined.all()) and np.array_equal(vector, target):
            return expr
        found = next(express(target, self.columns, relevant=decisive(target, self.columns), effort=BRIEF), expr)
        return found if cost(found) <= cost(expr) else expr
