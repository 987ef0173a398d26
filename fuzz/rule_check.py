"""Whether learned rules are true of the installed PyTorch: tried on fresh calls on both sides of each constraint."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from random import Random

from archsmith.fuzz.call import Argument, Call, Lost, Point, Refused, Returned, TensorValue, Verdict, concrete
from archsmith.fuzz.infer.judge import result_of
from archsmith.fuzz.infer.models import models, outside
from archsmith.fuzz.infer.probe import Ask, settled
from archsmith.fuzz.infer.results import tensors_of
from archsmith.fuzz.infer.solver import Domain, domain
from archsmith.graph.rules import Bounds, Learned, Rule
from archsmith.graph.signature import Signature, Word
from archsmith.graph.types import TensorType

INSIDE = 16
"""Calls of other numbers that the rule accepts."""

ROWS = 8
"""Rows of the table of dtypes that are tried at one of them."""

OUTSIDE = 3
"""Calls that break one constraint, of each."""

WIDTH = 9
"""The greatest number in a call."""

USUAL_REAL = 0.5
"""The float in a call, or what is nearest to it among those that a rule takes."""

TOLERATED = 0.1
"""A rule is broken if a greater share of the calls on one side, and more than one, come out otherwise than it says."""

SHOWN = 3
"""Wrong calls of each side that are kept."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A call that came out otherwise than the rule says."""

    call: str
    said: str
    came: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A rule, how many calls inside and outside of it were tried, how many of each were wrong, and some of these."""

    operator: str
    signature: str
    inside: int
    outside: int
    wrong_inside: int
    wrong_outside: int
    examples: tuple[Wrong, ...]

    @property
    def broken(self) -> bool:
        """Whether PyTorch does something else than the rule says, more often than now and then."""
        sides = ((self.wrong_inside, self.inside), (self.wrong_outside, self.outside))
        return any(wrong > max(1, TOLERATED * tried) or 0 < wrong == tried for wrong, tried in sides)


def check_rule(rule: Rule, ask: Ask, rng: Random) -> Checked:
    """Try the rule on fresh calls.

    Raises:
        ValueError: the rule was declared, not learned.
        UserError: PyTorch has no operator of that name any more.
    """
    learned = rule.learned
    if learned is None:
        raise ValueError(f"only learned rules are checked; this one of {rule.operator} was declared")
    within, beyond = list(_inside(rule, learned, rng)), list(_outside(rule, learned, rng))
    verdicts = ask(learned.signature, [*within, *beyond], learned.fill)
    wrong_inside = [
        Wrong(_written(concrete(learned.signature, point)), _types(result_of(rule, point)), _came(verdict))
        for point, verdict in zip(within, verdicts[: len(within)], strict=True)
        if not _is_said(result_of(rule, point), verdict)
    ]
    lax = replace(rule, requires=())
    wrong_outside = [
        Wrong(_written(concrete(learned.signature, point)), "no result", _came(verdict))
        for point, verdict in zip(beyond, verdicts[len(within) :], strict=True)
        # what returns something else beyond a constraint is not what the rule is about
        if _is_said(result_of(lax, point), verdict)
    ]
    examples = (*wrong_inside[:SHOWN], *wrong_outside[:SHOWN])
    sizes = (len(within), len(beyond), len(wrong_inside), len(wrong_outside))
    return Checked(rule.operator, str(learned.signature), *sizes, examples)


def _inside(rule: Rule, learned: Learned, rng: Random) -> Iterator[Point]:
    """Calls that the rule accepts: of its first dtypes, and one of them with others."""
    if not learned.dtypes:
        return
    found = _proper(learned.signature, models(rule.requires, _domain(learned), rng, INSIDE))
    points = [_point(learned, values, learned.dtypes[0].taken) for values in found]
    accepted = [point for point in points if result_of(rule, point) is not None]
    yield from accepted
    others = learned.dtypes[1:]
    for row in rng.sample(others, min(ROWS, len(others))) if accepted else ():
        yield _point(learned, accepted[0].values, row.taken)


def _outside(rule: Rule, learned: Learned, rng: Random) -> Iterator[Point]:
    if not learned.dtypes:
        return
    rows = (outside(rule.requires, which, _domain(learned), rng, OUTSIDE) for which in range(len(rule.requires)))
    for values in _proper(learned.signature, chain.from_iterable(rows)):
        point = _point(learned, values, learned.dtypes[0].taken)
        if result_of(rule, point) is None:
            yield point


def _domain(learned: Learned) -> Domain:
    return domain(learned.signature, most=WIDTH)


def _proper(signature: Signature, rows: Iterable[Mapping[str, int]]) -> Iterator[tuple[int, ...]]:
    """The rows that can be calls, each once; of a signature without symbols, its one call."""
    if not signature.symbols:
        yield ()
        return
    seen: set[tuple[int, ...]] = set()
    for row in rows:
        values = settled(signature, [row[name] for name in signature.symbols], most=WIDTH)
        if values is not None and values not in seen:
            seen.add(values)
            yield values


def _point(learned: Learned, values: tuple[int, ...], dtypes: tuple[str, ...]) -> Point:
    bounds = {entry.name: entry for entry in learned.reals}
    reals = [USUAL_REAL if name not in bounds else _nearest(bounds[name]) for name in learned.signature.reals]
    return Point(values, tuple(reals), dtypes)


def _nearest(bounds: Bounds) -> float:
    return min(max(USUAL_REAL, bounds.least), bounds.most)


def _is_said(said: tuple[TensorType, ...] | None, verdict: Verdict) -> bool:
    return isinstance(verdict, Returned) and said == _returned(verdict)


def _returned(verdict: Returned) -> tuple[TensorType, ...]:
    return tuple(TensorType(tensor.shape, tensor.dtype) for tensor in tensors_of(verdict))


def _came(verdict: Verdict) -> str:
    match verdict:
        case Returned():
            return _types(_returned(verdict))
        case Refused(kind, message):
            return f"{kind}: {message.partition(chr(10))[0]}"
        case Lost(reason):
            return reason


def _types(types: Sequence[TensorType] | None) -> str:
    return ", ".join(map(str, types or ())) or "no tensor"


def _written(call: Call) -> str:
    """The call for people: tensors by their types."""
    shown = [
        _argument(value) if place < call.positional else f"{name}={_argument(value)}"
        for place, (name, value) in enumerate(call.arguments)
    ]
    return f"{call.operator}({', '.join(shown)})"


def _argument(value: Argument) -> str:
    match value:
        case TensorValue(shape, dtype):
            among = "" if value.low is None else f" of {value.low}..{value.high}"
            return f"{dtype}{list(shape)}{among}"
        case tuple():
            return f"[{', '.join(map(_argument, value))}]"
        case Word():
            return str(value)
        case _:
            return repr(value)
