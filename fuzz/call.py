"""Calls of operators as data, and their way to a signature with numbers and back.

A ``Call`` says what a call was given without holding any of it: tensors by their types, all else by value. What is
recorded, mutated, tried in the sandbox and learnt from is calls.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from keyword import iskeyword
from math import isfinite

from archsmith.graph.signature import (
    DtypeSlot,
    Fixed,
    IntegerSlot,
    ListSlot,
    Plain,
    RealSlot,
    Signature,
    Slot,
    TensorSlot,
    Word,
)


@dataclass(frozen=True, slots=True)
class TensorValue:
    """A tensor that was given or returned.

    ``strides`` (in elements) are None where it is contiguous, ``low`` and ``high`` its least and greatest element
    where it holds whole numbers (0 if it is empty) and None elsewhere.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    strides: tuple[int, ...] | None = None
    low: int | None = None
    high: int | None = None


Argument = TensorValue | Plain | tuple["Argument", ...]
"""What stands in an argument's place; a tuple is a list or a tuple."""


@dataclass(frozen=True, slots=True)
class Call:
    """An operator by its public name (``torch.Tensor.add_``) and its arguments by their documented names.

    The first ``positional`` of them are given by place, the others by keyword.
    """

    operator: str
    arguments: tuple[tuple[str, Argument], ...]
    positional: int

    def tensors(self) -> tuple[TensorValue, ...]:
        """The tensors from left to right, those in lists too."""
        return tuple(_tensors(tuple(value for _, value in self.arguments)))


def _tensors(argument: Argument) -> Iterator[TensorValue]:
    if isinstance(argument, TensorValue):
        yield argument
    elif isinstance(argument, tuple):
        for entry in argument:
            yield from _tensors(entry)


@dataclass(frozen=True, slots=True)
class Point:
    """Where in its signature a call is: values of ``symbols``, of ``reals`` and of ``dtypes``, in their orders."""

    values: tuple[int, ...]
    reals: tuple[float, ...] = ()
    dtypes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Returned:
    """The call ran: its result, or the entries of the tuple that it returned.

    For each value, ``aliases`` has the place (among the call's tensors) of the one with which it shares storage, or
    None; ``mutates`` are the places of the tensors that were written to.
    """

    values: tuple[Argument, ...]
    aliases: tuple[int | None, ...] = ()
    mutates: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The call raised: the error's class and message."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The process that ran the call was lost: ``crashed SIGSEGV``, ``timed out``, ``out of memory``."""

    reason: str


Verdict = Returned | Refused | Lost


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call that was seen, what came of it, PyTorch's version, and where it was seen (``op_db``, ``docs``, ...)."""

    call: Call
    verdict: Verdict
    torch: str
    source: str


def abstracted(call: Call, *, fixed: Collection[str] = (), valued: Collection[str] = ()) -> tuple[Signature, Point]:
    """The signature of a call and the call's place in it; strides are not kept.

    Integers named in ``fixed`` stay as they are, and so do negative ones, which are codes in most operators (the last
    dimension, "keep this size"), booleans, words and strings. Tensors named in ``valued`` have their extremes as
    symbols; the names are those of slots.
    """
    reading = _Reading(frozenset(fixed), frozenset(valued), [], [], [], [], [])
    slots = tuple((name, reading.slot(_identifier(name), value)) for name, value in call.arguments)
    values = (*reading.sizes, *reading.integers)
    point = Point(values, tuple(reading.reals), (*reading.tensor_dtypes, *reading.dtypes))
    return Signature(call.operator, slots, call.positional), point


def _identifier(name: str) -> str:
    return f"{name}_" if iskeyword(name) else name


@dataclass(frozen=True, slots=True)
class _Reading:
    fixed: frozenset[str]
    valued: frozenset[str]
    sizes: list[int]
    integers: list[int]
    reals: list[float]
    tensor_dtypes: list[str]
    dtypes: list[str]

    def slot(self, name: str, value: Argument) -> Slot:
        match value:
            case TensorValue():
                return self._tensor(name, value)
            case tuple():
                return ListSlot(tuple(self.slot(f"{name}_{place}", entry) for place, entry in enumerate(value)))
            case bool():
                return Fixed(value)
            case int() if value >= 0 and name not in self.fixed:
                self.integers.append(value)
                return IntegerSlot(name)
            case float() if isfinite(value):
                self.reals.append(value)
                return RealSlot(name)
            case Word("dtype", text):
                self.dtypes.append(text)
                return DtypeSlot(name)
            case _:
                return Fixed(value)

    def _tensor(self, name: str, value: TensorValue) -> TensorSlot:
        valued = name in self.valued and value.low is not None and value.high is not None
        self.tensor_dtypes.append(value.dtype)
        self.sizes.extend(value.shape)
        if valued:
            self.sizes.extend((value.low or 0, value.high or 0))
        return TensorSlot(name, len(value.shape), valued)


def concrete(signature: Signature, point: Point) -> Call:
    """The call of that signature with these numbers and dtypes; its tensors are contiguous."""
    writing = _Writing(
        dict(zip(signature.symbols, point.values, strict=True)),
        dict(zip(signature.reals, point.reals, strict=True)),
        dict(zip(signature.dtypes, point.dtypes, strict=True)),
    )
    arguments = tuple((name, writing.argument(slot)) for name, slot in signature.arguments)
    return Call(signature.operator, arguments, signature.positional)


@dataclass(frozen=True, slots=True)
class _Writing:
    numbers: dict[str, int]
    reals: dict[str, float]
    dtypes: dict[str, str]

    def argument(self, slot: Slot) -> Argument:
        match slot:
            case TensorSlot(name):
                low, high = (self.numbers[symbol] for symbol in slot.extremes) if slot.valued else (None, None)
                shape = tuple(self.numbers[symbol] for symbol in slot.sizes)
                return TensorValue(shape, self.dtypes[name], None, low, high)
            case ListSlot(entries):
                return tuple(map(self.argument, entries))
            case IntegerSlot(name):
                return self.numbers[name]
            case RealSlot(name):
                return self.reals[name]
            case DtypeSlot(name):
                return Word("dtype", self.dtypes[name])
            case Fixed(value):
                return value
