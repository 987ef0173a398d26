"""Which calls of an operator are valid on values of given types: what the graph-growing walk may offer.

Attributes are chosen from the examples that the operator's declaration gives, those of a learned operator from what
``archsmith.spaces.learned_calls`` tries. Constraints are checked as soon as all their symbols are known, so a branch
without a valid completion is left early.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from math import prod

from archsmith.graph.book import Attribute, RuleBook
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.expr import holds, symbols
from archsmith.graph.graph import Scalar
from archsmith.graph.partial import Way
from archsmith.graph.rules import Rule, result_types, unify
from archsmith.graph.types import TensorType
from archsmith.spaces.learned_calls import completed, options_of


class Calls:
    """Valid calls within a rule book whose results have at most ``elements`` elements each.

    Answers are remembered by operator and types: graphs are many, the types that they are made of are fewer.
    """

    def __init__(self, book: RuleBook, *, elements: int) -> None:
        self.book = book
        self._elements = elements
        self._arities: dict[str, list[int]] = {}
        self._beginning: dict[tuple[str, int, tuple[int, ...]], list[Rule]] = {}
        for name in book.operators:
            rules = _rules(book, name)
            self._arities[name] = sorted({len(rule.inputs) for rule in rules})
            for rule in rules:
                for length in range(len(rule.ranks)):
                    start = (name, len(rule.ranks), rule.ranks[:length])
                    self._beginning.setdefault(start, []).append(rule)
        self._can_begin = lru_cache(maxsize=1 << 16)(self._begins)
        self._can_complete = lru_cache(maxsize=1 << 16)(self._completes)
        self._can_go = lru_cache(maxsize=1 << 16)(self._goes)

    def operators(self, types: Sequence[TensorType]) -> tuple[str, ...]:
        """Operators that have a valid call on some of these types."""
        return tuple(name for name in self.book.operators if self.arities(name, types))

    def arities(self, name: str, types: Sequence[TensorType]) -> tuple[int, ...]:
        """Numbers of inputs with which the operator has a valid call on some of these types."""
        return tuple(arity for arity in self._arities[name] if self.can_start(name, (), arity, types))

    def can_start(self, name: str, chosen: tuple[TensorType, ...], arity: int, types: Sequence[TensorType]) -> bool:
        """Whether the inputs chosen so far can be completed from ``types`` to a valid call of this arity."""
        if len(chosen) == arity:
            return self.is_open(name, chosen, {})
        return self._can_begin(name, chosen, arity) and any(
            self.can_start(name, (*chosen, given), arity, types) for given in types
        )

    def _begins(self, name: str, chosen: tuple[TensorType, ...], arity: int) -> bool:
        rules = self._beginning.get((name, arity, tuple(given.rank for given in chosen)), ())
        return any(unify(rule.inputs[: len(chosen)], chosen) is not None for rule in rules)

    def is_open(self, name: str, inputs: tuple[TensorType, ...], fixed: Mapping[str, Scalar]) -> bool:
        """Whether a valid call on these inputs agrees with the attributes fixed so far."""
        return self._can_complete(name, inputs, tuple(fixed.items()))

    def _completes(self, name: str, inputs: tuple[TensorType, ...], fixed: tuple[tuple[str, Scalar], ...]) -> bool:
        if self.book.partial(name) is not None:
            return bool(self.ways(name, inputs))
        return next(self.completions(name, inputs, dict(fixed)), None) is not None

    def ways(self, name: str, inputs: tuple[TensorType, ...]) -> dict[str, Way]:
        """The ways to call a learned operator on these inputs, by how the call is written."""
        learned = self.book.partial(name)
        ways = () if learned is None else learned.of_ranks(tuple(given.rank for given in inputs))
        found: dict[str, Way] = {}
        for place, way in enumerate(ways):
            if self._can_go(name, place, inputs, ()):
                text = str(way.rule.learned.signature) if way.rule.learned is not None else ""
                found.setdefault(text, way)
        return found

    def options(
        self, name: str, way: Way, inputs: tuple[TensorType, ...], fixed: Mapping[str, Scalar], attribute: str
    ) -> tuple[Scalar, ...]:
        """The values of an attribute of this way that, with those fixed so far, lead to a valid call."""
        learned = self.book.partial(name)
        assert learned is not None  # a way is one of a learned operator
        place = learned.of_ranks(tuple(given.rank for given in inputs)).index(way)
        return tuple(
            value
            for value in options_of(way, attribute, inputs)
            if self._can_go(name, place, inputs, (*fixed.items(), (attribute, value)))
        )

    def _goes(
        self, name: str, place: int, inputs: tuple[TensorType, ...], fixed: tuple[tuple[str, Scalar], ...]
    ) -> bool:
        learned = self.book.partial(name)
        assert learned is not None
        way = learned.of_ranks(tuple(given.rank for given in inputs))[place]
        return next(completed(way, inputs, dict(fixed), elements=self._elements), None) is not None

    def completions(
        self, name: str, inputs: tuple[TensorType, ...], fixed: Mapping[str, Scalar]
    ) -> Iterator[dict[str, Scalar]]:
        """Every valid choice of attributes that agrees with ``fixed``, simplest first."""
        attributes = self.book.operator(name).attributes
        for rule in self.book.rules(name, tuple(given.rank for given in inputs)):
            bound = unify(rule.inputs, inputs)
            constants = dict(rule.constants)
            if bound is None or any(fixed.get(key, value) != value for key, value in constants.items()):
                continue
            yield from self._extend(rule, dict(bound), attributes, {**constants, **fixed}, {})

    def _extend(
        self,
        rule: Rule,
        bound: dict[str, int],
        remaining: Sequence[Attribute],
        fixed: Mapping[str, Scalar],
        taken: dict[str, Scalar],
    ) -> Iterator[dict[str, Scalar]]:
        if any(symbols(c) <= bound.keys() and not holds(c, bound) for c in rule.requires):
            return
        if not remaining:
            if self._fits(rule, bound):
                yield taken
            return
        attribute, *rest = remaining
        for value in (fixed[attribute.name],) if attribute.name in fixed else attribute.examples:
            number = {attribute.name: value} if isinstance(value, int) and not isinstance(value, bool) else {}
            yield from self._extend(rule, bound | number, rest, fixed, {**taken, attribute.name: value})

    def _fits(self, rule: Rule, bound: Mapping[str, int]) -> bool:
        try:
            types = result_types(rule, bound)
        except Infeasible:
            return False
        return all(prod(result.shape) <= self._elements for result in types)


def _rules(book: RuleBook, name: str) -> tuple[Rule, ...]:
    """The operator's rules that graphs may use: of some learned operators, as those that write to an input, none."""
    entry = book.operator(name)
    if not entry.learned:
        return entry.rules
    try:
        learned = book.partial(name)
    except UserError:
        return ()
    return () if learned is None else tuple(way.rule for way in learned.ways)
