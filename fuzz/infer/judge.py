"""What rules say of a call: whether one accepts it, and what types it then returns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from archsmith.fuzz.call import Argument, Call, Point, TensorValue
from archsmith.graph.expr import Undefined, evaluate, holds
from archsmith.graph.rules import Learned, Rule
from archsmith.graph.signature import (
    DtypeSlot,
    Fixed,
    IntegerSlot,
    ListSlot,
    RealSlot,
    Signature,
    Slot,
    TensorSlot,
    Word,
)
from archsmith.graph.types import TensorType


def placed(signature: Signature, call: Call) -> Point | None:
    """Where in the signature the call is; None if it is written otherwise."""
    if call.operator != signature.operator or len(call.arguments) != len(signature.arguments):
        return None
    found = _Found()
    for (name, slot), (given, value) in zip(signature.arguments, call.arguments, strict=True):
        if name != given or not found.take(slot, value):
            return None
    values = tuple(found.numbers[symbol] for symbol in signature.symbols)
    return Point(values, tuple(found.reals), (*found.dtypes, *found.words))


@dataclass(slots=True)
class _Found:
    """What the slots that were passed so far stand for in the call."""

    numbers: dict[str, int] = field(default_factory=dict)
    reals: list[float] = field(default_factory=list)
    dtypes: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def take(self, slot: Slot, value: Argument) -> bool:
        """Whether the value is one of the slot."""
        match slot, value:
            case ListSlot(entries), tuple() if len(entries) == len(value):
                return all(self.take(entry, one) for entry, one in zip(entries, value, strict=True))
            case TensorSlot(), TensorValue(shape) if len(shape) == slot.rank:
                self.dtypes.append(value.dtype)
                self.numbers.update(zip(slot.sizes, shape, strict=True))
                self.numbers.update(zip(slot.extremes, (value.low or 0, value.high or 0), strict=False))
                return True
            case IntegerSlot(name), int() if not isinstance(value, bool):
                self.numbers[name] = value
                return value >= 0
            case RealSlot(), float():
                self.reals.append(value)
                return True
            case DtypeSlot(), Word("dtype", text):
                self.words.append(text)
                return True
            case Fixed(wanted), _:
                return type(wanted) is type(value) and wanted == value
        return False


def result_of(rule: Rule, point: Point) -> tuple[TensorType, ...] | None:
    """The types of the tensors that the call returns, or None if the rule does not accept it."""
    learned = rule.learned
    assert learned is not None
    row = next((row for row in learned.dtypes if row.taken == point.dtypes), None)
    bound = dict(zip(learned.signature.symbols, point.values, strict=True))
    if row is None or not _within(learned, point) or not all(holds(one, bound) for one in rule.requires):
        return None
    try:
        shapes = [tuple(evaluate(size, bound) for size in entry.dims) for entry in rule.outputs]
    except Undefined:
        return None
    if any(size < 0 for shape in shapes for size in shape):
        return None
    return tuple(TensorType(shape, dtype) for shape, dtype in zip(shapes, row.returned, strict=True))


def _within(learned: Learned, point: Point) -> bool:
    given: Mapping[str, float] = dict(zip(learned.signature.reals, point.reals, strict=True))
    return all(bounds.least <= given[bounds.name] <= bounds.most for bounds in learned.reals)


def judged(rules: Iterable[Rule], call: Call) -> tuple[list[Rule], tuple[TensorType, ...] | None]:
    """The rules whose signature the call has, and what it returns by the first that accepts it, if one does."""
    having: list[Rule] = []
    for rule in rules:
        point = None if rule.learned is None else placed(rule.learned.signature, call)
        if point is None:
            continue
        having.append(rule)
        result = result_of(rule, point)
        if result is not None:
            return having, result
    return having, None
