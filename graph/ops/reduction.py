"""Operators along one dimension: reductions, which drop it, and scans, which keep it.

The dimension is held constant by each rule, since it decides which size leaves: one rule per rank and
dimension.
"""

from collections.abc import Callable

from archsmith.graph.book import Attribute, Operator
from archsmith.graph.ops.dims import RANKS, dims, replaced, tensor
from archsmith.graph.rules import Rule, rule

_DIM = Attribute("dim", int, None, (0, 1, 2, 3, 4))
_K = Attribute("k", int, 1, (1, 2, 3))


def _along(
    name: str,
    takes: str,
    returns: tuple[str, ...],
    sizes: Callable[[list[str], int], list[str]],
    requires: str = "",
) -> tuple[Rule, ...]:
    """One rule per rank and dimension; ``sizes`` are the output's, ``requires`` is about the size ``{d}``."""
    return tuple(
        rule(
            name,
            [tensor(takes, dims(rank))],
            [tensor(dtype, sizes(dims(rank), dim)) for dtype in returns],
            requires=[requires.format(d=f"d{dim}")] if requires else [],
            constants={"dim": dim},
        )
        for rank in RANKS
        for dim in range(rank)
    )


def _dropped(sizes: list[str], dim: int) -> list[str]:
    return replaced(sizes, dim)


def _kept(sizes: list[str], dim: int) -> list[str]:
    return sizes


def _first_k(sizes: list[str], dim: int) -> list[str]:
    return replaced(sizes, dim, "k")


def _reduce(name: str, summary: str, takes: str, *returns: str) -> Operator:
    return Operator(name, summary, (_DIM,), _along(name, takes, returns or (takes,), _dropped))


def _scan(name: str, summary: str, takes: str, *returns: str) -> Operator:
    return Operator(name, summary, (_DIM,), _along(name, takes, returns or (takes,), _kept))


REDUCTION = (
    _reduce("sum", "sum along a dimension", "Float"),
    _reduce("mean", "mean along a dimension", "Float"),
    _reduce("amax", "greatest along a dimension", "Number"),
    _reduce("amin", "least along a dimension", "Number"),
    _reduce("prod", "product along a dimension", "Float"),
    _reduce("logsumexp", "log of the sum of exponentials along a dimension", "Float"),
    _reduce("all", "whether all are non-zero along a dimension", "Any", "bool"),
    _reduce("any", "whether any is non-zero along a dimension", "Any", "bool"),
    _reduce("argmax", "where the greatest is along a dimension", "Number", "int64"),
    _reduce("max_with_index", "greatest along a dimension, and where it is", "Number", "Number", "int64"),
    _scan("softmax", "exponentials that sum to 1 along a dimension", "Float"),
    _scan("log_softmax", "logarithm of softmax", "Float"),
    _scan("cumsum", "running sum along a dimension", "Float"),
    _scan("sort", "ascending order along a dimension, and where each came from", "Number", "Number", "int64"),
    Operator(
        "topk",
        "the k greatest along a dimension in descending order, and where they are",
        (_K, _DIM),
        _along("topk", "Number", ("Number", "int64"), _first_k, "k >= 1 and k <= {d}"),
    ),
)
