"""A search space: a tree, the type that goes in, and the rule book that judges every step."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from archsmith.graph.book import Operator, RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.types import ITEM_BYTES, TensorType
from archsmith.spaces.books import book_with
from archsmith.spaces.decisions import Space, Steps, once
from archsmith.spaces.parts import Node
from archsmith.spaces.recipe import Recipe, checked_recipe, recipe_lines, walk_recipe
from archsmith.spaces.values import Given, Meanings


@dataclass(frozen=True, slots=True)
class TreeSpace:
    """All architectures of a tree.

    ``input`` has a batch size of 1 in front; the networks take any, since no operator works along dimension
    0. ``recipe`` are values of the training, which are asked after those of the network.
    """

    root: Node
    input: TensorType
    book: RuleBook
    recipe: Recipe = ()

    def walk(self) -> Steps[Graph]:
        return (yield from once(self._walk()))

    def _walk(self) -> Steps[Graph]:
        builder = Builder(self.book)
        out = yield from self.root.walk(builder, builder.input(self.input), "")
        graph = builder.finish(out)
        yield from walk_recipe(self.recipe)
        return graph

    def text(self) -> str:
        return "\n".join([f"input {self.input}", *self.root.lines(), *recipe_lines(self.recipe)])

    def __str__(self) -> str:
        return self.text()

    def _repr_svg_(self) -> str:
        """The picture that a notebook shows."""
        from archsmith.spaces.picture import picture

        return picture(self, standalone=True)


def search_space(
    root: Node,
    *,
    input: Sequence[int],
    dtype: str = "float32",
    recipe: Mapping[str, Given] | None = None,
    operators: Iterable[Operator] = (),
) -> TreeSpace:
    """The space of a tree for samples of shape ``input``, without the batch: ``(channels, height, width)``.

    ``recipe`` are settings of the training by name, each a value, a choice or something shared. ``operators`` are those
    of a user's own that only its functions use (``call``); those in the tree need not be named.

    Raises:
        UserError: the root is no node, names an operator or attribute that does not exist, gives a shared name two
            meanings, the input is no shape and dtype, or the recipe is none.
    """
    if not all(hasattr(root, method) for method in ("walk", "lines", "check")):
        raise UserError(f"a space's tree is a node such as op(...) or chain(...); got {root!r}")
    if not isinstance(input, Sequence) or not input or not all(map(_size, input)):
        raise UserError(f"a space's input is the shape of one sample, sizes of at least 1; got {input!r}")
    if dtype not in ITEM_BYTES:
        raise UserError(f"a space's dtype must be one of {', '.join(ITEM_BYTES)}; got {dtype!r}")
    meanings: Meanings = {}
    book = book_with(root, tuple(operators))
    root.check(book, meanings)
    return TreeSpace(root, TensorType((1, *input), dtype), book, checked_recipe(recipe, meanings))


def _size(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool) and given >= 1


def digest(space: Space) -> str:
    """32 hexadecimal digits that name the space: those of its text."""
    return blake2b(space.text().encode(), digest_size=16).hexdigest()
