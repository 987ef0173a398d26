"""Networks of this package, run once: random graphs over all declared operators, and spaces of the literature."""

from collections.abc import Callable, Iterator
from functools import cache
from random import Random

from archsmith.fuzz.call import CallRecord
from archsmith.fuzz.case import Case
from archsmith.fuzz.collect.tracer import record_calls
from archsmith.fuzz.generate import make_case, make_space
from archsmith.fuzz.inputs import inputs, network
from archsmith.fuzz.perform import quietly
from archsmith.runtime.modules import book_of
from archsmith.spaces.catalog import CATALOG
from archsmith.spaces.growth import GrowthSpace
from archsmith.spaces.loading import load_space
from archsmith.spaces.sampling import sample

SOURCE = "architectures"

GROWN = 200
"""Random graphs."""

SAMPLED = 2
"""Architectures of each space of the catalogue."""

Skip = Callable[[str], None]


def architecture_entries() -> tuple[str, ...]:
    """``grown/7`` is a random graph, ``darts/1`` an architecture of the catalogue."""
    sampled = (f"{name}/{number}" for name in sorted(CATALOG) for number in range(SAMPLED))
    return (*(f"grown/{number}" for number in range(GROWN)), *sampled)


def architecture_records(entry: str, skip: Skip) -> Iterator[CallRecord]:
    """The calls that the architecture's modules make, in training and in evaluation; ``skip`` hears of failures."""
    case = _case(entry)
    module, given = network(case, book_of(case.graph)), inputs(case)
    with quietly(), record_calls(source=SOURCE) as records:
        for training in (False, True):
            try:
                module.train(training)(*given)
            except Exception as error:  # noqa: BLE001 (the boundary: PyTorch may refuse what the rules accept)
                skip(f"{entry}: {type(error).__name__}: {error}")
    yield from records


def _case(entry: str) -> Case:
    """The same for the same entry, in every process."""
    name, _, number = entry.rpartition("/")
    if name == "grown":
        return make_case(0, int(number), _grown())
    graph = sample(load_space(name), Random(entry)).graph
    assert graph is not None
    return Case(graph, int(number))


@cache
def _grown() -> GrowthSpace:
    return make_space()
