"""Which traces of a tree lead to one architecture, told without building networks that nothing else is like.

A trace is followed by fingerprints instead of nodes: a part's plan is taken once for every answer to it, and what a
step makes once for all types that go in. Only traces of one fingerprint have their networks built and compared.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from archsmith.graph.book import RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.fingerprint import Formula, Sketch, entering, sketch
from archsmith.graph.types import TensorType
from archsmith.spaces.decisions import Label
from archsmith.spaces.node import Enter, Make, Node, Plan
from archsmith.spaces.outcomes import options_of

KEPT = 100_000
"""Answers, steps and sketches that are remembered: there may be more of them than architectures."""


class Unanswered(Exception):
    """The answers are not those of a valid trace of the space."""


@dataclass(eq=False, slots=True)
class Identity:
    """Equal for traces of one architecture: of one ``key``, and of one ``digest``, which is asked for only then.

    The digest that ``build`` gives is ``known`` once it was asked for, or to those who have it from somewhere else.
    """

    key: Hashable
    build: Callable[[], str]
    known: str | None = None

    @property
    def digest(self) -> str:
        """That of the network."""
        if self.known is None:
            self.known = self.build()
        return self.known

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Identity):
            return NotImplemented
        return self is other or (self.key == other.key and self.digest == other.digest)

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(eq=False, slots=True)
class _Plans:
    """What a part plans after some answers: its steps, or plans ``behind`` each answer to what it ``asks`` next."""

    steps: "tuple[_Entered | _Made, ...] | None" = None
    asks: str = ""
    behind: "dict[Label | None, _Plans]" = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class _Entered:
    """A step into another part, with what is known of its plans."""

    into: Enter
    plans: _Plans = field(default_factory=_Plans)


@dataclass(eq=False, slots=True)
class _Made:
    """A step that grows the graph, with what it and others like it have made of values of these types."""

    make: Make
    sketches: dict[tuple[int, ...], tuple[Sketch, int]]


_Steps = tuple[_Entered | _Made, ...]


class Fingerprints:
    """Those of the networks that a tree's traces lead to."""

    def __init__(self, root: Node, given: TensorType, book: RuleBook) -> None:
        self._book = book
        self._types: dict[TensorType, int] = {given: 0}
        self._each: list[TensorType] = [given]
        self._root = Enter(root, "")
        self._forget()

    def _forget(self) -> None:
        self._start = _Entered(self._root)
        self._sketches: dict[tuple[object, ...], dict[tuple[int, ...], tuple[Sketch, int]]] = {}
        self._kept = 0

    def of(self, answers: Mapping[str, Label]) -> int:
        """The same for two traces whose networks have one normal form, and nearly always another for others.

        Raises:
            Unanswered: a decision is not answered, or by none of its options.
            Infeasible: the answers lead to a dead end.
        """
        if self._kept > KEPT:
            self._forget()
        types, formulas = [0], [entering(0)]
        stack = [(iter(self._planned(self._start, answers)), types, formulas)]
        while True:
            steps, types, formulas = stack[-1]
            for step in steps:
                if isinstance(step, _Entered):
                    of = step.into.of
                    inner = iter(self._planned(step, answers))
                    stack.append((inner, [types[place] for place in of], [formulas[place] for place in of]))
                    break
                self._make(step, types, formulas)
            else:
                stack.pop()
                if not stack:
                    return formulas[-1][0]
                stack[-1][1].append(types[-1])
                stack[-1][2].append(formulas[-1])

    def _planned(self, step: _Entered, answers: Mapping[str, Label]) -> _Steps:
        """The steps of the part where these are the answers."""
        plans: _Plans | None = step.plans
        while plans is not None:
            if plans.steps is not None:
                return plans.steps
            plans = plans.behind.get(answers.get(plans.asks))
        return self._walked(step, answers)

    def _walked(self, step: _Entered, answers: Mapping[str, Label]) -> _Steps:
        """The same, asked of the part."""
        walk, plans = step.into.node.plan(step.into.path), step.plans
        try:
            decision = next(walk)
            while True:
                options = options_of(decision)
                label = options[0] if len(options) == 1 else answers.get(decision.name)
                if label not in options:
                    raise Unanswered(decision.name)
                if len(options) > 1:
                    plans.asks = decision.name
                    plans = plans.behind.setdefault(label, _Plans())
                    self._kept += 1
                decision = walk.send(options[options.index(label)])
        except StopIteration as end:
            plan: Plan = end.value
        plans.steps = tuple(_Entered(entry) if isinstance(entry, Enter) else self._made(entry) for entry in plan)
        self._kept += len(plan)
        return plans.steps

    def _made(self, make: Make) -> _Made:
        # 1 and True are equal, and an operator may make two things of them.
        key = make.function, make.arguments, repr(make.arguments)
        return _Made(make, self._sketches.setdefault(key, {}))

    def _make(self, step: _Made, types: list[int], formulas: list[Formula]) -> None:
        of = step.make.of
        key = tuple([types[place] for place in of])
        if key not in step.sketches:
            step.sketches[key] = self._sketched(step.make, key)
        drawn, made = step.sketches[key]
        types.append(made)
        formulas += drawn.formulas([formulas[place] for place in of])

    def _sketched(self, make: Make, key: Sequence[int]) -> tuple[Sketch, int]:
        """What is made of values of these types, and the type of it."""
        self._kept += 1
        builder = Builder(self._book)
        value = make.function(builder, [builder.input(self._each[kind]) for kind in key], *make.arguments)
        made = builder.type_of(value)
        if made not in self._types:
            self._types[made] = len(self._each)
            self._each.append(made)
        return sketch(builder.finish(value), self._book), self._types[made]
