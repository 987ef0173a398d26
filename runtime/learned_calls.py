"""How a learned operator is written in PyTorch: as its signature says, with what a graph's node has in the slots."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from keyword import iskeyword
from math import isfinite

from archsmith.graph.book import Application
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Scalar
from archsmith.graph.rules import Learned
from archsmith.graph.signature import DtypeSlot, Fixed, IntegerSlot, ListSlot, Plain, RealSlot, Slot, TensorSlot, Word
from archsmith.graph.types import ITEM_BYTES

_FORM = re.compile(r"[t_(), ]*")
_PLACES = {"torch": "torch", "aten": "torch.ops.aten"}
"""What a name begins with, and where that is in a source that imports torch."""


def call_text(call: Application, inputs: Sequence[str]) -> str:
    """The call as Python, its tensors the expressions ``inputs`` in order: ``torch.roll(x0, 1, 1)``.

    Raises:
        UserError: the operator or an argument cannot be written; nothing that a book holds becomes code otherwise.
    """
    learned = call.rule.learned
    assert learned is not None  # it is asked for learned rules only
    signature = learned.signature
    writing = _Writing(iter(inputs), dict(call.attributes))
    written = [(name, writing.slot(slot)) for name, slot in signature.arguments]
    placed = [text for _, text in written[: signature.positional]]
    named = [f"{_keyword(name)}={text}" for name, text in written[signature.positional :]]
    return f"{_place(signature.operator)}({', '.join([*placed, *named])})"


def targets(learned: Learned, names: Sequence[str]) -> str:
    """What stands before the equals sign: the names of the results, nested as the call returns them."""
    if not learned.form:
        return ", ".join(names)
    if not _FORM.fullmatch(learned.form) or learned.form.count("t") != len(names):
        raise UserError(f"{learned.signature.operator} returns {len(names)} tensors; its rule says {learned.form!r}")
    waiting = iter(names)
    return "".join(next(waiting) if letter == "t" else letter for letter in learned.form)


def _place(operator: str) -> str:
    """Where the operator is found from ``import torch``: never in a module of Python's own that torch has imported."""
    first, *between, last = operator.split(".") if operator.count(".") else ("", operator)
    plain = all(part.isascii() and part.isidentifier() and not iskeyword(part) for part in (*between, last))
    if first not in _PLACES or not plain or any(part in sys.stdlib_module_names for part in between):
        raise UserError(f"an operator of a rule book must be one of PyTorch's, such as torch.roll; got {operator!r}")
    return ".".join([_PLACES[first], *between, last])


def _keyword(name: str) -> str:
    if not name.isidentifier() or iskeyword(name):
        raise UserError(f"an argument's name must be a plain name of Python; got {name!r}")
    return name


class _Writing:
    """Takes the inputs as the slots come; attributes are found by the names of their slots."""

    def __init__(self, inputs: Iterator[str], attributes: Mapping[str, Scalar]) -> None:
        self._inputs = inputs
        self._attributes = attributes

    def slot(self, slot: Slot) -> str:
        match slot:
            case TensorSlot():
                return next(self._inputs)
            case ListSlot(entries):
                return f"({', '.join(map(self.slot, entries))}{',' if len(entries) == 1 else ''})"
            case IntegerSlot(name) | RealSlot(name):
                return repr(self._attributes[name])
            case DtypeSlot(name):
                return f"torch.{_dtype(str(self._attributes[name]))}"
            case Fixed(value):
                return _plain(value)


def _plain(value: Plain) -> str:
    if isinstance(value, float) and not isfinite(value):
        return f"float({str(value)!r})"
    if not isinstance(value, Word):
        return repr(value)
    match value.kind:
        case "dtype":
            return f"torch.{_dtype(value.text)}"
        case "layout" | "memory_format" if value.text.isidentifier() and not iskeyword(value.text):
            return f"torch.{value.text}"
        case "device":
            return f"torch.device({value.text!r})"
        case "float":
            return f"float({value.text!r})"
        case "complex":
            return f"complex({value.text!r})"
        case "slice":
            return f"slice({', '.join(_ends(value.text))})"
        case "ellipsis":
            return "..."
    raise UserError(f"an argument that is {value.kind} {value.text!r} cannot be written")


def _dtype(name: str) -> str:
    if name not in ITEM_BYTES:
        raise UserError(f"a dtype must be one of {', '.join(ITEM_BYTES)}; got {name!r}")
    return name


def _ends(text: str) -> Iterator[str]:
    for end in text.split(":"):
        if end and not end.removeprefix("-").isdecimal():
            raise UserError(f"a slice reads 1:5:2; got {text!r}")
        yield end or "None"
