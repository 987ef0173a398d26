"""Calls of operators whose rules were learned: which rule takes a call, with what for the arguments that were left out.

The attributes of such an operator differ from rule to rule: they are the slots of the rule's signature that hold no
tensor, an entry of a list by its place (``shifts_0``). A graph's attributes are numbers, booleans and strings, so what
else a signature holds is written as text: ``None``, ``nan``, ``channels_last``, and ``[]`` for an empty list.

What a call leaves out is, in this order: the default that the operator has for it; the value that all its rules have
there; None or False, PyTorch's usual words for "not wanted", if some rule has them there. Otherwise it must be given.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from types import MappingProxyType

from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.expr import symbols
from archsmith.graph.graph import Scalar
from archsmith.graph.rules import Learned, Rule, check, result_types, unify
from archsmith.graph.signature import (
    DtypeSlot,
    Fixed,
    IntegerSlot,
    ListSlot,
    Plain,
    RealSlot,
    Slot,
    TensorSlot,
    Word,
    identifier,
)
from archsmith.graph.types import ITEM_BYTES, TensorType

EMPTY = "[]"
"""What stands for an empty list among a graph's attributes."""

SHOWN = 6
"""Values of an attribute that an error names."""

CALLS = 3
"""Ways to call an operator that an error names."""


def scalar(value: Plain) -> Scalar:
    """The value as an attribute of a graph: what is no number, boolean or string by its text."""
    if isinstance(value, Word) or value is None or (isinstance(value, float) and not isfinite(value)):
        return str(value)
    return value


def settings(rule: Rule) -> Mapping[str, Slot]:
    """The attributes of a learned rule in the order of its signature; an empty list is there as a slot of its own."""
    named = ((identifier(name), slot) for name, slot in _learned(rule).signature.arguments)
    return dict(_settings(tuple(named)))


def _learned(rule: Rule) -> Learned:
    if rule.learned is None:
        raise ValueError(f"only a rule that was learned has a signature; this one of {rule.operator} was declared")
    return rule.learned


def _settings(named: Sequence[tuple[str, Slot]]) -> Iterator[tuple[str, Slot]]:
    for name, slot in named:
        match slot:
            case ListSlot(entries) if entries:
                yield from _settings([(f"{name}_{place}", entry) for place, entry in enumerate(entries)])
            case IntegerSlot(own) | RealSlot(own) | DtypeSlot(own):
                yield own, slot
            case TensorSlot():
                pass
            case _:
                yield name, slot


def refusal(rule: Rule) -> str:
    """Why a graph cannot have this call, or nothing: a graph's values are made once, and known by their types only."""
    learned = _learned(rule)
    extremes = frozenset(name for slot in learned.signature.tensors for name in slot.extremes)
    sizes = (dim for entry in rule.outputs for dim in entry.dims)
    if learned.mutates:
        return "it writes to its input, and a value of a graph stays what it is"
    if not rule.outputs:
        return "it returns no tensor"
    if any(part[:1].isupper() for part in rule.operator.rpartition(".")[2:]):
        return "it is a class of modules, which own weights: use archsmith.runtime.modules.module(...) of that class"
    if learned.fill != "normal":
        return f"it runs on values that are {learned.fill} only, and a graph's may be any"
    if any(symbols(expr) & extremes for expr in (*rule.requires, *sizes)):
        return "whether it runs depends on the values of its indices, and a graph knows their type only"
    if any(isinstance(slot, Fixed) and _is_opaque(slot.value) for slot in learned.signature.slots()):
        return "one of its arguments is an object that cannot be written"
    return ""


def _is_opaque(value: Plain) -> bool:
    return isinstance(value, Word) and value.kind == "opaque"


@dataclass(frozen=True, slots=True)
class Way:
    """A rule that graphs may use, and its attributes."""

    rule: Rule
    slots: Mapping[str, Slot]

    def completed(self, given: Mapping[str, Scalar], defaults: Mapping[str, Scalar]) -> dict[str, Scalar] | None:
        """All attributes, defaults filled in; None if the rule has not all those given, or takes other values."""
        if not given.keys() <= self.slots.keys():
            return None
        whole: dict[str, Scalar] = {}
        for name, slot in self.slots.items():
            value = given[name] if name in given else default(name, defaults)
            if value is None or not fits(slot, value):
                return None
            whole[name] = float(value) + 0.0 if isinstance(slot, RealSlot) else value  # -0.0 becomes 0.0, its equal
        return whole


def default(name: str, defaults: Mapping[str, Scalar]) -> Scalar | None:
    """The default of an attribute, if it has one; a whole number for a list stands for each of its entries."""
    whole, _, place = name.rpartition("_")
    if name in defaults or not place.isdecimal():
        return defaults.get(name)
    value = default(whole, defaults)
    return value if type(value) is int else None


