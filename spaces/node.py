"""What a part of a space's tree is: a plan of what it asks, which parts follow, and what is made of their results.

A plan is the one thing that is known of a part, and two readers take it: ``building`` grows a graph by it, and
``diagram`` follows the types alone, so that it can tell before an option is offered whether it leads anywhere.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

from archsmith.graph.book import RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Value
from archsmith.graph.types import TensorType
from archsmith.spaces.decisions import Decision, Label, Steps
from archsmith.spaces.values import Meanings


@dataclass(frozen=True, slots=True)
class Enter:
    """Go through ``node``, called ``path``, with the values at the places ``of``: one, but for parts that take more.

    ``again`` says that the decisions of ``node`` are those of every other part of that path: the first time that a
    walk comes to it they are asked, and then they are known.
    """

    node: "Node"
    path: str
    of: tuple[int, ...] = (0,)
    again: bool = False


@dataclass(frozen=True, slots=True)
class Make:
    """Grow the graph: ``function(builder, values, *arguments)`` with the values at the places ``of`` gives another.

    What it makes, and whether it can, depends on the types of the values alone. Raises ``Infeasible`` where it cannot.
    """

    function: Callable[..., Value]
    of: tuple[int, ...]
    arguments: tuple[Any, ...] = ()


Plan = tuple[Enter | Make, ...]
"""Steps in order. Each adds a value to those at hand, of which the first went in and the last one comes out."""


class Node(Protocol):
    """A part of a space's tree: a value goes in, decisions are asked, a value comes out."""

    def plan(self, path: str) -> Steps[Plan]:
        """Ask what the part itself decides, and say what follows from that; ``path`` names this place in the tree."""
        ...

    def lines(self) -> Iterator[str]:
        """The subtree as text, a line a node, children indented."""
        ...

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        """Look for mistakes in the subtree, and add what its shared names stand for.

        Raises:
            UserError: an operator or an attribute does not exist, or a shared name has two meanings; it names the path.
        """
        ...


Through = Callable[[Enter | Make, tuple[TensorType, ...]], TensorType | None]
"""The type that leaves a step entered with these types; None if it can make none, or if anything is asked in it."""

Labels = tuple[Label, ...]


class Sealed(Node, Protocol):
    """A part whose answers may make no difference to the type that leaves it, however many there are.

    Then nothing has to be followed through it to know what lies behind it, and it is counted by ``ways``.
    """

    def sealed(self, path: str, entering: tuple[TensorType, ...], through: Through) -> TensorType | None:
        """The type that leaves every walk through it, none of which is a dead end; None if that cannot be said."""
        ...

    def after(self, path: str, labels: Labels) -> Decision | None:
        """The question that follows these answers to its first ones, with two options at least; None at the end."""
        ...

    def ways(self, path: str, labels: Labels) -> int:
        """How many walks begin with these answers."""
        ...

    def look(self, path: str) -> tuple[frozenset[str], tuple[Enter, ...]]:
        """The names that it may ask, and all parts that it may enter."""
        ...


def is_sealed(node: Node) -> TypeGuard[Sealed]:
    """Whether the part says so of itself; whether it is for given types, ``sealed`` tells."""
    return hasattr(node, "sealed")


def answered(part: Sealed, path: str) -> Steps[Labels]:
    """Ask all questions of such a part; the answers."""
    labels: Labels = ()
    while (decision := part.after(path, labels)) is not None:
        labels = (*labels, (yield decision))
    return labels


def build(node: Node, builder: Builder, entering: Sequence[Value], path: str) -> Steps[Value]:
    """Grow the builder's graph by the part's plan, asking all decisions; the value that leaves the part."""
    # A stack and no recursion: every question would have to pass through as many generators as the tree is deep.
    plans = [(iter((yield from node.plan(path))), list(entering))]
    while True:
        steps, values = plans[-1]
        step = next(steps, None)
        if step is None:
            plans.pop()
            if not plans:
                return values[-1]
            plans[-1][1].append(values[-1])
        elif isinstance(step, Enter):
            plan = yield from step.node.plan(step.path)
            plans.append((iter(plan), [values[place] for place in step.of]))
        else:
            values.append(step.function(builder, [values[place] for place in step.of], *step.arguments))


@contextmanager
def named_by(path: str) -> Iterator[None]:
    """Whatever mistake is found here is told with the path."""
    try:
        yield
    except UserError as mistake:
        raise UserError(f"at {path}: {mistake}" if path else str(mistake)) from None


def titled(kind: str, name: str, weights: tuple[float, ...] | None = None) -> str:
    """Names and weights are in the text too: two spaces that differ in them are different spaces."""
    weighed = "" if weights is None else f" weights={weights}"
    return (kind if name == kind else f"{kind} {name!r}") + weighed


def joined(path: str, name: str) -> str:
    """The path of something called ``name`` at ``path``."""
    return f"{path}/{name}" if path else name


def indented(node: Node) -> Iterator[str]:
    return (f"  {line}" for line in node.lines())
