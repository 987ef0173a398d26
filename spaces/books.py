"""The rule book of a space: the declared operators, and those of a user's own that stand in its tree."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from archsmith.graph.book import Operator, RuleBook
from archsmith.graph.errors import UserError
from archsmith.graph.ops import DECLARED
from archsmith.spaces.decisions import Space


def book_in(space: Space) -> RuleBook:
    """The space's own book, or the declared one where it has none: what its graphs are typed and measured by."""
    found = getattr(space, "book", None)
    return found if isinstance(found, RuleBook) else DECLARED


def book_with(*found: object) -> RuleBook:
    """The declared operators and all that stand anywhere in these: parts of a tree, or operators themselves.

    Raises:
        UserError: two different operators have one name.
    """
    try:
        return DECLARED.extended(_operators(found))
    except ValueError as error:
        raise UserError(f"a class that a space uses must be one class: {error}; load it once") from error


def _operators(found: object) -> Iterator[Operator]:
    if isinstance(found, Operator):
        yield found
    elif isinstance(found, tuple | list):
        for part in found:
            yield from _operators(part)
    elif is_dataclass(found) and not isinstance(found, type):
        for field in fields(found):
            yield from _operators(getattr(found, field.name))