def fits(slot: Slot, value: Scalar) -> bool:
    """Whether a rule with this slot may take the value; it may have more to say."""
    match slot:
        case IntegerSlot():
            return type(value) is int and value >= 0  # negative numbers are codes, and constants of their rules
        case RealSlot():
            return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
        case DtypeSlot():
            return value in ITEM_BYTES
        case Fixed(constant):
            kept = scalar(constant)
            return type(kept) is type(value) and kept == value
        case _:
            return value == EMPTY


@dataclass(frozen=True, slots=True)
class Accepted:
    """A call that a rule takes: the rule, all attributes, the values of its symbols and the types of its results."""

    rule: Rule
    attributes: tuple[tuple[str, Scalar], ...]
    bound: Mapping[str, int]
    types: tuple[TensorType, ...]


@dataclass(frozen=True)
class Partial:
    """An operator that was learned, ready for calls: its ways by the ranks that they take, likeliest first."""

    name: str
    ways: tuple[Way, ...]
    defaults: Mapping[str, Scalar]
    _by_ranks: Mapping[tuple[int, ...], tuple[Way, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_ranks: dict[tuple[int, ...], list[Way]] = {}
        for way in self.ways:
            by_ranks.setdefault(way.rule.ranks, []).append(way)
        object.__setattr__(self, "_by_ranks", {ranks: tuple(ways) for ranks, ways in by_ranks.items()})

    def of_ranks(self, ranks: tuple[int, ...]) -> tuple[Way, ...]:
        """The ways for inputs of these ranks."""
        return self._by_ranks.get(ranks, ())

    def number(self, name: str) -> int:
        """A whole number that some rule takes for this attribute; 1 if none does."""
        constants = [slot.value for way in self.ways for slot in [way.slots.get(name)] if isinstance(slot, Fixed)]
        any_number = any(isinstance(way.slots.get(name), IntegerSlot | RealSlot) for way in self.ways)
        return 1 if any_number else next((value for value in constants if type(value) is int), 1)

    def demand(self, given: Mapping[str, Scalar]) -> None:
        """``UserError`` unless some rule, for inputs of whatever ranks, may take these attributes one by one."""
        for name, value in given.items():
            slots = [way.slots[name] for way in self.ways if name in way.slots]
            if not slots:
                takes = ", ".join(dict.fromkeys(key for way in self.ways for key in way.slots)) or "no attributes"
                raise UserError(f"{self.name} takes {takes}; got {name}")
            if not any(fits(slot, value) for slot in slots):
                raise UserError(f"{self.name} is known to take {name} as {_wanted(slots)}; got {value!r}")
        self._demand_whole(given)

    def _demand_whole(self, given: Mapping[str, Scalar]) -> None:
        missing: list[str] = []
        for way in self.ways:
            if given.keys() <= way.slots.keys():
                lacks = self._lacking(way, given)
                if not lacks:
                    return
                missing = missing if missing and len(missing) <= len(lacks) else lacks
        if missing:
            raise UserError(f"{self.name} needs {_given_too(missing)}")
        raise UserError(
            f"{self.name} is known to take {self._alternatives(self.ways)}; got {', '.join(given)} together"
        )

    def _lacking(self, way: Way, given: Mapping[str, Scalar]) -> list[str]:
        """What this way must be given too: nothing that fits stands for it."""
        values = {name: default(name, self.defaults) for name in way.slots if name not in given}
        return [name for name, value in values.items() if value is None or not fits(way.slots[name], value)]

    def accept(self, inputs: tuple[TensorType, ...], given: Mapping[str, Scalar]) -> Accepted:
        """The call by the likeliest rule that takes it; ``Infeasible`` with the first reason if none does.

        Rules with fewer arguments left out come first, then those that were seen more often.
        """
        found = []
        for place, way in enumerate(self.of_ranks(tuple(entry.rank for entry in inputs))):
            whole = way.completed(given, self.defaults)
            if whole is not None:
                found.append((len(whole), -way.rule.support, place, way, whole))
        broken: Infeasible | None = None
        for *_, way, whole in sorted(found, key=lambda entry: entry[:3]):
            try:
                return accepted(way.rule, inputs, whole)
            except Infeasible as reason:
                broken = broken or reason
        raise broken or Infeasible(f"{self._said(inputs, given)} has no rule: {self._wanting(inputs, given)}")

    def _wanting(self, inputs: Sequence[TensorType], given: Mapping[str, Scalar]) -> str:
        """What is wrong with a call that no rule takes: something is to be given too, or all is otherwise."""
        of_ranks = self.of_ranks(tuple(entry.rank for entry in inputs))
        near = [
            way
            for way in of_ranks
            if given.keys() <= way.slots.keys() and all(fits(way.slots[name], value) for name, value in given.items())
        ]
        lacking = min((self._lacking(way, given) for way in near), key=len, default=[])
        if lacking:
            return f"it needs {_given_too(lacking)}"
        return f"it takes {self._alternatives(of_ranks or self.ways)}"

    def _said(self, inputs: Sequence[TensorType], given: Mapping[str, Scalar]) -> str:
        return f"{self.name}({', '.join([*map(str, inputs), *(f'{key}={value!r}' for key, value in given.items())])})"

    def _alternatives(self, ways: Sequence[Way]) -> str:
        shown = list(dict.fromkeys(str(_learned(way.rule).signature) for way in ways))
        more = f"; or {len(shown) - CALLS} more" if len(shown) > CALLS else ""
        return "; or ".join(shown[:CALLS]) + more


def _given_too(names: Sequence[str]) -> str:
    return f"{', '.join(names)}: give {'it a value' if len(names) == 1 else 'them values'}"


def _wanted(slots: Sequence[Slot]) -> str:
    words = {
        IntegerSlot: "a whole number of at least 0",
        RealSlot: "a number",
        DtypeSlot: f"a dtype ({', '.join(list(ITEM_BYTES)[:3])}, ...)",
    }
    shown = [words[type(slot)] if type(slot) in words else repr(_constant(slot)) for slot in slots]
    distinct = list(dict.fromkeys(shown))
    return " or ".join(distinct[:SHOWN]) + (f" or {len(distinct) - SHOWN} others" if len(distinct) > SHOWN else "")


def _constant(slot: Slot) -> Scalar:
    return scalar(slot.value) if isinstance(slot, Fixed) else EMPTY


def accepted(rule: Rule, inputs: tuple[TensorType, ...], attributes: Mapping[str, Scalar]) -> Accepted:
    """The call by this rule, its attributes all given; ``Infeasible`` if sizes, numbers or dtypes are not taken."""
    learned = _learned(rule)
    sizes = unify(rule.inputs, inputs)
    if sizes is None:
        raise Infeasible(f"{rule.operator} takes {', '.join(map(str, rule.inputs))}; got {', '.join(map(str, inputs))}")
    bound = dict(sizes)
    bound.update((name, int(attributes[name])) for name in learned.signature.integers)
    _demand_reals(rule, attributes)
    check(rule, bound)
    dtypes = tuple(entry.dtype for entry in inputs) + dtypes_given(rule, attributes)
    types = result_types(rule, bound, dtypes)
    return Accepted(rule, tuple(sorted(attributes.items())), MappingProxyType(bound), types)


def dtypes_given(rule: Rule, attributes: Mapping[str, Scalar]) -> tuple[str, ...]:
    """The dtypes among the attributes: the last columns of the rule's table."""
    slots = _learned(rule).signature.slots()
    return tuple(str(attributes[slot.name]) for slot in slots if isinstance(slot, DtypeSlot))


def _demand_reals(rule: Rule, attributes: Mapping[str, Scalar]) -> None:
    for entry in _learned(rule).reals:
        value = attributes[entry.name]
        if isinstance(value, str) or not entry.least <= value <= entry.most:
            raise Infeasible(
                f"{rule.operator} is known to take {entry.name} from {entry.least:g} to {entry.most:g}; got {value!r}"
            )


def partial(name: str, rules: Sequence[Rule], defaults: Sequence[tuple[str, Plain]] = ()) -> Partial:
    """The operator with its rules that graphs may use.

    Raises:
        UserError: there are none; the message says why.
    """
    reasons = [refusal(rule) for rule in rules]
    ways = tuple(
        Way(rule, MappingProxyType(settings(rule))) for rule, reason in zip(rules, reasons, strict=True) if not reason
    )
    if not ways:
        why = next(iter(dict.fromkeys(reasons)), "nothing is known about its calls")
        raise UserError(f"{name} cannot stand in a graph: {why}")
    return Partial(name, ways, MappingProxyType(dict(_unwritten(ways)) | {k: scalar(v) for k, v in defaults}))


def _unwritten(ways: Sequence[Way]) -> Iterator[tuple[str, Scalar]]:
    """What stands for attributes without a recorded default, where rules agree or have a word for "not wanted"."""
    values: dict[str, list[Scalar | None]] = {}
    for way in ways:
        for name, slot in way.slots.items():
            values.setdefault(name, []).append(
                None if isinstance(slot, IntegerSlot | RealSlot | DtypeSlot) else _constant(slot)
            )
    for name, found in values.items():
        kinds = {(type(value), value) for value in found}
        if len(kinds) == 1 and found[0] is not None:
            yield name, found[0]
        elif (str, "None") in kinds:
            yield name, "None"
        elif (bool, False) in kinds:
            yield name, False
