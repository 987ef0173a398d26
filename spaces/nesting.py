"""A tree must be a tree: a part that holds itself would be walked for ever."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from archsmith.graph.errors import UserError
from archsmith.spaces.node import Node

DEEPEST = 250
"""Parts within parts at most: Python could not print or survey many more."""


def demand_tree(root: Node) -> None:
    """``UserError`` if a part holds itself, with the way there, or is nested too deeply; none is walked for that."""
    trail: list[tuple[Node, Iterator[Node]]] = [(root, parts_of(root))]
    done: set[int] = set()
    while trail:
        part = next(trail[-1][1], None)
        if part is None:
            done.add(id(trail.pop()[0]))
        elif any(part is above for above, _ in trail):
            names = [type(above).__name__ for above, _ in trail]
            raise UserError(f"a part of the tree holds itself: {' > '.join([*names, type(part).__name__])}")
        elif id(part) not in done:
            trail.append((part, parts_of(part)))
            if len(trail) > DEEPEST:
                raise UserError(f"a tree is nested up to {DEEPEST} parts deep; this one is deeper")


def parts_of(node: Node) -> Iterator[Node]:
    """The parts that stand in a part's own attributes."""
    if is_dataclass(node):
        values: list[object] = [getattr(node, field.name) for field in fields(node)]
    else:
        values = list(getattr(node, "__dict__", {}).values())
    return _parts_in(values)


def _parts_in(values: object) -> Iterator[Node]:
    if isinstance(values, tuple | list):
        for value in values:
            yield from _parts_in(value)
    elif hasattr(values, "plan") and hasattr(values, "lines"):
        yield values  # type: ignore[misc]  # a part, by its methods
