"""The search space that an objective of Optuna shows: parameters, and on which values of others they depend.

Nobody declares it. A parameter that some trials have and others have not is taken to hang on one that was asked before
it, if the values of that one tell the two kinds of trials apart.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import exp, log
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from archsmith.graph.builder import Builder
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.spaces.decisions import Decision, Label, Steps, Trace


@dataclass(frozen=True, slots=True)
class SeenParameter:
    """A parameter and the values that it is given; a decision answers with a value's place.

    It is asked where the parameter named ``parent`` has a place of ``when``; everywhere without a parent.
    """

    name: str
    distribution: BaseDistribution
    levels: tuple[Any, ...]
    parent: str | None = None
    when: frozenset[int] = frozenset()

    @property
    def decision(self) -> Decision:
        """Ordered unless categorical."""
        ordered = not isinstance(self.distribution, CategoricalDistribution)
        return Decision(self.name, tuple(range(len(self.levels))), ordered)

    def place(self, value: Any) -> int:
        """That of the level, or of the one nearest to it."""
        if isinstance(self.distribution, CategoricalDistribution):
            return int(self.distribution.to_internal_repr(value))
        above = min(bisect_left(self.levels, value), len(self.levels) - 1)
        below = max(above - 1, 0)
        return above if self.levels[above] - value <= value - self.levels[below] else below


@dataclass(frozen=True, slots=True)
class SeenSpace:
    """Asks parameters in the order in which objectives ask them. Its graph says nothing: there is no network."""

    parameters: tuple[SeenParameter, ...] = ()

    def walk(self) -> Steps[Graph]:
        """One decision for every parameter that the answers so far lead to."""
        places: dict[str, Label] = {}
        for parameter in self.parameters:
            if parameter.parent is None or places.get(parameter.parent) in parameter.when:
                places[parameter.name] = yield parameter.decision
        return _nothing()

    def text(self) -> str:
        """A line for every parameter."""
        return "\n".join(
            f"{each.name}: {each.distribution}" + (f" if {each.parent} in {sorted(each.when)}" if each.parent else "")
            for each in self.parameters
        )

    def values(self, trace: Trace) -> dict[str, Any]:
        """The parameters' values that the trace means."""
        places = trace.as_dict()
        return {each.name: each.levels[int(places[each.name])] for each in self.parameters if each.name in places}

    def trace(self, params: Mapping[str, Any]) -> Trace | None:
        """What a trial with these parameters answers; None if it lacks one."""
        places: dict[str, Label] = {}
        for each in self.parameters:
            if each.parent is None or places.get(each.parent) in each.when:
                if each.name not in params or not _holds(each.distribution, params[each.name]):
                    return None
                places[each.name] = each.place(params[each.name])
        return Trace.of(places)


def _holds(distribution: BaseDistribution, value: Any) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    return bool(distribution.low <= value <= distribution.high)  # type: ignore[attr-defined]


@lru_cache(maxsize=1)
def _nothing() -> Graph:
    builder = Builder(DECLARED)
    builder.add("relu", builder.input(TensorType((1, 1))))
    return builder.finish(*builder.unused())


@dataclass(slots=True)
class SeenParameters:
    """The parameters of the trials that were added, in the order in which they were first asked."""

    levels: int
    space: SeenSpace = field(default_factory=SeenSpace)
    _names: dict[str, BaseDistribution] = field(default_factory=dict)
    _changing: set[str] = field(default_factory=set)
    _trials: list[dict[str, Any]] = field(default_factory=list)

    def add(self, distributions: Mapping[str, BaseDistribution], params: Mapping[str, Any]) -> None:
        """Take in a completed trial; ``space`` stays the same object as long as it explains all trials."""
        before = len(self._names), len(self._changing)
        for name, distribution in distributions.items():
            if self._names.setdefault(name, distribution) != distribution:
                self._changing.add(name)
        self._trials.append(dict(params))
        if before != (len(self._names), len(self._changing)) or not self._explained(params):
            self.space = self._inferred()

    def _explained(self, params: Mapping[str, Any]) -> bool:
        """Whether the space asks of this trial's parameters all that it knows, and no others."""
        trace = self.space.trace(params)
        known = {parameter.name for parameter in self.space.parameters}
        return trace is not None and set(trace.as_dict()) == known & set(params)

    def _inferred(self) -> SeenSpace:
        found: dict[str, SeenParameter] = {}
        for name, distribution in self._names.items():
            if name not in self._changing and not distribution.single():
                alone = SeenParameter(name, distribution, levels_of(distribution, self.levels))
                parameter = self._placed(alone, list(found.values()))
                if parameter is not None:
                    found[name] = parameter
        return SeenSpace(tuple(found.values()))

    def _placed(self, parameter: SeenParameter, earlier: Sequence[SeenParameter]) -> SeenParameter | None:
        """With what it depends on; None if no single parameter before it says when it is there."""
        having = [params for params in self._trials if parameter.name in params]
        lacking = [params for params in self._trials if parameter.name not in params]
        if not lacking:
            return parameter
        for parent in sorted(earlier, key=lambda each: each.decision.ordered):
            if all(parent.name in params for params in having):
                there = {parent.place(params[parent.name]) for params in having}
                away = {parent.place(params[parent.name]) for params in lacking if parent.name in params}
                if there.isdisjoint(away):
                    return replace(parameter, parent=parent.name, when=_between(there, away, parent))
        return None


def _between(there: set[int], away: set[int], parent: SeenParameter) -> frozenset[int]:
    """The places where a parameter was; of sizes those between them too, if it was away at none of these."""
    between = set(range(min(there), max(there) + 1))
    return frozenset(between if parent.decision.ordered and between.isdisjoint(away) else there)


def levels_of(distribution: BaseDistribution, levels: int) -> tuple[Any, ...]:
    """All values, if they are as many or fewer; else so many of them, evenly spread and with both ends.

    Raises:
        UserError: it is none of Optuna's distributions.
    """
    if isinstance(distribution, CategoricalDistribution):
        return tuple(distribution.choices)
    if isinstance(distribution, IntDistribution):
        low, high, step = distribution.low, distribution.high, distribution.step
        if distribution.log:
            return tuple(sorted({min(high, max(low, round(value))) for value in _geometric(low, high, levels)}))
        return tuple(low + step * place for place in _spread((high - low) // step + 1, levels))
    if isinstance(distribution, FloatDistribution):
        return _floats(distribution, levels)
    raise UserError(f"a parameter must be a float, an integer or categorical; got {distribution!r}")


def _floats(distribution: FloatDistribution, levels: int) -> tuple[float, ...]:
    low, high, step = distribution.low, distribution.high, distribution.step
    if low == high:
        return (low,)
    if distribution.log:
        return _geometric(low, high, levels)
    if step is not None:
        return tuple(min(high, low + step * place) for place in _spread(round((high - low) / step) + 1, levels))
    inner = (low + (high - low) * (place / (levels - 1)) for place in range(1, levels - 1))
    return (low, *inner, high)


def _geometric(low: float, high: float, levels: int) -> tuple[float, ...]:
    ratio = log(high / low)
    return (low, *(low * exp(ratio * place / (levels - 1)) for place in range(1, levels - 1)), high)


def _spread(count: int, levels: int) -> Sequence[int]:
    if count <= levels:
        return range(count)
    return [place * (count - 1) // (levels - 1) for place in range(levels)]
