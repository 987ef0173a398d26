"""Small search spaces, and all that a space leads to, found by brute force."""

from dataclasses import replace

from archsmith.spaces.decisions import Decision, Derivation, Label, Prefix, Space, derive
from archsmith.spaces.nodes import any_of, chain, choose, op, optional, repeat, residual
from archsmith.spaces.space import TreeSpace, search_space

HEAD = chain(op("global_avg_pool"), op("linear", out=3))

DENSE = search_space(
    chain(
        repeat(chain(op("linear", out=choose(4, 8)), any_of(op("relu"), op("tanh"))), choose(1, 2)),
        optional(op("dropout", rate=choose(0.1, 0.5))),
        op("linear", out=2),
    ),
    input=(8,),
)
"""Every walk ends in a graph."""

TIGHT = search_space(
    chain(
        op("conv2d", out=choose(2, 4), kernel=choose(1, 3, 5), stride=choose(1, 2)),
        any_of(
            residual(op("conv2d", out=2, kernel=choose(1, 3), padding=choose(0, 1)), project=False),
            repeat(op("max_pool2d", kernel=choose(2, 3), stride=2), choose(0, 1, 2)),
        ),
        HEAD,
    ),
    input=(2, 5, 5),
)
"""Most walks are dead ends, at several depths."""

COUPLED = search_space(
    chain(
        op("conv2d", out=choose(2, 3, 4), kernel=1),
        residual(op("conv2d", out=choose(2, 3, 4), kernel=1), project=False),
        HEAD,
    ),
    input=(1, 4, 4),
)
"""Three architectures; no two of them differ in one decision alone."""

CLOSED = search_space(
    chain(op("conv2d", out=choose(1, 2), kernel=choose(3, 5)), op("max_pool2d", kernel=9)), input=(1, 8, 8)
)
"""No architecture at all."""


def leaves(space: Space) -> list[Derivation]:
    """Every walk through the space, dead ends included."""
    space = replace(space, ahead=False) if isinstance(space, TreeSpace) else space
    found = []
    waiting: list[tuple[Label, ...]] = [()]
    while waiting:
        start = waiting.pop()

        def answer(decision: Decision, prefix: Prefix, start: tuple[Label, ...] = start) -> Label:
            return start[len(prefix)] if len(prefix) < len(start) else decision.options[0]

        leaf = derive(space, answer)
        found.append(leaf)
        labels = tuple(label for _, label in leaf.trace.answers)
        for depth in range(len(start), len(labels)):
            waiting += [(*labels[:depth], option) for option in leaf.asked[depth].options[1:]]
    return found
