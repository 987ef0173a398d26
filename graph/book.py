"""Operators and the rule book that knows them by name."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol

from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.expr import Expr, Undefined, evaluate
from archsmith.graph.graph import Scalar
from archsmith.graph.partial import Partial, partial
from archsmith.graph.rules import Rule, check, result_types, unify
from archsmith.graph.signature import Plain
from archsmith.graph.types import TensorType

LARGEST = 3.4028234663852886e38
"""The largest float32: what PyTorch cannot write as one it will not multiply a float32 tensor by."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A named argument of an operator that is not a tensor.

    ``default`` None means that the caller must give it. ``examples`` are values worth trying, simplest first.
    ``named`` are words that stand for a value computed from the call's other numbers (``padding="same"``).
    ``least`` and ``most`` bound a number of kind float, about which no rule can speak: rules are over
    integers.
    """

    name: str
    kind: type
    default: Scalar | None = None
    examples: tuple[Scalar, ...] = ()
    named: tuple[tuple[str, Expr], ...] = ()
    least: float = -LARGEST
    most: float = LARGEST


Infer = Callable[[Sequence[TensorType], Mapping[str, Scalar]], Rule]
"""Gives the rule of one call, from its inputs' types and its attributes; ``Infeasible`` where the call is not valid."""


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator by name: a line about it, its attributes, and a rule for every signature that it takes.

    One whose rules are not known beforehand has ``infer`` instead, which is asked once for every different call. One
    whose rules were learned has no ``attributes``, since they differ from rule to rule, and ``defaults`` for those that
    PyTorch has defaults for; see ``archsmith.graph.partial``.
    """

    name: str
    summary: str
    attributes: tuple[Attribute, ...]
    rules: tuple[Rule, ...] = ()
    infer: Infer | None = None
    defaults: tuple[tuple[str, Plain], ...] = ()

    @property
    def learned(self) -> bool:
        """Whether its rules were inferred from calls, and so have signatures."""
        return bool(self.rules) and self.rules[0].learned is not None


@dataclass(frozen=True, slots=True)
class Application:
    """A valid call: the rule that accepted it, resolved attributes, symbols' values and result types."""

    rule: Rule
    attributes: tuple[tuple[str, Scalar], ...]
    bound: Mapping[str, int]
    types: tuple[TensorType, ...]


class Source(Protocol):
    """More operators, read when they are asked for by name: ``archsmith.graph.learned.LearnedBook``."""

    @property
    def names(self) -> Sequence[str]: ...

    def __contains__(self, name: object) -> bool: ...

    def operator(self, name: str) -> Operator:
        """The operator of one of the names."""
        ...


