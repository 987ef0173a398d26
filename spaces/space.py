"""A search space: a tree, the type that goes in, and the rule book that judges every step."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from archsmith.graph.book import RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import ITEM_BYTES, TensorType
from archsmith.spaces.decisions import Space, Steps, once
from archsmith.spaces.parts import Node


@dataclass(frozen=True, slots=True)
class TreeSpace:
    """All architectures of a tree.

    ``input`` has a batch size of 1 in front; the networks take any, since no operator works along dimension
    0.
    """

    root: Node
    input: TensorType
    book: RuleBook

    def walk(self) -> Steps[Graph]:
        builder = Builder(self.book)
        out = yield from once(self.root.walk(builder, builder.input(self.input), ""))
        return builder.finish(out)

    def text(self) -> str:
        return "\n".join([f"input {self.input}", *self.root.lines()])

    def __str__(self) -> str:
        return self.text()


def search_space(root: Node, *, input: Sequence[int], dtype: str = "float32") -> TreeSpace:
    """The space of a tree for samples of shape ``input``, without the batch: ``(channels, height, width)``.

    Raises:
        UserError: the root is no node, names an operator or attribute that does not exist, gives a shared name two
            meanings, or the input is no shape and dtype.
    """
    if not all(hasattr(root, method) for method in ("walk", "lines", "check")):
        raise UserError(f"a space's tree is a node such as op(...) or chain(...); got {root!r}")
    if not isinstance(input, Sequence) or not input or not all(map(_size, input)):
        raise UserError(f"a space's input is the shape of one sample, sizes of at least 1; got {input!r}")
    if dtype not in ITEM_BYTES:
        raise UserError(f"a space's dtype must be one of {', '.join(ITEM_BYTES)}; got {dtype!r}")
    root.check(DECLARED, {})
    return TreeSpace(root, TensorType((1, *input), dtype), DECLARED)


def _size(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool) and given >= 1


def digest(space: Space) -> str:
    """32 hexadecimal digits that name the space: those of its text."""
    return blake2b(space.text().encode(), digest_size=16).hexdigest()
