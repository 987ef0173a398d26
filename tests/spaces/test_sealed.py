"""Parts that need not be followed: counted, drawn and listed as if they were."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import pytest

from archsmith.graph.book import RuleBook
from archsmith.graph.types import TensorType
from archsmith.spaces.counting import Counts, count
from archsmith.spaces.decisions import Decision, Steps, Trace, replay
from archsmith.spaces.enumeration import architectures, traces
from archsmith.spaces.node import Enter, Labels, Node, Plan, Through, answered
from archsmith.spaces.nodes import any_of, cell, chain, choose, op, optional, repeat, shared
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.spaces.uniform import draw_uniformly
from archsmith.spaces.values import Meanings
from tests.spaces.leaves import CLOSED, COUPLED, DENSE, TIGHT, leaves
from tests.spaces.ties import TIES, WIDTH


@dataclass(frozen=True)
class Idle:
    """A sealed part of a user's own, which asks questions of these names and makes nothing of the answers."""

    names: tuple[str, ...]
    options: tuple[int, ...] = (2, 3, 4)

    def plan(self, path: str) -> Steps[Plan]:
        yield from answered(self, path)
        return ()

    def sealed(self, path: str, entering: tuple[TensorType, ...], through: Through) -> TensorType | None:
        return entering[0]

    def after(self, path: str, labels: Labels) -> Decision | None:
        left = self.names[len(labels) :]
        return Decision(left[0], self.options, ordered=True) if left else None

    def ways(self, path: str, labels: Labels) -> int:
        return int(len(self.options) ** (len(self.names) - len(labels)))

    def look(self, path: str) -> tuple[frozenset[str], tuple[Enter, ...]]:
        return frozenset(self.names), ()

    def lines(self) -> Iterator[str]:
        yield f"idle {self.names}"

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        pass


def on_images(*parts: Node, require: str | tuple[str, ...] = ()) -> TreeSpace:
    return search_space(chain(*parts), input=(2, 5, 5), require=require)


def gaps(nodes: int = 2, **operations: Node) -> Node:
    return cell(nodes=nodes, gaps=True, **operations)  # type: ignore[arg-type]  # of these names none is an argument


RELU, TANH = op("relu"), op("tanh")
NARROWER, WIDER = op("conv2d", out=2, kernel=3), op("conv2d", out=4, kernel=1)
MIXED, EDGE = gaps(a=RELU, b=TANH), gaps(nodes=1, a=RELU)
FITTING = gaps(a=op("conv2d", out=2, kernel=3, padding="same"), b=RELU)
SHARED = shared("it", MIXED)

SEALED = {
    "one": on_images(MIXED),
    "several": on_images(MIXED, WIDER, repeat(EDGE, choose(1, 2))),
    "shared, of several types": on_images(SHARED, WIDER, SHARED, optional(SHARED)),
    "in a shared part": on_images(*[shared("it", chain(EDGE, op("conv2d", out=choose(2, 4), kernel=1)))] * 2),
    "behind what fits some": on_images(op("conv2d", out=choose(2, 4), kernel=choose(3, 9)), MIXED),
    "before a dead end": on_images(MIXED, any_of(op("max_pool2d", kernel=9), RELU)),
    "before nothing else": on_images(EDGE, op("max_pool2d", kernel=9)),
    "operations that change the type": on_images(gaps(a=RELU, b=NARROWER)),
    "operations that keep one type": on_images(shared("it", FITTING), optional(WIDER), shared("it", FITTING)),
    "operations that ask": on_images(gaps(nodes=1, a=op("conv2d", out=2, kernel=choose(1, 3), padding="same"))),
    "a limit on cost": on_images(*[shared("it", FITTING)] * 2, require="parameters <= 100"),
    "asked again behind": on_images(Idle(("width", "other")), op("conv2d", out=WIDTH, kernel=1), Idle(("other",))),
    "asked before": on_images(op("conv2d", out=WIDTH, kernel=1), Idle(("other", "width"))),
    "named by a constraint": on_images(
        Idle(("width", "other")), optional(op("conv2d", out=WIDTH, kernel=1)), require="width >= 3"
    ),
}
"""Spaces with parts that are sealed, or that look so and are not, where what follows wants an answer or a cost."""


@pytest.mark.parametrize("space", SEALED.values(), ids=SEALED)
def test_a_sealed_part_is_counted_as_walks_find_it(space: TreeSpace) -> None:
    valid = {leaf.trace for leaf in leaves(space) if leaf.graph is not None}

    assert count(space) == len(valid)
    assert {found.trace for found in architectures(space)} == valid


@pytest.mark.parametrize("name", [name for name in SEALED if name != "before nothing else"])
def test_every_draw_leads_to_a_network(name: str) -> None:
    space = SEALED[name]
    rng, counts = Random(7), Counts(space.reach)
    drawn = [space.draw(rng) for _ in range(20)] + [draw_uniformly(space, counts, rng) for _ in range(20)]
    drawn += [space.mutated(trace, rng) for trace in drawn]

    for trace in drawn:
        found = replay(space, trace)
        assert found.graph is not None
        assert found.trace == trace


ALL = {"dense": DENSE, "tight": TIGHT, "coupled": COUPLED, "closed": CLOSED, **TIES, **SEALED}


@pytest.mark.parametrize("space", ALL.values(), ids=ALL)
def test_traces_are_those_of_the_architectures_in_the_same_order(space: TreeSpace) -> None:
    assert list(traces(space.reach)) == [found.trace for found in architectures(space)]


def test_traces_of_a_space_that_asks_nothing_are_one() -> None:
    assert list(traces(on_images(RELU).reach)) == [Trace()]


def test_a_part_too_large_to_follow_is_counted_and_drawn_and_leaves_nothing_behind() -> None:
    part = Idle(tuple(f"name{place}" for place in range(100)))
    space = on_images(part, WIDER, shared("it", Idle(tuple(f"other{place}" for place in range(50)))), RELU)
    rng = Random(0)
    counts = Counts(space.reach)
    drawn = {space.draw(rng) for _ in range(20)} | {draw_uniformly(space, counts, rng) for _ in range(20)}

    assert counts.size == 3**150
    assert len(drawn) == 40
    assert len(space.reach.diagram) == 0


def test_a_sealed_part_weighs_as_much_as_it_holds() -> None:
    space = on_images(any_of(RELU, gaps(a=RELU)))
    rng, counts = Random(0), Counts(space.reach)
    small = sum(draw_uniformly(space, counts, rng).as_dict()["0/any_of"] == "relu()" for _ in range(400))

    assert counts.size == 1 + 2**3
    assert 20 <= small <= 70
