"""A replayable fuzz case: all that is needed to run it again, on any machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from json import dumps, loads
from typing import Any

from archsmith.graph import text
from archsmith.graph.graph import Graph

FORMAT = 1
"""Version of the JSON form; a reader refuses any other."""


@dataclass(frozen=True, slots=True)
class Case:
    """A graph, and the seed of its parameters and inputs; ``number`` is its place in a campaign, if any."""

    graph: Graph
    seed: int
    number: int | None = None


def to_json(case: Case) -> dict[str, Any]:
    """The case as JSON values; ``from_json(to_json(case)) == case``."""
    graph = loads(text.to_json(case.graph))
    return {"format": FORMAT, "graph": graph, "seed": case.seed, "number": case.number}


def from_json(data: Mapping[str, Any]) -> Case:
    """The case that ``data`` writes.

    Raises:
        ValueError: the data is not of this format, or not a case.
    """
    match data:
        case {"format": 1, "graph": dict(graph), "seed": int(seed), "number": int() | None as number}:
            return Case(text.from_json(dumps(graph)), seed, number)
        case _:
            raise ValueError(f"a case is an object of format {FORMAT} with graph, seed and number; got {data!r:.80}")


def operators(case: Case) -> list[str]:
    """The operators that the case exercises, each once, sorted."""
    return sorted({node.operator for _, node in case.graph.operators()})


def signatures(case: Case) -> list[str]:
    """The operators with their inputs' dtypes and ranks, ``matmul(float32[2], float32[1])``; each once."""
    calls = set()
    for _, node in case.graph.operators():
        types = [case.graph.type_of(value) for value in node.inputs]
        calls.add(f"{node.operator}({', '.join(f'{given.dtype}[{given.rank}]' for given in types)})")
    return sorted(calls)
