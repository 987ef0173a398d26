"""Whether a learned operator leaves the samples of a batch apart, as far as its rule can tell.

The networks of a space are typed with one sample and take any number of them. What people declared says by itself where
a dimension is; of a learned operator that is tried: with more samples, the same call must give more of the same.
"""

from collections.abc import Mapping

from archsmith.graph.book import RuleBook
from archsmith.graph.errors import Infeasible
from archsmith.graph.graph import Scalar
from archsmith.graph.types import TensorType

MORE = (2, 3)
"""Numbers of samples that are tried; a rule that tells 3 from 1 and 2 tells nearly anything."""

ALONG = ("dim", "axis")
"""What the names of attributes begin with that say along which dimension an operator works."""


def demand_samples_apart(
    book: RuleBook, operator: str, types: tuple[TensorType, ...], attributes: Mapping[str, Scalar]
) -> None:
    """``Infeasible`` if the call works along dimension 0, is empty, or is not that of each sample for itself."""
    call = book.apply(operator, types, attributes)
    first = {0, -types[0].rank}
    for name, value in call.attributes:
        if name.startswith(ALONG) and type(value) is int and value in first:
            raise Infeasible(f"{operator} with {name}={value} would mix the samples of a batch")
    if any(0 in given.shape for given in call.types):
        raise Infeasible(f"{operator} would return {', '.join(map(str, call.types))}, which has no elements")
    for samples in (1, *MORE):
        entering = tuple(_of(given, samples) for given in types)
        found = book.apply(operator, entering, dict(call.attributes)).types
        if found != tuple(_kept(given, entering[0]) for given in call.types):
            raise Infeasible(
                f"{operator} would return {', '.join(map(str, found))} of {', '.join(map(str, entering))}: in a space"
                " it must keep dimension 0, the samples of a batch"
            )


def _of(given: TensorType, samples: int) -> TensorType:
    """The type with so many times the samples."""
    return TensorType((samples * given.shape[0], *given.shape[1:]), given.dtype) if given.shape else given


def _kept(given: TensorType, entering: TensorType) -> TensorType | None:
    """The type with as many samples as go in; None of what has no dimensions."""
    both = given.shape and entering.shape
    return TensorType((entering.shape[0], *given.shape[1:]), given.dtype) if both else None
