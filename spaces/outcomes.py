"""All that a plan can come to: every way to answer its decisions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from archsmith.graph.errors import Infeasible, UserError
from archsmith.spaces.decisions import Decision, Label, Steps, once

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What a walk has made, None at a dead end, and the names of the decisions that it asked."""

    value: T | None
    asked: frozenset[str]


def outcomes(make: Callable[[], Steps[T]]) -> Iterator[Outcome[T]]:
    """Every outcome of the walks that ``make`` starts, first options first."""
    starts: list[tuple[Label, ...]] = [()]
    while starts:
        start = starts.pop()
        asked: dict[str, tuple[Decision, Label]] = {}
        walk = once(make(), asked)
        labels: list[Label] = []
        try:
            decision = next(walk)
            while True:
                options = options_of(decision)
                label = start[len(labels)] if len(labels) < len(start) else options[0]
                if len(labels) >= len(start):
                    starts += [(*labels, other) for other in reversed(options[1:])]
                labels.append(label)
                decision = walk.send(label)
        except StopIteration as end:
            yield Outcome(end.value, frozenset(asked))
        except Infeasible:
            yield Outcome(None, frozenset(asked))


def options_of(decision: Decision) -> tuple[Label, ...]:
    """The options, of which there is at least one (``UserError``)."""
    if not decision.options:
        raise UserError(f"decision {decision.name!r} has no options; give it at least one")
    return decision.options
