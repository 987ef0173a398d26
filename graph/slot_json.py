"""Slots of a signature as JSON, both ways: words, constants and lists."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from math import isfinite
from reprlib import repr as shortened
from types import MappingProxyType

from archsmith.graph.fields import text_of
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

WORD_KINDS = frozenset(
    {"dtype", "layout", "memory_format", "device", "complex", "float", "slice", "ellipsis", "opaque"}
)
"""What a ``Word`` may be, see there."""


def slot_to_json(usual: str, slot: Slot) -> object:
    """A slot as a word, a constant or a list; ``usual`` is the name that it has if none is written."""
    match slot:
        case ListSlot(entries):
            return [slot_to_json(f"{usual}_{place}", entry) for place, entry in enumerate(entries)]
        case Fixed(value):
            return {"is": plain_to_json(value)}
        case TensorSlot(name, rank, valued):
            word = f"{'indices' if valued else 'tensor'} {rank}"
        case IntegerSlot(name) | RealSlot(name) | DtypeSlot(name):
            word = _WORDS[type(slot)]
    return word if name == usual else {"slot": word, "name": name}


_WORDS: Mapping[type, str] = MappingProxyType({IntegerSlot: "integer", RealSlot: "real", DtypeSlot: "dtype"})
_SLOTS: Mapping[str, Callable[[str], Slot]] = MappingProxyType(
    {"integer": IntegerSlot, "real": RealSlot, "dtype": DtypeSlot}
)


def argument_from_json(entry: object) -> tuple[str, Slot]:
    """An argument's name and slot, raising ``ValueError`` where the document is none."""
    match entry:
        case [str(name), slot]:
            return name, _slot_read(identifier(name), slot)
    raise ValueError(f'an argument reads ["name", slot]; got {shortened(entry)}')


def _slot_read(usual: str, document: object) -> Slot:
    match document:
        case str():
            return _slot_of(document, usual)
        case list():
            return ListSlot(tuple([_slot_read(f"{usual}_{place}", entry) for place, entry in enumerate(document)]))
        case {"is": value, **rest} if not rest:
            return Fixed(plain_from_json(value))
        case {"slot": str(word), "name": str(name), **rest} if not rest:
            return _slot_of(word, name)
    raise ValueError(f"a slot is a word, a constant or a list; got {shortened(document)}")


@lru_cache(maxsize=1 << 14)
def _slot_of(word: str, name: str) -> Slot:
    kind, _, rank = word.partition(" ")
    if kind in ("tensor", "indices") and rank.isdecimal():
        return TensorSlot(name, int(rank), valued=kind == "indices")
    if word not in _SLOTS:
        raise ValueError(f"a slot is tensor 2, indices 1, integer, real or dtype; got {shortened(word)}")
    return _SLOTS[word](name)


def plain_to_json(value: Plain) -> object:
    """A constant; a word by its kind: ``{"dtype": "float32"}``."""
    if isinstance(value, Word):
        return {value.kind: value.text}
    return real_to_json(value) if isinstance(value, float) else value


def plain_from_json(document: object) -> Plain:
    """The constant of a document, raising ``ValueError`` where it is none."""
    match document:
        case None | bool() | int() | float() | str():
            return document
        case {"number": _}:
            return real_from_json(document)
        case dict() if len(document) == 1:
            ((kind, text),) = document.items()
            if kind in WORD_KINDS:
                return Word(kind, text_of(text))
    raise ValueError(f"a constant is a number, text, null or one word with its kind; got {shortened(document)}")


def real_to_json(value: float) -> object:
    """A float; JSON has no word for what is infinite: ``{"number": "inf"}``."""
    return value if isfinite(value) else {"number": str(value)}


def real_from_json(document: object) -> float:
    """The float of a document, raising ``ValueError`` where it is none."""
    match document:
        case int() | float() if not isinstance(document, bool):
            return document
        case {"number": "inf" | "-inf" | "nan" as word}:
            return float(word)
    raise ValueError(f"must be a number; got {shortened(document)}")