class RuleBook:
    """Operators by name, and their rules by the ranks of their inputs. Immutable.

    A name that is none of ``operators`` is looked for in what ``further`` gives, which is called when the first such
    name is met.

    Raises:
        ValueError: two operators have one name, or a rule speaks of another operator or of attributes it has
        not.
    """

    def __init__(self, operators: Iterable[Operator], *, further: Callable[[], Source] | None = None) -> None:
        by_name: dict[str, Operator] = {}
        by_ranks: dict[tuple[str, tuple[int, ...]], list[Rule]] = {}
        for entry in operators:
            if by_name.setdefault(entry.name, entry) is not entry:
                raise ValueError(f"an operator's name must be its own; {entry.name!r} is given twice")
            for rule in entry.rules:
                _belongs(rule, entry)
                by_ranks.setdefault((entry.name, rule.ranks), []).append(rule)
        self.operators: Mapping[str, Operator] = MappingProxyType(by_name)
        self._by_ranks = {key: tuple(rules) for key, rules in by_ranks.items()}
        self._further = further
        self._partials: dict[str, Partial] = {}
        # The calls of a search space are few and made over and over.
        self._remembered = lru_cache(maxsize=1 << 14)(self._accept)
        self._completed = lru_cache(maxsize=1 << 14)(self._complete)
        self._taken = lru_cache(maxsize=1 << 14)(self._take)

    def operator(self, name: str) -> Operator:
        """The operator of that name; a ``UserError`` that lists the nearest names if there is none."""
        found = self.operators.get(name)
        if found is not None:
            return found
        further = self._further() if self._further is not None and "." in name else None
        if further is not None and name in further:
            return further.operator(name)
        from difflib import get_close_matches

        names = (*self.operators, *(further.names if further is not None else ()))
        near = get_close_matches(name, names, n=5) or sorted(self.operators)
        raise UserError(f"no operator {name!r} in the rule book; did you mean one of: {', '.join(near)}?")

    def partial(self, name: str) -> Partial | None:
        """An operator that was learned, ready for calls; None of one that was not.

        Raises:
            UserError: there is no such operator, or none of its rules is for graphs.
        """
        if name not in self._partials:
            entry = self.operator(name)
            if not entry.learned:
                return None
            self._partials[name] = partial(name, entry.rules, entry.defaults)
        return self._partials[name]

    def extended(self, operators: Iterable[Operator]) -> "RuleBook":
        """A book with these operators too; this one itself if it has them all already."""
        more = [entry for entry in dict.fromkeys(operators) if self.operators.get(entry.name) != entry]
        return RuleBook((*self.operators.values(), *more), further=self._further) if more else self

    def rules(self, name: str, ranks: tuple[int, ...]) -> tuple[Rule, ...]:
        """The rules of an operator for inputs of these ranks; of one that was learned, those that graphs may use."""
        learned = self.partial(name)
        if learned is not None:
            return tuple(way.rule for way in learned.of_ranks(ranks))
        return self._by_ranks.get((name, ranks), ())

    def complete(self, name: str, attributes: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """The attributes with defaults filled in, their names and kinds checked (``UserError``).

        Those of a learned operator are checked only: what is filled in depends on the rule, and so on the inputs.
        """
        learned = self.partial(name)
        if learned is not None:
            learned.demand(attributes)
            return dict(attributes)
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
        # True and 1 are equal, and yet an operator may take one and refuse the other.
        given = tuple([(key, value, value.__class__) for key, value in attributes.items()])
        try:
            completed = self._completed(name, given)
        except TypeError:  # what cannot be remembered is no attribute either: a list
            completed = self._complete(name, given)
        if name not in self.operators or self.operators[name].learned:
            return self._taken(name, tuple(inputs), given)
        return self._remembered(name, tuple(inputs), completed)

    def _take(
        self, name: str, inputs: tuple[TensorType, ...], given: tuple[tuple[str, Scalar, type], ...]
    ) -> Application:
        learned = self.partial(name)
        assert learned is not None  # it was asked for its attributes already
        call = learned.accept(inputs, {key: value for key, value, _ in given})
        return Application(call.rule, call.attributes, call.bound, call.types)

    def _complete(self, name: str, given: tuple[tuple[str, Scalar, type], ...]) -> tuple[tuple[str, Scalar], ...]:
        return tuple(self.complete(name, {key: value for key, value, _ in given}).items())

    def _accept(
        self, name: str, inputs: tuple[TensorType, ...], completed: tuple[tuple[str, Scalar], ...]
    ) -> Application:
        """The call by the first rule that accepts it, or the first reason why none does."""
        if any(0 in given.shape for given in inputs):  # what people declared speaks of sizes of at least 1
            raise Infeasible(f"{name} takes tensors with elements; got {', '.join(map(str, inputs))}")
        broken: Infeasible | None = None
        for candidate in self._candidates(name, inputs, completed):
            bound = unify(candidate.inputs, inputs)
            values = dict(completed)
            if bound is None or any(values[key] != value for key, value in candidate.constants):
                continue
            try:
                return self._bind(candidate, bound, values)
            except Infeasible as reason:
                broken = broken or reason
        given = ", ".join([*map(str, inputs), *(f"{key}={value!r}" for key, value in completed)])
        raise broken or Infeasible(f"{name}({given}) has no rule: it takes {self._signatures(name, inputs)}")

    def _candidates(
        self, name: str, inputs: tuple[TensorType, ...], completed: tuple[tuple[str, Scalar], ...]
    ) -> tuple[Rule, ...]:
        infer = self.operator(name).infer
        if infer is None:
            return self.rules(name, tuple(given.rank for given in inputs))
        inferred = infer(inputs, dict(completed))
        _belongs(inferred, self.operator(name))
        return (inferred,)

    def _bind(self, rule: Rule, dims: Mapping[str, int], completed: dict[str, Scalar]) -> Application:
        bound = dict(dims)
        bound.update((k, v) for k, v in completed.items() if isinstance(v, int) and not isinstance(v, bool))
        for attribute in self.operator(rule.operator).attributes:
            word = completed[attribute.name]
            for named, expr in attribute.named:
                if word == named:
                    completed[attribute.name] = bound[attribute.name] = _value(rule, expr, bound)
        check(rule, bound)
        types = result_types(rule, bound)
        return Application(rule, tuple(sorted(completed.items())), MappingProxyType(bound), types)

    def _signatures(self, name: str, inputs: Sequence[TensorType]) -> str:
        """What would have been accepted: attributes, if these inputs are right, and inputs otherwise."""
        rules = self.operator(name).rules
        fitting = [rule for rule in rules if unify(rule.inputs, inputs) is not None]
        accepted = [
            ", ".join(f"{key}={value!r}" for key, value in rule.constants)
            if fitting
            else ", ".join(map(str, rule.inputs))
            for rule in fitting or rules
        ]
        distinct = list(dict.fromkeys(accepted))
        return "; or ".join(distinct[:4]) + (f"; or {len(distinct) - 4} more" if len(distinct) > 4 else "")


def _belongs(rule: Rule, operator: Operator) -> None:
    known = {attribute.name for attribute in operator.attributes}
    foreign = {key for key, _ in rule.constants} - known if rule.learned is None else set()
    if rule.operator != operator.name or foreign:
        of = f"{rule.operator}, with {', '.join(sorted(foreign))}" if foreign else rule.operator
        raise ValueError(f"a rule of {operator.name} must speak of it and its attributes; this one is of {of}")


def _taken(name: str, attribute: Attribute, given: Mapping[str, Scalar]) -> Scalar:
    value = given.get(attribute.name, attribute.default)
    if value is None:
        raise UserError(f"{name} needs {attribute.name}: give it a value")
    if isinstance(value, str) and any(value == word for word, _ in attribute.named):
        return value
    if attribute.kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return _within(name, attribute, value)
    if not isinstance(value, attribute.kind) or (attribute.kind is int and isinstance(value, bool)):
        words = "".join(f" or {word!r}" for word, _ in attribute.named)
        raise UserError(f"{name} wants {attribute.name} as {attribute.kind.__name__}{words}; got {value!r}")
    return value


def _within(name: str, attribute: Attribute, value: float) -> float:
    if not attribute.least <= value <= attribute.most:  # NaN is nowhere
        bounds = f"from {attribute.least:g} to {attribute.most:g}"
        raise UserError(f"{name} wants {attribute.name} {bounds}; got {value!r}")
    return float(value) + 0.0  # -0.0 becomes 0.0, its equal: equal graphs have equal text


def _value(rule: Rule, expr: Expr, bound: Mapping[str, int]) -> int:
    try:
        return evaluate(expr, bound)
    except Undefined as error:
        raise Infeasible(f"{rule.operator}: {error}") from None
