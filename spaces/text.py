"""A space as JSON text and back: data that any program can write, read and compare.

A space has one such text: keys are sorted, what stands in an order is a list, and what is as it is unless told
otherwise is left out. Reading it runs nobody's code, unless the reader says so.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from archsmith.graph.errors import UserError
from archsmith.graph.own import is_own
from archsmith.spaces.books import book_with
from archsmith.spaces.jsontext import at, entries, fail, fields, flag, items, laid_out, made, parsed, word
from archsmith.spaces.needs import Allowed
from archsmith.spaces.reading import Reading
from archsmith.spaces.recipe import checked_recipe
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.spaces.values import Meanings
from archsmith.spaces.writing import Written

FORMAT = 1
"""Version of the JSON form; a reader refuses any other."""

WHAT = "a space's text"
NEEDED = ("format", "input", "root")
OTHERS = ("ahead", "alike", "needs", "operators", "recipe", "require", "shared")


def to_json(space: TreeSpace) -> str:
    """The space as JSON text; ``from_json(to_json(space)) == space``.

    Raises:
        UserError: it has a part of a class of one's own, a function that is not found under its name, or a number that
            is not finite; the message names its path.
    """
    try:
        return laid_out(document_of(space))
    except RecursionError:
        raise UserError("the space's tree is nested too deeply to be written as JSON") from None


def document_of(space: TreeSpace) -> dict[str, Any]:
    """What ``to_json`` writes, as objects and lists."""
    written = Written()
    if space.input.shape[:1] != (1,) or len(space.input.shape) < 2:
        fail("input", f"a space's input has a batch of 1 in front; got {space.input}")
    document: dict[str, Any] = {
        "format": FORMAT,
        "input": {"dtype": space.input.dtype, "shape": list(space.input.shape[1:])},
        "root": written.part(space.root, "root"),
    }
    told: dict[str, Any] = {
        "alike": None if space.alike is None else written.need(space.alike, "alike"),
        "operators": _further_operators(space),
        "recipe": [{name: written.given(given, at("recipe", name))} for name, given in space.recipe],
        "require": [written.constraint(demand, at("require", n)) for n, demand in enumerate(space.constraints)],
        "shared": dict(sorted(written.shared.items())),
    }
    written.needs.update(told["operators"])
    told["needs"] = sorted(written.needs)
    document |= {key: value for key, value in told.items() if value}
    document |= {} if space.ahead else {"ahead": False}
    return dict(sorted(document.items()))


def _further_operators(space: TreeSpace) -> list[str]:
    """Those of the space's book that are not in its tree."""
    book = book_with(space.root)
    known, there = book.operators, space.book.operators
    more = [name for name in there if name not in known]
    if any(there.get(name) != entry for name, entry in known.items()) or not all(map(is_own, more)):
        fail("operators", "a rule book has the declared operators and modules of your own; this one has others")
    return more


def from_json(text: str, *, needs: Mapping[str, object] = MappingProxyType({}), trusted: bool = False) -> TreeSpace:
    """The space that the text writes.

    A space may need what is not data: functions and modules, which its text names as ``module:name``. They are used if
    they are given: ``needs`` has functions, and operators made by ``module(MyLayer)``, by these names. If the text
    is ``trusted``, all others are imported, which runs their code.

    Raises:
        UserError: the text is not JSON or not of this format, a part, a value or a reference in it is wrong, or it
            needs what is neither given nor trusted; the message names the path.
    """
    document = parsed(text, WHAT)
    if isinstance(document, dict) and "format" in document and repr(document["format"]) != repr(FORMAT):
        fail("format", f"this archsmith reads format {FORMAT} of {WHAT}; got {document['format']!r}")
    given = fields(document, "", NEEDED, OTHERS)
    allowed = Allowed(needs, trusted)
    named = tuple(word(name, path) for name, path in items(given.get("needs", []), "needs"))
    allowed.demand(named)
    table = given.get("shared", {})
    if not isinstance(table, dict):
        fail("shared", f"must be an object, choices and parts by name; got {table!r}")
    try:
        return _space(given, Reading(table, named, allowed))
    except RecursionError:
        raise UserError(f"{WHAT} is nested too deeply") from None


def needs_of(space: TreeSpace) -> tuple[str, ...]:
    """The functions and modules that the space's text names, each as ``module:name`` (``UserError`` as ``to_json``)."""
    return tuple(document_of(space).get("needs", ()))


def _space(given: Mapping[str, Any], reading: Reading) -> TreeSpace:
    input = fields(given["input"], "input", ("dtype", "shape"))
    word(input["dtype"], "input.dtype")
    ahead = flag(given.get("ahead", True), "ahead")
    root = reading.part(given["root"], "root")
    operators = [reading.operator(name, path) for name, path in items(given.get("operators", []), "operators")]
    meanings: Meanings = {}
    made("root", root.check, made("operators", book_with, root, tuple(operators)), meanings, "")
    recipe = {}
    for name, value, path in entries(given.get("recipe", []), "recipe"):
        recipe[name] = reading.value(value, path)
        made(path, checked_recipe, {name: recipe[name]}, meanings)
    demands = [
        reading.constraint(demand, path, meanings) for demand, path in items(given.get("require", []), "require")
    ]
    alike = reading.need(given["alike"], "alike", reading.allowed.function) if "alike" in given else None
    reading.demand_used()
    require = [str(demand) if demand.predicate is None else demand.predicate for demand in demands]
    space = made(
        "input",
        search_space,
        root,
        input=input["shape"],
        dtype=input["dtype"],
        recipe=recipe or None,
        require=require,
        operators=operators,
        alike=alike,
    )
    return replace(space, ahead=ahead)
