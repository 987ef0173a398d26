"""Calls one step away from one that runs, in other signatures: other dimensions, flags and ranks.

No collection has every signature of an operator. Those next to a recorded one are tried once; where they run, they are
learned as if they had been recorded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product

from archsmith.fuzz.call import Argument, Call, TensorValue
from archsmith.fuzz.infer.split import integers_of, is_index, rewritten

RANK = 5
"""The greatest rank of a tensor that is tried."""

COMBINATIONS = 32
"""Combinations of several indices up to which all are tried."""


def siblings(call: Call) -> list[Call]:
    """Calls in other signatures; how many there are, and in which order, hangs on the call's signature only."""
    return [*_indexed(call), *_negative(call), *_flipped(call), *_reranked(call)]


def with_integers(call: Call, changes: Mapping[str, int]) -> Call:
    """The call with other values for the integers of these slot names."""
    return rewritten(call, lambda name, value: changes.get(name, value))


def _indexed(call: Call) -> Iterator[Call]:
    """Other values of the integers that say which dimension is meant, counted from the front and from the end.

    Of several such integers all combinations are tried, if these are few.
    """
    numbers = integers_of(call)
    indices = [name for name in numbers if is_index(name)]
    rank = max((len(tensor.shape) for tensor in call.tensors()), default=0)
    every = range(rank + 1)
    changes: list[dict[str, int]] = []
    if len(indices) == 1:
        changes = [{indices[0]: value} for value in (*every, *range(-1, -rank - 2, -1))]
    elif indices and len(every) ** len(indices) <= COMBINATIONS:
        combinations = list(product(every, repeat=len(indices)))
        changes = [dict(zip(indices, values, strict=True)) for values in combinations]
        changes += [{name: value - rank for name, value in change.items()} for change in changes]
    same = {name: numbers[name] for name in indices}
    yield from (with_integers(call, change) for change in changes if change != same)


def _negative(call: Call) -> Iterator[Call]:
    """Each other integer as -1, which often means something else than a number."""
    for name, value in integers_of(call).items():
        if value >= 0 and not is_index(name):
            yield with_integers(call, {name: -1})


def _flipped(call: Call) -> Iterator[Call]:
    """Each argument that is true or false as the other one."""
    for place, (name, value) in enumerate(call.arguments):
        if isinstance(value, bool):
            changed = (*call.arguments[:place], (name, not value), *call.arguments[place + 1 :])
            yield replace(call, arguments=changed)


def _reranked(call: Call) -> Iterator[Call]:
    """All tensors with one dimension less or more in front, then one of them without one, or with none."""
    names = _tensor_names(call)
    ranks = {name: len(tensor.shape) for name, tensor in zip(names, call.tensors(), strict=True)}
    if names and min(ranks.values()) > 0:
        yield _with_shapes(call, dict.fromkeys(names, -1))
    if names and max(ranks.values()) < RANK:
        yield _with_shapes(call, dict.fromkeys(names, 1))
    for name in names[:3] if len(names) > 1 else ():
        if ranks[name] > 0:
            yield _with_shapes(call, {name: -1})
        if ranks[name] > 1:
            yield _with_shapes(call, {name: -ranks[name]})


def _tensor_names(call: Call) -> list[str]:
    names: list[str] = []

    def note(name: str, value: Argument) -> Argument:
        if isinstance(value, TensorValue):
            names.append(name)
        return value

    rewritten(call, note)
    return names


def _with_shapes(call: Call, by: Mapping[str, int]) -> Call:
    """The call with so many dimensions more, of size 2, in front of these tensors; or less, if negative."""

    def changed(name: str, value: Argument) -> Argument:
        if not isinstance(value, TensorValue) or name not in by:
            return value
        shape = (2,) * by[name] + value.shape if by[name] > 0 else value.shape[-by[name] :]
        return replace(value, shape=shape)

    return rewritten(call, changed)
