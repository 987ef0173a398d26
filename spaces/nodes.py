"""The words of the search-space language: what a person writes, checked as it is written.

::

    block = residual(chain(op("conv2d", out=16, kernel=choose(3, 5), padding="same"), op("relu")))
    net = search_space(chain(op("conv2d", out=16, kernel=3), repeat(block, choose(1, 2, 3))), input=(1, 8, 8))
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, overload

from archsmith.graph.book import Operator
from archsmith.graph.builder import Builder
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Value
from archsmith.graph.own import is_own
from archsmith.graph.partial import EMPTY
from archsmith.spaces.branches import AnyOf, Parallel, SomeOf
from archsmith.spaces.cells import ABSENT, Cell
from archsmith.spaces.grids import floats, integers
from archsmith.spaces.node import Node
from archsmith.spaces.parts import Call, Chain, Op, Optional, Repeat, Residual, Shared
from archsmith.spaces.values import (
    Choice,
    Given,
    SharedValue,
    checked_name,
    checked_weights,
    choose,
    shared_value,
    values_of,
)

__all__ = [
    "any_of",
    "call",
    "cell",
    "chain",
    "choose",
    "floats",
    "integers",
    "op",
    "optional",
    "parallel",
    "permutation",
    "repeat",
    "residual",
    "shared",
    "some_of",
]

JOINS = ("add", "cat")
OUTPUTS = ("last", "cat")

MOST = 10_000
"""Repetitions of a part, or nodes of a cell: more is a mistake, and would be surveyed for ever."""


def op(operator: str | Operator, /, **attributes: Given | Sequence[Given] | None) -> Op:
    """An operator of the rule book by name, or one made by ``archsmith.runtime.modules.module`` of a class.

    An attribute is a value, a ``choose(...)`` or something shared. Operators that were learned (``torch.roll``) also
    take None, and lists, whose entries are attributes by their places: ``shifts=(1, 2)`` is ``shifts_0=1, shifts_1=2``.
    """
    if not isinstance(operator, str | Operator):
        raise UserError(f"op takes an operator's name, or one made by runtime.modules.module; got {operator!r}")
    if isinstance(operator, Operator):
        return replace(op(operator.name, **attributes), own=operator)
    flat = tuple(_flat(attributes.items(), lists="." in operator and not is_own(operator)))
    named = [given.name for _, given in flat if isinstance(given, Choice) and given.name is not None]
    if len(set(named)) < len(named):
        raise UserError(f"{operator} has two choices of one name among {', '.join(named)}; for one decision, share it")
    return Op(operator, flat)


def _flat(attributes: Iterable[tuple[str, Any]], *, lists: bool) -> Iterator[tuple[str, Given]]:
    """What is in ``lists`` by its place, and words for what a graph has no value for."""
    for name, given in attributes:
        if not lists:
            yield name, given
        elif isinstance(given, list | tuple) and given:
            yield from _flat(((f"{name}_{place}", entry) for place, entry in enumerate(given)), lists=True)
        else:
            yield name, EMPTY if isinstance(given, list | tuple) else str(given) if given is None else given


def chain(*parts: Node) -> Chain:
    """Parts one after another."""
    return Chain(_nodes("chain", parts))


def any_of(*branches: Node, name: str = "any_of", weights: Sequence[float] | None = None, **named: Node) -> AnyOf:
    """One of several parts. A branch is labelled by its keyword; without one, by its own first line.

    ``weights`` are how likely random sampling takes each, positional branches first.
    """
    _name("any_of", name)
    labelled = _labelled("any_of", branches, named)
    return AnyOf(labelled, name, checked_weights("any_of", weights, len(labelled)))


def some_of(count: int, *branches: Node, ordered: bool = False, name: str = "some_of", **named: Node) -> SomeOf:
    """``count`` different ones of several parts, one after another: as they stand, or ``ordered`` in any order."""
    _name("some_of", name)
    labelled = _labelled("some_of", branches, named)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= len(labelled):
        raise UserError(f"some_of takes a count from 1 to its {len(labelled)} branches; got {count!r}")
    return SomeOf(labelled, count, ordered, name)


def permutation(*branches: Node, name: str = "permutation", **named: Node) -> SomeOf:
    """All of several parts, one after another in any order."""
    _name("permutation", name)
    labelled = _labelled("permutation", branches, named)
    return SomeOf(labelled, len(labelled), ordered=True, name=name)


def parallel(*branches: Node, join: str = "add", name: str = "parallel") -> Parallel:
    """Parts that all take the same value, joined by ``"add"`` (of one type) or ``"cat"`` (end to end by channel)."""
    if not branches:
        raise UserError("parallel needs at least one branch; got none")
    if join not in JOINS:
        raise UserError(f"parallel takes join={' or '.join(map(repr, JOINS))}; got {join!r}")
    _name("parallel", name)
    return Parallel(_nodes("parallel", branches), join, name)


def optional(body: Node, *, name: str = "optional", probability: float | None = None) -> Optional:
    """A part that may be left out; ``probability`` is how likely random sampling takes it."""
    _name("optional", name)
    (kept,) = _nodes("optional", (body,))
    if probability is None:
        return Optional(kept, name)
    if not isinstance(probability, int | float) or isinstance(probability, bool) or not 0 <= probability <= 1:
        raise UserError(f"optional takes a probability from 0 to 1; got {probability!r}")
    return Optional(kept, name, (float(1 - probability), float(probability)))


def cell(
    *operations: Node,
    nodes: int,
    inputs: int = 1,
    degree: int | None = None,
    output: str = "last",
    gaps: bool = False,
    entering: Mapping[str, Node] = MappingProxyType({}),
    name: str = "cell",
    **named: Node,
) -> Cell:
    """A graph of ``nodes`` nodes behind its input, with one of the ``operations`` on every edge, sums at the nodes.

    Each node takes all earlier ones, or ``degree`` different ones of them. The last one comes out, or with
    ``output="cat"`` all of them, end to end. With ``gaps``, an edge may also be left out (``"none"``). ``entering``
    gives operations another meaning on the edges that come from an input. A cell of several ``inputs`` is for parts of
    your own.
    """
    _name("cell", name)
    labelled = _labelled("cell", operations, named)
    for what, given, least in (("nodes", nodes, 1), ("inputs", inputs, 1), ("degree", degree, 1)):
        if given is not None and (not isinstance(given, int) or isinstance(given, bool) or not least <= given <= MOST):
            raise UserError(f"a cell's {what} is a whole number from {least} to {MOST}; got {given!r}")
    if output not in OUTPUTS:
        raise UserError(f"a cell takes output={' or '.join(map(repr, OUTPUTS))}; got {output!r}")
    if gaps and (output != "last" or degree is not None):
        raise UserError("a cell with gaps has all earlier nodes at each node, and its last one comes out")
    if gaps and ABSENT in dict(labelled):
        raise UserError(f"in a cell with gaps, {ABSENT!r} stands for no edge; name that operation otherwise")
    if entering and entering.keys() != dict(labelled).keys():
        raise UserError(f"entering gives all the operations {', '.join(dict(labelled))}; got {', '.join(entering)}")
    first = tuple((label, _nodes("cell", (entering[label],))[0]) for label, _ in labelled) if entering else ()
    return Cell(labelled, nodes, inputs, degree, output, gaps, first, name)


def repeat(body: Node, times: int | Choice | SharedValue, *, name: str = "repeat", tied: bool = False) -> Repeat:
    """A part several times over; ``times`` is a count of at least 0 or a choice of counts.

    Each turn has decisions of its own; ``tied``, all have the same.
    """
    _name("repeat", name)
    counts = values_of(times)
    if any(not isinstance(count, int) or isinstance(count, bool) or count < 0 for count in counts):
        raise UserError(f"repeat needs counts that are integers of at least 0; got {', '.join(map(repr, counts))}")
    if any(int(count) > MOST for count in counts):
        raise UserError(f"repeat goes up to {MOST} times; got {', '.join(map(repr, counts))}")
    return Repeat(_nodes("repeat", (body,))[0], times, name, tied)


def residual(body: Node, *, project: bool = True) -> Residual:
    """A part whose result is added to what went in, mapped to the result's shape where ``project`` allows it."""
    return Residual(_nodes("residual", (body,))[0], project)


