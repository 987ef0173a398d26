"""Small search spaces of every kind that a searcher may meet, and one that counts what it is asked."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

from archsmith.graph.graph import Graph
from archsmith.spaces.decisions import Answer, Space, Steps, Trace, Walked
from archsmith.spaces.enumeration import architectures
from archsmith.spaces.nodes import any_of, chain, choose, op, optional, repeat, residual
from archsmith.spaces.proposals import answer_trace, draw_trace, identity_of, mutate_trace, uniform_draw
from archsmith.spaces.space import search_space
from tests.spaces.treeless import Shrinking

LAYERS = tuple(op("linear", out=choose(2, 3, 4, 5)) for _ in range(4))
PLAIN = search_space(chain(*LAYERS), input=(3,))
CONDITIONAL = search_space(
    chain(
        optional(op("linear", out=choose(2, 3))),
        any_of(
            wide=repeat(op("linear", out=choose(5, 6, 7)), choose(1, 2, 3)),
            narrow=any_of(op("relu"), op("tanh")),
        ),
    ),
    input=(3,),
)
DEAD_ENDS = search_space(
    chain(
        *(residual(op("linear", out=choose(2, 3, 4, 5, name=f"width{i}")), project=False) for i in range(2)),
        op("relu"),
    ),
    input=(4,),
)
"""One architecture among sixteen: a residual connection closes only at width 4."""
HALF_DEAD = search_space(chain(residual(op("linear", out=choose(3, 4)), project=False), *LAYERS), input=(4,))
INFEASIBLE = search_space(residual(op("linear", out=choose(5, 6)), project=False), input=(4,))
SINGLE = search_space(op("linear", out=2), input=(3,))
SIX = search_space(chain(op("linear", out=choose(2, 3, 4)), any_of(op("relu"), op("tanh"))), input=(3,))
LIMITED = search_space(chain(*LAYERS), input=(3,), require="parameters <= 50")
MANY = search_space(chain(*LAYERS, *LAYERS), input=(3,))
"""65,536 architectures: more than a short study sees."""
TREELESS = Shrinking(4, kernels=(1, 2, 3, 4), depths=(1, 2))

TWINS = search_space(
    chain(
        any_of(first=op("relu"), second=op("relu"), other=op("tanh")),
        op("linear", out=choose(2, 3)),
        repeat(op("relu"), choose(0, 1)),
        any_of(here=op("relu"), there=op("relu")),
    ),
    input=(3,),
)
"""Most networks have several traces each."""


def _widths(trace: Trace) -> Hashable:
    return tuple(sorted(label for _, label in trace.answers if isinstance(label, int)))


COMMUTING = search_space(
    chain(*[op("linear", out=choose(2, 3, 4)) for _ in range(3)]),
    input=(3,),
    alike=_widths,
)
"""Twenty-seven networks, of which the space says that ten count."""

WEIGHTED = search_space(
    chain(op("linear", out=choose(2, 3, 4, weights=(20, 1, 0))), optional(op("relu"), probability=0.0)), input=(3,)
)
"""Half of its options are never drawn."""

TRAINED = search_space(
    op("linear", out=choose(2, 3)),
    input=(3,),
    recipe={"learning_rate": choose(0.01, 0.1), "momentum": choose(0.0, 0.9)},
)
"""Two networks, each trained in four ways."""

SMALL: MappingProxyType[str, Space] = MappingProxyType(
    {
        "plain": SIX,
        "twins": TWINS,
        "commuting": COMMUTING,
        "weighted": WEIGHTED,
        "with a recipe": TRAINED,
        "without a tree": TREELESS,
    }
)
"""Spaces that a short study exhausts."""


def size(space: Space) -> int:
    """How many architectures the space has, by looking at each."""
    return len({identity_of(space, found.trace) for found in architectures(space)})


@dataclass(slots=True)
class Counted:
    """The same space; ``built`` says how many of its networks were walked, ``given`` how many traces it gave."""

    space: Space
    built: int = 0
    given: int = 0

    def walk(self) -> Steps[Graph]:
        self.built += 1
        return self.space.walk()

    def text(self) -> str:
        return self.space.text()

    def draw(self, rng: Random) -> Trace:
        self.given += 1
        return draw_trace(self.space, rng)

    def mutated(self, trace: Trace, rng: Random) -> Trace:
        self.given += 1
        return mutate_trace(self.space, trace, rng)

    def answered(self, answer: Answer) -> Walked:
        self.given += 1
        return answer_trace(self.space, answer)

    def uniform(self) -> Callable[[Random], Trace]:
        draw = uniform_draw(self.space)

        def counted(rng: Random) -> Trace:
            self.given += 1
            return draw(rng)

        return counted

    def identity(self, trace: Trace) -> Hashable:
        self.built += 1
        return identity_of(self.space, trace)
