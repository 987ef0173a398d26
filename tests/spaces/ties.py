"""Search spaces in which one answer holds in several places, and parts of a user's own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from archsmith.graph.book import RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.graph import Value
from archsmith.spaces.decisions import Decision, Steps
from archsmith.spaces.node import Enter, Make, Node, Plan
from archsmith.spaces.nodes import (
    any_of,
    call,
    chain,
    choose,
    op,
    optional,
    parallel,
    permutation,
    repeat,
    residual,
    shared,
    some_of,
)
from archsmith.spaces.parts import Op
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.spaces.values import Meanings

WIDTH = shared("width", choose(2, 3, 4))
GROUPS = shared("groups", choose(1, 2))
CELL = shared("cell", chain(op("conv2d", out=WIDTH, kernel=choose(1, 3)), any_of(op("relu"), op("tanh"))))


@dataclass(frozen=True)
class Own:
    """A part of a user's own: asks a width of its own name or of another's, and whether to rectify."""

    asks: str
    options: tuple[int, ...] = (2, 3, 4)

    def plan(self, path: str) -> Steps[Plan]:
        width = yield Decision(self.asks, self.options, ordered=True)
        convolved = Make(_convolved, (0,), (int(width),))
        rectify = yield Decision(f"{path}/rectify", (False, True))
        return (convolved, Make(_rectified, (1,))) if rectify else (convolved,)

    def lines(self) -> Iterator[str]:
        yield f"own {self.asks} {self.options}"

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        pass


def _convolved(builder: Builder, values: Sequence[Value], width: int) -> Value:
    return builder.add("conv2d", *values, out=width, kernel=1)


def _rectified(builder: Builder, values: Sequence[Value]) -> Value:
    return builder.add("relu", *values)


@dataclass(frozen=True)
class Twice:
    """A part that holds another, and goes through it twice with decisions of its own each time."""

    body: Node

    def plan(self, path: str) -> Steps[Plan]:
        yield from ()
        return Enter(self.body, f"{path}/first"), Enter(self.body, f"{path}/second", (1,))

    def lines(self) -> Iterator[str]:
        yield "twice"
        yield from self.body.lines()

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        self.body.check(book, meanings, path)


def squeeze(builder: Builder, x: Value) -> Value:
    """Half the channels, of which there must be an even number for that."""
    return builder.add("conv2d", x, out=builder.type_of(x).shape[1] // 2, kernel=1, groups=2)


def _space(*parts: object) -> TreeSpace:
    return search_space(chain(*parts), input=(2, 5, 5))  # type: ignore[arg-type]  # nodes, by their methods


def _conv(**attributes: object) -> Op:
    return op("conv2d", **{"kernel": 1, **attributes})  # type: ignore[arg-type]  # attributes of a convolution


TIES = MappingProxyType(
    {
        "a value in two places": _space(_conv(out=WIDTH), op("relu"), residual(_conv(out=WIDTH, kernel=choose(1, 3)))),
        "computed values": _space(_conv(out=2 * WIDTH, groups=GROUPS), _conv(out=WIDTH - GROUPS), _conv(out=WIDTH % 3)),
        "two shared in several places": _space(
            optional(_conv(out=WIDTH, groups=GROUPS)), _conv(out=WIDTH, groups=GROUPS), _conv(out=4, groups=GROUPS)
        ),
        "asked in one branch": _space(
            any_of(_conv(out=WIDTH), op("relu"), name="stem"), any_of(op("tanh"), _conv(out=WIDTH, groups=GROUPS)), CELL
        ),
        "a shared part": _space(CELL, optional(CELL), residual(CELL, project=False)),
        "a shared count": _space(
            repeat(_conv(out=choose(2, 3)), GROUPS), repeat(_conv(out=WIDTH), GROUPS), repeat(op("relu"), WIDTH - 3)
        ),
        "tied turns": _space(
            repeat(chain(_conv(out=choose(2, 4), groups=choose(1, 2)), optional(op("relu"))), 3, tied=True)
        ),
        "tied in turns": _space(
            repeat(repeat(_conv(out=choose(2, 3), kernel=choose(1, 3)), choose(1, 2), tied=True, name="inner"), 2)
        ),
        "tied in tied": _space(
            repeat(repeat(optional(_conv(out=WIDTH)), 2, tied=True, name="inner"), choose(0, 1, 2), tied=True),
            op("max_pool2d", kernel=choose(2, 3)),
        ),
        "some of, tied within": _space(
            some_of(2, repeat(_conv(out=choose(2, 3)), 2, tied=True), _conv(out=WIDTH), op("relu"), CELL),
            permutation(_conv(out=WIDTH), op("max_pool2d", kernel=choose(2, 3)), op("tanh")),
        ),
        "some of, tied around": _space(
            repeat(some_of(2, op("relu"), _conv(out=WIDTH), _conv(out=choose(2, 4)), ordered=True), 2, tied=True)
        ),
        "added": _space(parallel(_conv(out=WIDTH), _conv(out=choose(2, 4), kernel=choose(1, 3)), _conv(out=WIDTH))),
        "laid end to end": _space(
            parallel(op("relu"), *[_conv(out=choose(1, 2))] * 4, optional(_conv(out=WIDTH)), join="cat"),
            _conv(out=4, groups=choose(1, 2, 4)),
        ),
        "projected": _space(
            residual(_conv(out=WIDTH, kernel=choose(1, 3), stride=choose(1, 2))), residual(_conv(out=2), project=False)
        ),
        "a function": _space(_conv(out=WIDTH), call(squeeze), optional(call(squeeze)), optional(_conv(out=WIDTH))),
        "a class of one's own": _space(Own("own"), _conv(out=WIDTH), Own("width"), repeat(Own("own"), choose(1, 2))),
        "a part around another": _space(Twice(_conv(out=choose(2, 4), kernel=choose(1, 3), groups=GROUPS))),
        "nothing": _space(_conv(out=WIDTH), _conv(out=WIDTH, kernel=9)),
    }
)
