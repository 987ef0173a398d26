"""A tree is a tree, and not too deep: said before anything walks it."""

from dataclasses import dataclass

import pytest

from archsmith.graph.errors import UserError
from archsmith.spaces.nesting import DEEPEST
from archsmith.spaces.node import Node
from archsmith.spaces.nodes import any_of, chain, op, residual
from archsmith.spaces.space import search_space


@dataclass
class Holder:
    """A part of one's own that can be changed after it was made."""

    body: Node

    def __getattr__(self, name: str) -> object:
        if name in ("plan", "lines", "check"):
            return getattr(self.body, name)
        raise AttributeError(name)


def test_a_part_that_holds_itself_is_refused_with_the_way_to_it() -> None:
    holder = Holder(op("relu"))
    holder.body = chain(op("tanh"), residual(holder))  # type: ignore[arg-type]  # a node, by its methods

    with pytest.raises(UserError, match=r"^a part of the tree holds itself: Holder > Chain > Residual > Holder$"):
        search_space(holder, input=(4,))  # type: ignore[arg-type]


def test_one_part_in_two_places_is_no_cycle() -> None:
    part = residual(op("relu"))

    assert search_space(chain(part, part, any_of(part, op("tanh"))), input=(4,)).text().count("residual") == 3


def nested(deep: int) -> Node:
    tree: Node = op("relu")
    for _ in range(deep):
        tree = any_of(a=tree, b=op("tanh"))
    return tree


def test_a_tree_may_be_deep_but_not_too_deep() -> None:
    assert search_space(nested(DEEPEST - 2), input=(4,)).text().count("any_of") == DEEPEST - 2
    with pytest.raises(UserError, match=f"nested up to {DEEPEST} parts deep"):
        search_space(nested(DEEPEST + 1), input=(4,))
