"""All that a walk can come to, whatever it makes: every way to answer its decisions, dead ends left out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from archsmith.graph.errors import Infeasible, UserError
from archsmith.spaces.decisions import Answered, Decision, Label, Steps, once

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What a walk has made, the labels that it was given, and all answers by name with those known before."""

    value: T
    labels: tuple[Label, ...]
    answered: Answered


def outcomes(make: Callable[[], Steps[T]], known: Answered) -> Iterator[Outcome[T]]:
    """Every outcome of the walks that ``make`` starts, first options first; ``known`` decisions are not asked.

    Raises:
        UserError: a decision has no options, or differs from the known one of its name.
    """
    starts: list[tuple[Label, ...]] = [()]
    while starts:
        start = starts.pop()
        answered = dict(known)
        walk = once(make(), answered)
        labels: list[Label] = []
        try:
            decision = next(walk)
            while True:
                options = _options(decision)
                label = options[0] if len(labels) >= len(start) or len(options) == 1 else start[len(labels)]
                if len(options) > 1:
                    if len(labels) >= len(start):
                        starts += [(*labels, other) for other in reversed(options[1:])]
                    labels.append(label)
                decision = walk.send(label)
        except StopIteration as end:
            yield Outcome(end.value, tuple(labels), answered)
        except Infeasible:
            continue


def _options(decision: Decision) -> tuple[Label, ...]:
    if not decision.options:
        raise UserError(f"decision {decision.name!r} has no options; give it at least one")
    return decision.options
