"""Calls, signatures, points and verdicts as short JSON, for the way to a sandbox and back.

Not for files: nothing here says what is what, and both ends are of one version.
"""

from typing import Any, TypeAlias

from archsmith.fuzz.call import Argument, Call, Lost, Point, Refused, Returned, TensorValue, Verdict
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

Packed: TypeAlias = Any
"""What Python's `json` writes."""


def packed_argument(argument: Argument) -> Packed:
    """Lists stay lists, tensors and words become dicts of one entry, all else is as it was."""
    match argument:
        case TensorValue(shape, dtype, None, None, None):
            return {"t": (shape, dtype)}
        case TensorValue(shape, dtype, strides, low, high):
            return {"t": (shape, dtype, strides, low, high)}
        case tuple():
            return [packed_argument(entry) for entry in argument]
        case Word(kind, text):
            return {"w": (kind, text)}
        case _:
            return argument


def unpacked_argument(packed: Packed) -> Argument:
    if type(packed) is list:
        return tuple([unpacked_argument(entry) for entry in packed])
    if type(packed) is not dict:
        plain: bool | int | float | str | None = packed
        return plain
    if "w" in packed:
        return Word(*packed["w"])
    shape, dtype, *rest = packed["t"]
    if not rest:
        return TensorValue(tuple(shape), dtype)
    strides, low, high = rest
    return TensorValue(tuple(shape), dtype, None if strides is None else tuple(strides), low, high)


def packed_call(call: Call) -> Packed:
    return call.operator, [(name, packed_argument(value)) for name, value in call.arguments], call.positional


def unpacked_call(packed: Packed) -> Call:
    operator, arguments, positional = packed
    return Call(operator, tuple([(name, unpacked_argument(value)) for name, value in arguments]), positional)


def packed_point(point: Point) -> Packed:
    return point.values, point.reals, point.dtypes


def unpacked_point(packed: Packed) -> Point:
    values, reals, dtypes = packed
    return Point(tuple(values), tuple(reals), tuple(dtypes))


def packed_verdict(verdict: Verdict) -> Packed:
    """A list of three, two or one entries."""
    match verdict:
        case Returned(values, aliases, mutates):
            return [packed_argument(value) for value in values], aliases, mutates
        case Refused(kind, message):
            return kind, message
        case Lost(reason):
            return (reason,)


def unpacked_verdict(packed: Packed) -> Verdict:
    if len(packed) == 3:
        values, aliases, mutates = packed
        return Returned(tuple([unpacked_argument(value) for value in values]), tuple(aliases), tuple(mutates))
    return Refused(*packed) if len(packed) == 2 else Lost(*packed)


def packed_signature(signature: Signature) -> Packed:
    slots = [(name, _packed_slot(slot)) for name, slot in signature.arguments]
    return signature.operator, slots, signature.positional


def unpacked_signature(packed: Packed) -> Signature:
    operator, arguments, positional = packed
    return Signature(operator, tuple((name, _unpacked_slot(slot)) for name, slot in arguments), positional)


def _packed_slot(slot: Slot) -> Packed:
    match slot:
        case TensorSlot(name, rank, valued):
            return "tensor", name, rank, valued
        case IntegerSlot(name):
            return "integer", name
        case RealSlot(name):
            return "real", name
        case DtypeSlot(name):
            return "dtype", name
        case Fixed(value):
            return "fixed", packed_argument(value)
        case ListSlot(entries):
            return "list", [_packed_slot(entry) for entry in entries]


def _unpacked_slot(packed: Packed) -> Slot:
    kind, *rest = packed
    match kind:
        case "tensor":
            return TensorSlot(*rest)
        case "integer":
            return IntegerSlot(*rest)
        case "real":
            return RealSlot(*rest)
        case "dtype":
            return DtypeSlot(*rest)
        case "list":
            return ListSlot(tuple(map(_unpacked_slot, rest[0])))
        case _:
            value = unpacked_argument(rest[0])
            assert not isinstance(value, TensorValue | tuple)
            return Fixed(value)
