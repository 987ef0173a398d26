"""Hypothesis strategies for what the rooms speak: expressions, types, graphs, search spaces and traces.

A space asks decisions and whoever answers makes the graph: here Hypothesis answers, so it shrinks to the simplest
options of the fewest decisions.
"""

from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from archsmith.graph.builder import Builder
from archsmith.graph.errors import UserError
from archsmith.graph.expr import OPERATIONS, Apply, Expr, Lit, Sym
from archsmith.graph.graph import Graph, Value
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import ITEM_BYTES, TensorType
from archsmith.spaces.decisions import Answer, Decision, Derivation, Label, Prefix, Space, derive
from archsmith.spaces.growth import GrowthSpace
from archsmith.spaces.node import Node
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
from archsmith.spaces.sampling import feasible
from archsmith.spaces.space import TreeSpace, search_space

SYMBOLS = ("H", "kernel", "padding", "stride")

ARITHMETIC = tuple(name for name, entry in OPERATIONS.items() if entry.precedence in (0, 5, 6))
COMPARISONS = tuple(name for name, entry in OPERATIONS.items() if entry.precedence == 4)

GROWTH = GrowthSpace(DECLARED, nodes=6, sizes=(1, 2, 3, 4), elements=4096)


def exprs() -> SearchStrategy[Expr]:
    """Expressions of any operations on any operands."""

    def applied(inner: SearchStrategy[Expr]) -> SearchStrategy[Expr]:
        return st.one_of([_apply(name, inner) for name in OPERATIONS])

    return st.recursive(_leaves(), applied, max_leaves=12)


def numbers() -> SearchStrategy[Expr]:
    """Integer arithmetic, whose value Python computes too."""

    def applied(inner: SearchStrategy[Expr]) -> SearchStrategy[Expr]:
        return st.one_of([_apply(name, inner) for name in ARITHMETIC])

    return st.recursive(_leaves(), applied, max_leaves=8)


def conditions() -> SearchStrategy[Expr]:
    """Comparisons, and connectives between them: where Python's ``and`` gives a truth value too."""

    def applied(inner: SearchStrategy[Expr]) -> SearchStrategy[Expr]:
        return st.one_of([_apply(name, inner) for name in ("not", "and", "or")])

    return st.recursive(st.one_of([_apply(name, numbers()) for name in COMPARISONS]), applied, max_leaves=4)


def _leaves() -> SearchStrategy[Expr]:
    return st.builds(Lit, st.integers(-9, 99)) | st.builds(Sym, st.sampled_from(SYMBOLS))


def _apply(name: str, inner: SearchStrategy[Expr]) -> SearchStrategy[Expr]:
    return st.builds(Apply, st.just(name), st.tuples(*[inner] * OPERATIONS[name].arity))


def types() -> SearchStrategy[TensorType]:
    """Tensor types of rank 0 to 5."""
    sizes = st.lists(st.integers(1, 9), max_size=5).map(tuple)
    return st.builds(TensorType, sizes, st.sampled_from(sorted(ITEM_BYTES)))


def _answers(draw: DrawFn) -> Answer:
    def answer(decision: Decision, prefix: Prefix) -> Label:
        return draw(st.sampled_from(decision.options), label=decision.name)

    return answer


@st.composite
def derivations(draw: DrawFn, space: Space) -> Derivation:
    """Walks through the space to a graph, around its dead ends; a space without any graph is left out."""
    try:
        return feasible(space, _answers(draw))
    except UserError:
        reject()


@st.composite
def walks(draw: DrawFn, space: Space) -> Derivation:
    """Walks through the space that may end in a dead end."""
    return derive(space, _answers(draw))


def graphs(space: Space = GROWTH) -> SearchStrategy[Graph]:
    """Valid graphs of one to three inputs and any number of outputs; by default of all declared operators."""
    return derivations(space).map(_graph)


def _graph(derivation: Derivation) -> Graph:
    assert derivation.graph is not None
    return derivation.graph


WIDTH = shared("width", choose(2, 4, weights=(1, 3)))
"""In many places of a tree, or in none; so is ``CELL``."""

CELL = shared("cell", op("conv2d", out=WIDTH, kernel=choose(1, 3), padding="same"))


def gate(builder: Builder, x: Value) -> Value:
    """What a user's own function may do."""
    return builder.add("mul", x, builder.add("sigmoid", x))


def trees() -> SearchStrategy[Node]:
    """Trees of a search space for images, with every kind of node; not all of their architectures are valid."""
    leaves: SearchStrategy[Node] = st.sampled_from(
        [
            op("relu"),
            op("batch_norm2d"),
            op("dropout", rate=choose(0.1, 0.5)),
            op("conv2d", out=choose(2, 4, 6), kernel=choose(1, 3), padding="same", groups=choose(1, 2)),
            op("conv2d", out=4, kernel=choose(1, 2, 3), stride=choose(1, 2), padding=choose(0, 1)),
            op("max_pool2d", kernel=choose(2, 3), stride=2),
            op("group_norm", groups=choose(1, 2)),
            op("conv2d", out=2 * WIDTH, kernel=1, stride=WIDTH // 2),
            CELL,
            call(gate),
        ]
    )
    return st.recursive(leaves, _branches, max_leaves=6)


def _branches(inner: SearchStrategy[Node]) -> SearchStrategy[Node]:
    several = st.lists(inner, min_size=1, max_size=3)
    times = st.sampled_from([0, 2, choose(1, 2), choose(0, 1, 3), shared("depth", choose(1, 2)), WIDTH - 2])
    return st.one_of(
        several.map(lambda parts: chain(*parts)),
        several.map(lambda parts: any_of(*parts)),
        several.map(lambda parts: any_of(*parts, weights=range(1, len(parts) + 1))),
        several.map(lambda parts: parallel(*parts)),
        several.map(lambda parts: parallel(*parts, join="cat")),
        several.map(lambda parts: some_of(max(1, len(parts) - 1), *parts)),
        several.map(lambda parts: permutation(*parts)),
        inner.map(optional),
        inner.map(lambda body: optional(body, probability=0.75)),
        st.builds(residual, inner, project=st.booleans()),
        st.builds(repeat, inner, times, tied=st.booleans()),
    )


def tree_spaces() -> SearchStrategy[TreeSpace]:
    """Search spaces of such trees, on images of four channels."""
    return trees().map(lambda tree: search_space(tree, input=(4, 6, 6)))
