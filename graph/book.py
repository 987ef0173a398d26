"""Operators and the rule book that knows them by name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.expr import Expr, Undefined, evaluate
from archsmith.graph.graph import Scalar
from archsmith.graph.rules import Rule, check, result_types, unify
from archsmith.graph.types import TensorType


@dataclass(frozen=True, slots=True)
class Attribute:
    """A named argument of an operator that is not a tensor.

    ``default`` None means that the caller must give it. ``examples`` are values worth trying, simplest first.
    ``named`` are words that stand for a value computed from the call's other numbers (``padding="same"``).
    """

    name: str
    kind: type
    default: Scalar | None = None
    examples: tuple[Scalar, ...] = ()
    named: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator by name: one line about it, its attributes, and a rule for every signature it is known to take."""

    name: str
    summary: str
    attributes: tuple[Attribute, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Application:
    """A valid call: the rule that accepted it, its resolved attributes, its symbols' values and its result types."""

    rule: Rule
    attributes: tuple[tuple[str, Scalar], ...]
    bound: Mapping[str, int]
    types: tuple[TensorType, ...]


class RuleBook:
    """Operators by name, and their rules by the ranks of their inputs. Immutable."""

    def __init__(self, operators: Iterable[Operator]) -> None:
        self.operators: Mapping[str, Operator] = MappingProxyType({entry.name: entry for entry in operators})
        by_ranks: dict[tuple[str, tuple[int, ...]], list[Rule]] = {}
        for entry in self.operators.values():
            for rule in entry.rules:
                by_ranks.setdefault((entry.name, rule.ranks), []).append(rule)
        self._by_ranks = {key: tuple(rules) for key, rules in by_ranks.items()}

    def operator(self, name: str) -> Operator:
        """The operator of that name; a ``UserError`` that lists the nearest names if there is none."""
        found = self.operators.get(name)
        if found is None:
            from difflib import get_close_matches

            near = get_close_matches(name, self.operators, n=5) or sorted(self.operators)
            raise UserError(f"no operator {name!r} in the rule book; did you mean one of: {', '.join(near)}?")
        return found

    def rules(self, name: str, ranks: tuple[int, ...]) -> tuple[Rule, ...]:
        """The rules of an operator for inputs of these ranks."""
        return self._by_ranks.get((name, ranks), ())

    def complete(self, name: str, attributes: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """The attributes with defaults filled in, their names and kinds checked (``UserError``)."""
        entry = self.operator(name)
        unknown = set(attributes) - {attribute.name for attribute in entry.attributes}
        if unknown:
            takes = ", ".join(attribute.name for attribute in entry.attributes) or "no attributes"
            raise UserError(f"{name} takes {takes}; got {', '.join(sorted(unknown))}")
        return {attribute.name: _taken(name, attribute, attributes) for attribute in entry.attributes}

    def apply(self, name: str, inputs: Sequence[TensorType], attributes: Mapping[str, Scalar]) -> Application:
        """Call the operator on values of these types.

        Raises:
            Infeasible: no rule of the operator accepts these inputs and attributes.
            UserError: the operator or an attribute does not exist, or an attribute has the wrong kind.
        """
        completed = self.complete(name, attributes)
        for candidate in self.rules(name, tuple(given.rank for given in inputs)):
            bound = unify(candidate.inputs, inputs)
            if bound is not None and all(completed[key] == value for key, value in candidate.constants):
                return self._bind(candidate, bound, completed)
        given = ", ".join(map(str, inputs))
        settings = "".join(f", {key}={value!r}" for key, value in completed.items())
        raise Infeasible(f"{name}({given}{settings}) has no rule: it takes {self._signatures(name)}")

    def _bind(self, rule: Rule, dims: Mapping[str, int], completed: dict[str, Scalar]) -> Application:
        bound = dict(dims)
        bound.update((k, v) for k, v in completed.items() if isinstance(v, int) and not isinstance(v, bool))
        for attribute in self.operator(rule.operator).attributes:
            word = completed[attribute.name]
            for named, expr in attribute.named:
                if word == named:
                    completed[attribute.name] = bound[attribute.name] = _value(rule, expr, bound)
        check(rule, bound)
        return Application(rule, tuple(sorted(completed.items())), bound, result_types(rule, bound))

    def _signatures(self, name: str) -> str:
        accepted = [", ".join(map(str, rule.inputs)) for rule in self.operator(name).rules]
        distinct = list(dict.fromkeys(accepted))
        return "; or ".join(distinct[:4]) + (f"; or {len(distinct) - 4} more" if len(distinct) > 4 else "")


def _taken(name: str, attribute: Attribute, given: Mapping[str, Scalar]) -> Scalar:
    value = given.get(attribute.name, attribute.default)
    if value is None:
        raise UserError(f"{name} needs {attribute.name}: give it a value")
    if isinstance(value, str) and any(value == word for word, _ in attribute.named):
        return value
    if attribute.kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, attribute.kind) or (attribute.kind is int and isinstance(value, bool)):
        words = "".join(f" or {word!r}" for word, _ in attribute.named)
        raise UserError(f"{name} wants {attribute.name} as {attribute.kind.__name__}{words}; got {value!r}")
    return value


def _value(rule: Rule, expr: Expr, bound: Mapping[str, int]) -> int:
    try:
        return evaluate(expr, bound)
    except Undefined as error:
        raise Infeasible(f"{rule.operator}: {error}") from None
