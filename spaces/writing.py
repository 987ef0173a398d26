"""A space's tree as a JSON document: every part an object with one key, what kind of part it is."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from types import MappingProxyType
from typing import Any

from archsmith.graph.expr import Expr, Sym, parse, show
from archsmith.graph.graph import Scalar
from archsmith.spaces.branches import AnyOf, Parallel, SomeOf
from archsmith.spaces.cells import Cell
from archsmith.spaces.constraints import Constraint
from archsmith.spaces.jsontext import at, fail, made
from archsmith.spaces.needs import place_of
from archsmith.spaces.node import Node
from archsmith.spaces.parts import Call, Chain, Op, Optional, Repeat, Residual, Shared
from archsmith.spaces.values import Choice, Given, SharedValue, choose

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """What writing a tree has met so far: shared things by name, as they are and as documents, and what it needs."""

    meanings: dict[str, Choice | Node] = field(default_factory=dict)
    shared: Document = field(default_factory=dict)
    needs: set[str] = field(default_factory=set)

    def part(self, node: Node, path: str) -> Document:
        """The part as a document (``UserError`` with the path if it cannot be written)."""
        write = WRITERS.get(type(node))
        if write is None:
            kind = f"{type(node).__module__}.{type(node).__qualname__}"
            fail(path, f"only parts made by the words of the language have a form in JSON; got one of class {kind}")
        tag, document = write(node, path, self)
        return {tag: document}

    def given(self, given: Given, path: str) -> object:
        """A value, a choice or something computed from shared choices."""
        match given:
            case Choice():
                return choice(given, path)
            case SharedValue(expr=expr, choices=choices):
                if not isinstance(expr, Sym) and not _reads_back(expr):
                    fail(path, f"a name in {show(expr)} is a word of Python; share it under another name")
                for name, meaning in choices:
                    self._note(name, meaning, path, choice)
                return {"shared": show(expr)}
            case _:
                return plain(given, path)

    def reference(self, node: Shared, path: str) -> tuple[str, object]:
        self._note(node.name, node.body, path, self.part)
        return "shared", node.name

    def _note(self, name: str, meaning: Any, path: str, write: Callable[[Any, str], object]) -> None:
        if name not in self.meanings:
            self.meanings[name] = meaning
            self.shared[name] = write(meaning, at("shared", name))
        elif self.meanings[name] is not meaning and self.meanings[name] != meaning:
            fail(path, f"{name!r} is shared with two meanings, which differ in more than their text")

    def constraint(self, demand: Constraint, path: str) -> object:
        """A constraint as its text, or a predicate as where it is found."""
        return str(demand) if demand.predicate is None else {"predicate": self.need(demand.predicate, path)}

    def need(self, function: Callable[..., Any], path: str) -> str:
        name = made(path, place_of, function)
        self.needs.add(name)
        return name


def _reads_back(expr: Expr) -> bool:
    try:
        return parse(show(expr)) == expr
    except ValueError:
        return False


def choice(given: Choice, path: str) -> Document:
    """The choice by its options, or by the grid that they were given as."""
    named = {} if given.name is None else {"name": plain(given.name, at(path, "name"))}
    if given.grid is not None:
        return _grid(given.grid, named)
    options = [plain(option, path) for option in given.options]
    usual = choose(*given.options)
    told: Document = {} if given.ordered == usual.ordered else {"ordered": given.ordered}
    told |= ({} if given.weights is None else {"weights": list(given.weights)}) | named
    return {"choose": _sorted(told | {"options": options}) if told else options}


def _grid(text: str, named: Document) -> Document:
    """``integers(1, 9, step=2)`` by the names of what it was given."""
    call, _, inner = text.removesuffix(")").partition("(")
    low, high, *others = inner.split(", ")
    told = {key: json.loads(value.lower()) for key, _, value in (other.partition("=") for other in others)}
    return {call: _sorted(told | named | {"low": json.loads(low), "high": json.loads(high)})}


def plain(value: object, path: str) -> Scalar | dict[str, str]:
    """The value, if JSON has it and gives the same one back.

    Many programs write 1.0 as 1, which is another option: such a number is ``{"float": "1.0"}``.
    """
    if type(value) not in (int, float, str, bool) or value in (float("inf"), float("-inf")) or value != value:
        fail(path, f"JSON has finite numbers, text, true and false; got {value!r}")
    if isinstance(value, float) and value.is_integer():
        return {"float": repr(value)}
    return value  # type: ignore[return-value]  # its type was just looked at


def _op(node: Op, path: str, written: Written) -> tuple[str, Document]:
    here = at(path, "op")
    document: Document = {"operator" if node.own is None else "own": node.operator}
    if node.own is not None:
        written.needs.add(node.operator)
    if node.attributes:
        names = at(here, "attributes")
        named = ((name, at(at(names, place), name), given) for place, (name, given) in enumerate(node.attributes))
        document["attributes"] = [{name: written.given(given, inner)} for name, inner, given in named]
    return "op", _sorted(document)


def _call(node: Call, path: str, written: Written) -> tuple[str, str]:
    return "call", written.need(node.function, at(path, "call"))


def _chain(node: Chain, path: str, written: Written) -> tuple[str, list[Document]]:
    return "chain", _parts(node.parts, at(path, "chain"), written)


def _parallel(node: Parallel, path: str, written: Written) -> tuple[str, Document]:
    here = at(path, "parallel")
    return "parallel", _sorted(
        settings(node, here) | {"branches": _parts(node.branches, at(here, "branches"), written)}
    )


def _any_of(node: AnyOf, path: str, written: Written) -> tuple[str, Document]:
    return "any_of", _branched(node, at(path, "any_of"), written, "branches")


def _some_of(node: SomeOf, path: str, written: Written) -> tuple[str, Document]:
    return "some_of", _branched(node, at(path, "some_of"), written, "branches")


def _cell(node: Cell, path: str, written: Written) -> tuple[str, Document]:
    return "cell", _branched(node, at(path, "cell"), written, "operations", "entering")


def _optional(node: Optional, path: str, written: Written) -> tuple[str, Document]:
    return "optional", _bodied(node, at(path, "optional"), written)


def _residual(node: Residual, path: str, written: Written) -> tuple[str, Document]:
    return "residual", _bodied(node, at(path, "residual"), written)


def _repeat(node: Repeat, path: str, written: Written) -> tuple[str, Document]:
    here = at(path, "repeat")
    times = {"times": written.given(node.times, at(here, "times"))}
    return "repeat", _sorted(times | _bodied(node, here, written))


def _shared(node: Shared, path: str, written: Written) -> tuple[str, object]:
    return written.reference(node, path)


WRITERS: Mapping[type, Callable[[Any, str, Written], tuple[str, object]]] = MappingProxyType(
    {
        Op: _op,
        Call: _call,
        Chain: _chain,
        Parallel: _parallel,
        AnyOf: _any_of,
        SomeOf: _some_of,
        Cell: _cell,
        Optional: _optional,
        Residual: _residual,
        Repeat: _repeat,
        Shared: _shared,
    }
)
"""How each kind of part is written, and no other: a class derived from one of them may mean something else."""

SETTINGS = frozenset({"name", "weights", "tied", "project", "join", "count", "ordered", "nodes", "inputs"}) | frozenset(
    {"degree", "output", "gaps"}
)
"""What parts have beside other parts and values that may be chosen."""


def settings(node: Any, path: str) -> Document:
    """Those of the part that are not as they are unless told otherwise."""
    return dict(_told(node, path))


def _told(node: Any, path: str) -> Iterator[tuple[str, object]]:
    for entry in fields(node):
        value = getattr(node, entry.name)
        if entry.name in SETTINGS and (entry.default is MISSING or value != entry.default):
            yield entry.name, list(value) if isinstance(value, tuple) else plain(value, at(path, entry.name))


def _parts(parts: tuple[Node, ...], path: str, written: Written) -> list[Document]:
    return [written.part(part, at(path, place)) for place, part in enumerate(parts)]


def _bodied(node: Optional | Residual | Repeat, path: str, written: Written) -> Document:
    return _sorted(settings(node, path) | {"body": written.part(node.body, at(path, "body"))})


def _branched(node: AnyOf | SomeOf | Cell, path: str, written: Written, *keys: str) -> Document:
    document = settings(node, path)
    for key in keys:
        here = at(path, key)
        labelled = enumerate(getattr(node, key))
        branches = [{label: written.part(part, at(at(here, place), label))} for place, (label, part) in labelled]
        document |= {key: branches} if branches else {}
    return _sorted(document)


def _sorted(document: Document) -> Document:
    return dict(sorted(document.items()))
