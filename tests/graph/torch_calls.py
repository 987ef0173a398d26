"""Calls of operators on both sides of every boundary, and PyTorch's own verdict on them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

import torch

from archsmith.graph.book import Operator, RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.errors import Infeasible
from archsmith.graph.expr import Sym
from archsmith.graph.graph import Scalar
from archsmith.graph.ops import DECLARED
from archsmith.graph.rules import DTYPE_CLASSES, Rule, pattern
from archsmith.graph.types import TensorType
from archsmith.runtime.lower import DTYPES, lower, type_of
from archsmith.spaces.calls import Calls

CALLS = Calls(DECLARED, elements=1 << 12)
SIZES = (1, 1, 2, 3, 4, 6)

Types = tuple[TensorType, ...]
REFUSED = (RuntimeError, ValueError, IndexError, TypeError, ZeroDivisionError)
"""What PyTorch raises for calls that it does not take."""


def _without_demands(operator: Operator) -> Operator:
    rules = (
        replace(rule, requires=(), parameters=(), outputs=(pattern("bool"),) * len(rule.outputs))
        for rule in operator.rules
    )
    return replace(operator, rules=tuple(rules))


LAX = RuleBook(map(_without_demands, DECLARED.operators.values()))
"""The declared signatures without their constraints: it lets through to PyTorch what the rules refuse."""


@dataclass(frozen=True, slots=True)
class Call:
    """Sizes for the symbols of a rule's inputs, dtypes for its dtype classes, and attributes."""

    rule: Rule
    sizes: Mapping[str, int]
    dtypes: Mapping[str, str]
    attributes: Mapping[str, Scalar]

    @property
    def inputs(self) -> Types:
        return tuple(
            TensorType(
                tuple(self.sizes[dim.name] for dim in entry.dims if isinstance(dim, Sym)),
                self.dtypes.get(entry.dtype, entry.dtype),
            )
            for entry in self.rule.inputs
        )

    def by_rules(self) -> Types | None:
        """The result types, or None if the declared rules refuse the call."""
        try:
            found = DECLARED.apply(self.rule.operator, self.inputs, self.attributes)
        except Infeasible:
            return None
        assert found.rule is self.rule
        return found.types

    def by_torch(self) -> Types | None:
        """The result types, or None if PyTorch refuses the call."""
        builder = Builder(LAX)
        values = [builder.input(given) for given in self.inputs]
        results = builder.apply(self.rule.operator, values, self.attributes)
        try:
            with torch.no_grad():
                found = lower(builder.finish(*results), LAX).eval()(*map(tensor, self.inputs))
        except REFUSED:
            return None
        return tuple(map(type_of, found if isinstance(found, tuple) else (found,)))


def tensor(kind: TensorType) -> torch.Tensor:
    """A tensor of that type, with values on both sides of zero."""
    return torch.randint(-3, 4, kind.shape).to(DTYPES[kind.dtype])


def symbols_of(rule: Rule) -> Sequence[str]:
    """The symbols of a rule's inputs."""
    return sorted({dim.name for entry in rule.inputs for dim in entry.dims if isinstance(dim, Sym)})


def valid_calls(rule: Rule, rng: Random, *, tries: int = 300) -> Iterator[Call]:
    """Random calls that the rule accepts, its attributes drawn from their examples."""
    for _ in range(tries):
        sizes = {name: rng.choice(SIZES) for name in symbols_of(rule)}
        dtypes = {name: rng.choice(members) for name, members in DTYPE_CLASSES.items()}
        call = Call(rule, sizes, dtypes, dict(rule.constants))
        if CALLS.is_open(rule.operator, call.inputs, call.attributes):
            yield _completed(call, rng)


def _completed(call: Call, rng: Random) -> Call:
    """The call with its missing attributes chosen one by one, each from the examples that still lead somewhere."""
    name, inputs, attributes = call.rule.operator, call.inputs, dict(call.attributes)
    for attribute in DECLARED.operator(name).attributes:
        if attribute.name not in attributes:
            options = [
                value
                for value in attribute.examples
                if CALLS.is_open(name, inputs, {**attributes, attribute.name: value})
            ]
            attributes[attribute.name] = rng.choice(options)
    return replace(call, attributes=attributes)


def steps(call: Call) -> Iterator[tuple[Call, Call]]:
    """Pairs of calls that differ by 1 in one size or attribute, of which the rules accept only the first."""
    constants = dict(call.rule.constants)
    numbers = {k: v for k, v in call.attributes.items() if type(v) is int and k not in constants}
    for name in (*call.sizes, *numbers):
        for direction in (-1, 1):
            yield from _edge(call, name, direction)


def _edge(call: Call, name: str, direction: int) -> Iterator[tuple[Call, Call]]:
    inside = call
    for _ in range(12):
        outside = _moved(inside, name, direction)
        if outside is None:
            return
        if outside.by_rules() is None:
            yield inside, outside
            return
        inside = outside


def _moved(call: Call, name: str, direction: int) -> Call | None:
    """The call with one number moved by 1, or None where it would be a size of 0."""
    if name in call.attributes:
        moved = int(call.attributes[name]) + direction
        return replace(call, attributes={**call.attributes, name: moved})
    size = call.sizes[name] + direction
    return replace(call, sizes={**call.sizes, name: size}) if size else None
