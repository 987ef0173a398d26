"""Why rules do not accept a call that ran: what of it is unlike all that they speak of."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from archsmith.fuzz.call import Argument, Call, TensorValue
from archsmith.fuzz.infer.judge import placed
from archsmith.fuzz.infer.split import grouped, is_index
from archsmith.graph.expr import holds
from archsmith.graph.rules import Rule
from archsmith.graph.signature import Fixed, IntegerSlot, ListSlot, Plain, RealSlot, Signature, Slot, TensorSlot, Word


@dataclass(frozen=True, slots=True)
class Known:
    """What was learned of an operator: its rules, the signatures that were seen, and those without a rule, with why."""

    rules: Sequence[Rule]
    seen: Collection[Signature]
    unlearned: Mapping[str, str]


def why_not(known: Known, call: Call) -> str:
    """Why no rule accepts the call, in words that many calls have in common."""
    having = [rule for rule in known.rules if rule.learned and placed(rule.learned.signature, call)]
    if having:
        return f"known signature, {' and '.join(sorted({_refusal(rule, call) for rule in having}))}"
    groups = grouped([call])
    if not groups:
        return "holds what cannot be made again"
    signature = groups[0].signature
    if str(signature) in known.unlearned:
        return f"seen and not learned: {known.unlearned[str(signature)]}"
    if signature in known.seen:
        return "seen, and learned for other numbers only"
    if not known.rules:
        return "the operator has no rules"
    unlike = [sorted(_differences(rule.learned.signature, call)) for rule in known.rules if rule.learned]
    nearest = min(sorted(unlike), key=len)
    return f"unseen signature: {', '.join(nearest)}"


def _refusal(rule: Rule, call: Call) -> str:
    learned = rule.learned
    assert learned is not None
    point = placed(learned.signature, call)
    assert point is not None
    if point.dtypes not in [row.taken for row in learned.dtypes]:
        return "other dtypes"
    if not all(holds(one, dict(zip(learned.signature.symbols, point.values, strict=True))) for one in rule.requires):
        return "sizes or numbers refused"
    return "floats out of bounds, or sizes without a value"


def _differences(signature: Signature, call: Call) -> set[str]:
    names = [name for name, _ in signature.arguments]
    if names != [name for name, _ in call.arguments]:
        return {"other arguments"}
    pairs = zip(signature.arguments, call.arguments, strict=True)
    return {kind for (name, slot), (_, value) in pairs for kind in _unlike(name, slot, value)}


def _unlike(name: str, slot: Slot, value: Argument) -> Iterator[str]:
    match slot, value:
        case TensorSlot(rank=rank), TensorValue(shape):
            yield from () if len(shape) == rank else ("ranks",)
        case ListSlot(entries), tuple() if len(entries) == len(value):
            for entry, one in zip(entries, value, strict=True):
                yield from _unlike(name, entry, one)
        case ListSlot(), tuple():
            yield "lengths of lists"
        case Fixed(wanted), (bool() | int() | float() | str() | None | Word()):
            yield from () if type(wanted) is type(value) and wanted == value else (_unlike_words(name, wanted, value),)
        case IntegerSlot(), int() if value < 0:
            yield _unlike_words(name, 0, value)
        case _ if _kind(slot) != _kind(value):
            yield "None or a value" if "None" in (_kind(slot), _kind(value)) else "kinds of arguments"


def _unlike_words(name: str, wanted: Plain, value: Plain) -> str:
    kinds = {type(wanted), type(value)}
    if kinds == {bool}:
        return "booleans"
    if kinds == {int}:
        return "dimensions" if is_index(name) else "negative numbers"
    if kinds <= {str, Word}:
        return "words"
    return "None or a value" if type(None) in kinds else "kinds of arguments"


def _kind(value: Slot | Argument) -> str:
    match value:
        case TensorSlot() | TensorValue():
            return "tensor"
        case ListSlot() | tuple():
            return "list"
        case Fixed(None) | None:
            return "None"
        case Fixed(bool()) | bool():
            return "boolean"
        case IntegerSlot() | Fixed(int()) | int():
            return "integer"
        case RealSlot() | float():
            return "float"
        case _:
            return "word"
