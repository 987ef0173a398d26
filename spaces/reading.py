"""A space's tree from a JSON document: every part is made by the word that a person would write it with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from archsmith.graph.book import Operator
from archsmith.graph.expr import Expr, Sym, Undefined, fold, parse
from archsmith.graph.intervals import bounds
from archsmith.spaces.cells import ABSENT, Cell
from archsmith.spaces.constraints import Constraint, read_constraint
from archsmith.spaces.jsontext import at, entries, fail, fields, flag, items, made, scalar, tagged, word
from archsmith.spaces.needs import Allowed
from archsmith.spaces.node import Node
from archsmith.spaces.nodes import (
    any_of,
    call,
    cell,
    chain,
    choose,
    floats,
    integers,
    op,
    optional,
    parallel,
    repeat,
    residual,
    shared,
    some_of,
)
from archsmith.spaces.parts import Optional, Shared
from archsmith.spaces.values import Choice, Given, Meanings, SharedValue, checked_weights, shared_value, values_of

MOST_PARTS = 100_000
"""The most parts of a tree, those of a shared one at each of its places, of a repeated one at each of its turns.

A space looks at all of them when it is made, and few lines may stand for very many.
"""

ARITHMETIC = frozenset({"+", "-", "*", "//", "%"})
CHOICES = ("choose", "integers", "floats")
Branches = tuple[tuple[str, Node], ...]


@dataclass(slots=True)
class Reading:
    """A document as far as it was read: ``table`` is what it shares, ``needs`` what it says that it needs."""

    table: Mapping[str, object]
    needs: tuple[str, ...]
    allowed: Allowed
    known: dict[str, Shared | SharedValue] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    parts: int = 0

    def part(self, document: object, path: str) -> Node:
        """The part that the document is (``UserError`` with the path of the mistake)."""
        self.grow(1, path)
        tag, inner = tagged(document, path, tuple(READERS))
        return READERS[tag](inner, at(path, tag), self)

    def grow(self, parts: int, path: str) -> None:
        self.parts += parts
        if self.parts > MOST_PARTS:
            fail(path, f"the tree has more than {MOST_PARTS} parts, counted wherever they are shared or repeated")

    def multiply(self, before: int, times: int, path: str) -> None:
        """Count the parts that were read since there were so many as often as they are used."""
        self.grow((self.parts - before) * max(0, times - 1), path)

    def shared(self, name: str, path: str) -> Shared | SharedValue:
        """What is shared under that name."""
        if name not in self.table:
            fail(path, f"nothing is shared as {name!r}; shared are: {', '.join(self.table) or 'none'}")
        if name in self.open:
            fail(path, f"what is shared cannot be part of itself: {' has '.join([*self.open, name])}")
        if name in self.known:
            self.grow(self.sizes[name], path)
            return self.known[name]
        before, here, document = self.parts, at("shared", name), self.table[name]
        self.open.append(name)
        tag, _ = tagged(document, here, (*CHOICES, *READERS))
        if tag in CHOICES:
            self.known[name] = made(here, shared_value, name, choice(document, here))
        else:
            self.known[name] = made(here, shared, name, self.part(document, here))
        self.open.pop()
        self.sizes[name] = self.parts - before
        return self.known[name]

    def value(self, document: object, path: str) -> Given:
        """A value, a choice, or something computed from shared choices."""
        if not isinstance(document, dict) or "float" in document:
            return scalar(document, path)
        tag, inner = tagged(document, path, (*CHOICES, "shared"))
        return self._computed(inner, at(path, tag)) if tag == "shared" else choice(document, path)

    def _computed(self, document: object, path: str) -> SharedValue:
        text = word(document, path)
        try:
            expr: Expr = Sym(text) if text in self.table else parse(text)
        except ValueError as error:
            fail(path, str(error))
        found = {name: self.shared(name, path) for name in _names(expr, path)}
        choices: list[tuple[str, Choice]] = []
        for name, meaning in found.items():
            if isinstance(meaning, Shared):
                fail(path, f"{name} is a part; a value is computed from choices")
            if not isinstance(expr, Sym) and any(type(label) is not int for label in meaning.choices[0][1].options):
                fail(path, f"arithmetic takes choices of whole numbers; got {meaning}")
            choices += meaning.choices
        if not choices:
            fail(path, f"has nothing shared in it; write its value as a number: {text}")
        return SharedValue(expr, tuple(choices))

    def need(self, document: object, path: str, load: Callable[[str], Any]) -> Any:
        """What ``load`` gives for the name, which must be among those that the document says it needs."""
        name = word(document, path)
        if name not in self.needs:
            fail(path, f"{name} must be among the needs of the document")
        self.used.add(name)
        return made(path, load, name)

    def operator(self, document: object, path: str) -> Operator:
        found: Operator = self.need(document, path, self.allowed.operator)
        return found

    def constraint(self, document: object, path: str, meanings: Meanings) -> Constraint:
        """The constraint over what is shared, in text or as a predicate."""
        if isinstance(document, str):
            return made(path, read_constraint, document, meanings)
        tag, inner = tagged(document, path, ("predicate",))
        return made(path, read_constraint, self.need(inner, at(path, tag), self.allowed.function), meanings)

    def demand_used(self) -> None:
        """``UserError`` if the document has something that nothing in it uses: it may be misspelt where it is meant."""
        for name in self.table:
            if name not in self.known:
                fail(at("shared", name), "nothing uses it")
        for name in self.needs:
            if name not in self.used:
                fail("needs", f"nothing uses {name}")


def choice(document: object, path: str) -> Choice:
    """The choice that the document is."""
    tag, inner = tagged(document, path, CHOICES)
    here = at(path, tag)
    if tag != "choose":
        given = fields(inner, here, ("low", "high"), ("step", "log", "count", "name")[tag == "floats" :])
        _demand_kinds(given, here)
        return made(here, integers if tag == "integers" else floats, **given)
    if isinstance(inner, list):
        return made(here, choose, *(scalar(option, inside) for option, inside in items(inner, here)))
    given = dict(fields(inner, here, ("options",), ("ordered", "name", "weights")))
    _demand_kinds(given, here)
    options = [scalar(option, inside) for option, inside in items(given.pop("options"), at(here, "options"))]
    return made(here, choose, *options, **given)


def _names(expr: Expr, path: str) -> tuple[str, ...]:
    """The symbols in order; the operations are those that a value may be computed with."""

    def apply(operation: str, parts: Any) -> tuple[str, ...]:
        if operation not in ARITHMETIC:
            fail(path, f"values are computed with + - * // %; got {operation}")
        return tuple(name for part in parts for name in part)

    return tuple(dict.fromkeys(fold(expr, literal=lambda _: (), symbol=lambda name: (name,), apply=apply)))


def _op(document: object, path: str, reading: Reading) -> Node:
    key = "own" if isinstance(document, dict) and "own" in document else "operator"
    given = fields(document, path, (key,), ("attributes",))
    here = at(path, key)
    operator = reading.operator(given[key], here) if key == "own" else word(given[key], here)
    named = entries(given.get("attributes", []), at(path, "attributes"))
    return made(path, op, operator, **{name: reading.value(value, inner) for name, value, inner in named})


def _call(document: object, path: str, reading: Reading) -> Node:
    return made(path, call, reading.need(document, path, reading.allowed.function))


def _chain(document: object, path: str, reading: Reading) -> Node:
    return chain(*_parts(document, path, reading))


def _parallel(document: object, path: str, reading: Reading) -> Node:
    given = fields(document, path, ("branches",), ("join", "name"))
    parts = _parts(given["branches"], at(path, "branches"), reading)
    return made(path, parallel, *parts, **_settings(given, path))


def _any_of(document: object, path: str, reading: Reading) -> Node:
    given = fields(document, path, ("branches",), ("name", "weights"))
    branches = _branches(given["branches"], at(path, "branches"), reading)
    return replace(made(path, any_of, **_numbered(branches), **_settings(given, path)), branches=branches)


def _some_of(document: object, path: str, reading: Reading) -> Node:
    given = fields(document, path, ("branches", "count"), ("ordered", "name"))
    branches, settings = _branches(given["branches"], at(path, "branches"), reading), _settings(given, path)
    return replace(made(path, some_of, settings.pop("count"), **_numbered(branches), **settings), branches=branches)


def _cell(document: object, path: str, reading: Reading) -> Node:
    others = ("inputs", "degree", "output", "gaps", "entering", "name")
    given = fields(document, path, ("operations", "nodes"), others)
    before = reading.parts
    operations = _branches(given["operations"], at(path, "operations"), reading)
    entering = _branches(given.get("entering", []), at(path, "entering"), reading)
    if entering and [label for label, _ in entering] != [label for label, _ in operations]:
        fail(at(path, "entering"), "must have the labels of the operations, in their order")
    found: Cell = made(path, cell, **_numbered(operations), **_settings(given, path))
    edges = found.nodes * found.inputs + found.nodes * (found.nodes - 1) // 2
    reading.multiply(before, edges, at(path, "nodes"))
    reading.grow(found.degree or 0, at(path, "degree"))
    return replace(found, operations=operations, entering=entering)


def _optional(document: object, path: str, reading: Reading) -> Node:
    given = fields(document, path, ("body",), ("name", "weights"))
    settings, body = _settings(given, path), _body(given, path, reading)
    weights = made(at(path, "weights"), checked_weights, "optional", settings.pop("weights", None), 2)
    found: Optional = replace(optional(body, **settings), weights=weights)
    return found


def _repeat(document: object, path: str, reading: Reading) -> Node:
    given = fields(document, path, ("body", "times"), ("name", "tied"))
    times, before = reading.value(given["times"], at(path, "times")), reading.parts
    body = _body(given, path, reading)
    reading.multiply(before, _most(times), at(path, "times"))
    return made(path, repeat, body, times, **_settings(given, path))


def _most(times: Given) -> int:
    """The largest count, or more, as far as it is one: the word of the language looks at its kind."""
    if not isinstance(times, SharedValue) or isinstance(times.expr, Sym):
        return max((value for value in values_of(times) if isinstance(value, int)), default=0)
    ranges = {name: (min(map(int, known.options)), max(map(int, known.options))) for name, known in times.choices}
    try:
        return bounds(times.expr, ranges)[1]
    except Undefined:
        return 0


def _residual(document: object, path: str, reading: Reading) -> Node:
    given = fields(document, path, ("body",), ("project",))
    return residual(_body(given, path, reading), **_settings(given, path))


def _shared(document: object, path: str, reading: Reading) -> Node:
    found = reading.shared(word(document, path), path)
    return found if isinstance(found, Shared) else fail(path, f"{document} is a value; here stands a part")


READERS: Mapping[str, Callable[[object, str, Reading], Node]] = MappingProxyType(
    {
        "op": _op,
        "call": _call,
        "chain": _chain,
        "parallel": _parallel,
        "any_of": _any_of,
        "some_of": _some_of,
        "cell": _cell,
        "optional": _optional,
        "residual": _residual,
        "repeat": _repeat,
        "shared": _shared,
    }
)
"""How each kind of part is read."""

WORDS, FLAGS = ("name",), ("ordered", "tied", "project", "gaps", "log")
PARTS = ("body", "branches", "operations", "entering", "times")


def _settings(given: Mapping[str, Any], path: str) -> dict[str, Any]:
    """What a part has beside other parts and values that may be chosen."""
    _demand_kinds(given, path)
    return {key: value for key, value in given.items() if key not in PARTS}


def _demand_kinds(given: Mapping[str, object], path: str) -> None:
    """That of which the words of the language look at no kind; they look at numbers and weights themselves."""
    for key, value in given.items():
        if key in WORDS:
            word(value, at(path, key))
        if key in FLAGS:
            flag(value, at(path, key))


def _parts(document: object, path: str, reading: Reading) -> list[Node]:
    return [reading.part(part, here) for part, here in items(document, path)]


def _body(given: Mapping[str, object], path: str, reading: Reading) -> Node:
    return reading.part(given["body"], at(path, "body"))


def _branches(document: object, path: str, reading: Reading) -> Branches:
    return tuple((label, reading.part(part, here)) for label, part, here in entries(document, path))


def _numbered(branches: Branches) -> dict[str, Node]:
    """The branches by words that are no parameter's name, as a label may be; the label of no edge stays as it is."""
    return {label if label == ABSENT else f"branch{place}": part for place, (label, part) in enumerate(branches)}
