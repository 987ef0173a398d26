"""Signatures: calls of one operator that differ only in numbers and dtypes (NeuRI's "partial operators").

A call is written as the operator's name and its arguments in order. Its signature keeps the structure: which argument
is a tensor and of what rank, which is a list and how long, which value is a word. Sizes and whole numbers become
symbols, floats become named reals, dtypes a row of names. A signature with a value for each of these is a call again::

    >>> taken = (("input", TensorSlot("input", 2)), ("shifts", IntegerSlot("shifts")), ("dims", Fixed(1)))
    >>> roll = Signature("torch.roll", taken, positional=3)
    >>> print(roll)
    torch.roll(input[input_0, input_1], shifts, 1)
    >>> roll.symbols
    ('input_0', 'input_1', 'shifts')
"""

from collections.abc import Iterator
from dataclasses import dataclass
from keyword import iskeyword


@dataclass(frozen=True, slots=True)
class Word:
    """A value for which JSON has no form: of a dtype ``float32``, of a memory format ``channels_last``.

    Kinds are dtype, layout, memory_format, device, complex, float (``nan``, ``inf``, ``-inf``), slice, ellipsis, and
    opaque: something that was seen and cannot be made again, by its class's name.
    """

    kind: str
    text: str

    def __str__(self) -> str:
        return self.text


Plain = bool | int | float | str | None | Word
"""What an argument may be that holds no tensor and is no list."""


@dataclass(frozen=True, slots=True)
class TensorSlot:
    """A dense tensor of this rank.

    ``valued``: it holds whole numbers on which a call's validity may hang, as indices; their least and greatest are
    symbols too (both 0 if it is empty).
    """

    name: str
    rank: int
    valued: bool = False

    @property
    def sizes(self) -> tuple[str, ...]:
        return tuple(f"{self.name}_{place}" for place in range(self.rank))

    @property
    def extremes(self) -> tuple[str, ...]:
        return (f"{self.name}_low", f"{self.name}_high") if self.valued else ()


@dataclass(frozen=True, slots=True)
class IntegerSlot:
    """A whole number, a symbol of the signature's rule."""

    name: str


@dataclass(frozen=True, slots=True)
class RealSlot:
    """A float: rules, being over whole numbers, say only between which bounds it is taken."""

    name: str


@dataclass(frozen=True, slots=True)
class DtypeSlot:
    """A dtype given as an argument: a column of the signature's table of dtypes."""

    name: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that all calls of the signature have in common."""

    value: Plain


@dataclass(frozen=True, slots=True)
class ListSlot:
    """A list or tuple of so many entries."""

    entries: tuple["Slot", ...]


Slot = TensorSlot | IntegerSlot | RealSlot | DtypeSlot | Fixed | ListSlot


@dataclass(frozen=True, slots=True)
class Signature:
    """An operator by its public name, and what stands where; the first ``positional`` arguments are given by place.

    Raises:
        ValueError: two slots have one name, or a symbol is called like another.
    """

    operator: str
    arguments: tuple[tuple[str, Slot], ...]
    positional: int

    def __post_init__(self) -> None:
        names = [name for slot in self.slots() for name in _named(slot)]
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(f"every slot of a signature needs a name of its own; twice: {', '.join(twice)}")

    @property
    def tensors(self) -> tuple[TensorSlot, ...]:
        return tuple(slot for slot in self.slots() if isinstance(slot, TensorSlot))

    @property
    def integers(self) -> tuple[str, ...]:
        return tuple(slot.name for slot in self.slots() if isinstance(slot, IntegerSlot))

    @property
    def reals(self) -> tuple[str, ...]:
        return tuple(slot.name for slot in self.slots() if isinstance(slot, RealSlot))

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The names of what has a dtype: the tensors, then the arguments that are dtypes."""
        given = tuple(slot.name for slot in self.slots() if isinstance(slot, DtypeSlot))
        return tuple(tensor.name for tensor in self.tensors) + given

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names of all whole numbers: the sizes and extremes of each tensor, then the integers."""
        sizes = (name for tensor in self.tensors for name in (*tensor.sizes, *tensor.extremes))
        return (*sizes, *self.integers)

    def slots(self) -> Iterator[Slot]:
        """The slots that are no lists, from left to right."""
        for _, slot in self.arguments:
            yield from _leaves(slot)

    def __str__(self) -> str:
        shown = [
            _shown(slot) if place < self.positional else f"{name}={_shown(slot)}"
            for place, (name, slot) in enumerate(self.arguments)
        ]
        return f"{self.operator}({', '.join(shown)})"


def identifier(argument: str) -> str:
    """What slots and symbols of an argument are named after: a word of Python's own (``from``) gets an underscore."""
    return f"{argument}_" if iskeyword(argument) else argument


def _leaves(slot: Slot) -> Iterator[Slot]:
    if isinstance(slot, ListSlot):
        for entry in slot.entries:
            yield from _leaves(entry)
    else:
        yield slot


def _named(slot: Slot) -> tuple[str, ...]:
    """Every name that the slot takes for itself or its symbols."""
    match slot:
        case TensorSlot(name):
            return (name, *slot.sizes, *slot.extremes)
        case IntegerSlot(name) | RealSlot(name) | DtypeSlot(name):
            return (name,)
        case _:
            return ()


def _shown(slot: Slot) -> str:
    match slot:
        case TensorSlot():
            return f"{slot.name}[{', '.join(slot.sizes)}]" + (f" of {'..'.join(slot.extremes)}" if slot.valued else "")
        case IntegerSlot(name):
            return name
        case RealSlot(name):
            return f"{name}: float"
        case DtypeSlot(name):
            return f"{name}: dtype"
        case Fixed(value):
            return str(value) if isinstance(value, Word) else repr(value)
        case ListSlot(entries):
            return f"[{', '.join(map(_shown, entries))}]"