@overload
def shared(name: str, given: Choice) -> SharedValue: ...
@overload
def shared(name: str, given: Node) -> Shared: ...
def shared(name: str, given: Choice | Node) -> SharedValue | Shared:
    """A choice or a part whose decisions are asked once, under ``name``, and hold wherever it is used."""
    if isinstance(given, Choice):
        return shared_value(name, given)
    return Shared(checked_name(name), _nodes("shared", (given,))[0])


def call(function: Callable[[Builder, Value], Value]) -> Call:
    """A function of your own that grows the graph: it is given the builder and a value, and returns a value.

    Its name stands for it in the space's text, so it is one that is defined at the top of its module.
    """
    name = getattr(function, "__qualname__", "<nameless>")
    if not callable(function) or "<" in name:
        raise UserError(f"call takes a function(builder, x), defined by def at the top of a file; got {function!r}")
    return Call(function)


def _nodes(where: str, parts: tuple[Node, ...]) -> tuple[Node, ...]:
    for part in parts:
        if not all(hasattr(part, method) for method in ("plan", "lines", "check")):
            raise UserError(f"{where} takes nodes such as op(...) or chain(...); got {part!r}")
    return parts


def _name(where: str, given: object) -> None:
    """A part's own name is text: a branch that is to be labelled "name" would be taken for it."""
    if not isinstance(given, str) or not given:
        raise UserError(f"{where} takes a name in words; got {given!r}")


def _labelled(where: str, branches: tuple[Node, ...], named: Mapping[str, Node]) -> tuple[tuple[str, Node], ...]:
    """The branches with labels that differ."""
    if not branches and not named:
        raise UserError(f"{where} needs at least one branch; got none")
    labelled: dict[str, Node] = {}
    for branch in _nodes(where, branches):
        label = next(iter(branch.lines()))
        count = sum(1 for taken in labelled if taken == label or taken.startswith(f"{label} #"))
        labelled[f"{label} #{count + 1}" if count else label] = branch
    for label, branch in zip(named, _nodes(where, tuple(named.values())), strict=True):
        if label in labelled:
            raise UserError(f"{where} has two branches labelled {label!r}; name one of them otherwise")
        labelled[label] = branch
    return tuple(labelled.items())
