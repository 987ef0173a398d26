"""Decisions and traces: the one representation of every random, searched, replayed or reduced architecture.

A space is a program that yields decisions; whoever answers them makes the architecture. The answers, by
decision name, are a trace. Names are paths in the space's tree, so a trace keeps its meaning when an earlier
answer changes and other parts of the tree appear or vanish.
"""

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from random import Random
from typing import Protocol, TypeVar

from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Graph

Label = int | float | str | bool
"""How an option is written in a trace; unique within its decision."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Decision:
    """A question of a walk: ``options`` simplest first; ``ordered`` if their order means size.

    ``weights`` are how likely random sampling takes each option; without them all are equally likely. ``whole`` are all
    the options that it has anywhere, if some of them lead nowhere here and are not offered.
    """

    name: str
    options: tuple[Label, ...]
    ordered: bool = False
    weights: tuple[float, ...] | None = None
    whole: tuple[Label, ...] = ()

    @property
    def narrow(self) -> bool:
        """Whether options are left out. With a single one left it is not asked, and yet stands in the trace."""
        return bool(self.whole)

    @property
    def everywhere(self) -> tuple[Label, ...]:
        """All the options, those too that lead nowhere here."""
        return self.whole or self.options

    def narrowed(self, options: tuple[Label, ...]) -> "Decision":
        """The same question with only these of its options."""
        if options == self.options:
            return self
        weights = self.weights and tuple(self.weights[self.options.index(option)] for option in options)
        kept = weights if weights and any(weights) else None
        return Decision(self.name, options, self.ordered, kept, self.everywhere)


Steps = Generator[Decision, Label, T]
"""A walk: yields decisions, is sent labels, returns what it made; raises ``Infeasible`` at a dead end."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Answers in the order asked. Decisions that never had but one option are not asked, and so are not here."""

    answers: tuple[tuple[str, Label], ...] = ()

    @staticmethod
    def of(answers: Mapping[str, Label]) -> "Trace":
        return Trace(tuple(answers.items()))

    def as_dict(self) -> dict[str, Label]:
        return dict(self.answers)

    def digest(self) -> str:
        """32 hexadecimal digits that name the answers, whatever their order (BLAKE2b, 128 bits)."""
        text = json.dumps(dict(sorted(self.answers)), separators=(",", ":"))
        return blake2b(text.encode(), digest_size=16).hexdigest()

    def __len__(self) -> int:
        return len(self.answers)


class Space(Protocol):
    """A re-runnable walk together with its text, which is its identity."""

    def walk(self) -> Steps[Graph]:
        """A fresh walk; the same labels always lead to the same graph."""
        ...

    def text(self) -> str:
        """The space as a person reads it."""
        ...


@dataclass(frozen=True, slots=True)
class Derivation:
    """A walk that has ended: in a graph, or in a dead end with its reason; ``trace`` answers ``asked``.

    ``asked`` are the decisions as they were offered; among them some with one option, because the others led nowhere.
    """

    trace: Trace
    asked: tuple[Decision, ...]
    graph: Graph | None
    dead_end: str | None = None


@dataclass(frozen=True, slots=True)
class Walked:
    """A valid trace and the decisions that it answers, as they were offered; what it leads to was not built."""

    trace: Trace
    asked: tuple[Decision, ...]


Prefix = tuple[tuple[str, Label], ...]
Answer = Callable[[Decision, Prefix], Label]
"""Answers a decision, given the answers so far."""


def derive(space: Space, answer: Answer) -> Derivation:
    """Walk the space, asking ``answer`` at every decision that has at least two options.

    Raises:
        ValueError: the answer is not one of the options.
        UserError: the space asks two decisions of one name, or one without options.
    """
    walk = space.walk()
    answers: list[tuple[str, Label]] = []
    asked: list[Decision] = []
    names: set[str] = set()
    try:
        decision = next(walk)
        while True:
            if decision.name in names:
                raise UserError(f"decision {decision.name!r} is asked twice in one walk; give one of the two a name")
            names.add(decision.name)
            only = _only(decision)
            label = _option(decision, answer(decision, tuple(answers))) if only is None else only
            if only is None or decision.narrow:
                answers.append((decision.name, label))
                asked.append(decision)
            decision = walk.send(label)
    except StopIteration as end:
        return Derivation(Trace(tuple(answers)), tuple(asked), end.value)
    except Infeasible as reason:
        return Derivation(Trace(tuple(answers)), tuple(asked), None, str(reason))


def _option(decision: Decision, label: Label) -> Label:
    """The option that equals the label: 1, 1.0 and True are equal, and a trace uses the space's own words."""
    if label not in decision.options:
        raise ValueError(f"{decision.name} must be one of {decision.options}; got {label!r}")
    return decision.options[decision.options.index(label)]


def _only(decision: Decision) -> Label | None:
    if not decision.options:
        raise UserError(f"decision {decision.name!r} has no options; give it at least one")
    return decision.options[0] if len(decision.options) == 1 else None


def replay(space: Space, trace: Trace) -> Derivation:
    """Walk the space as the trace says; ``replay(space, t).trace == t`` for a trace of that space.

    Raises:
        UserError: the trace does not answer a decision of this space, so it belongs to another.
    """
    given = trace.as_dict()

    def answer(decision: Decision, prefix: Prefix) -> Label:
        label = given.get(decision.name)
        if label is None or label not in decision.options:
            raise _of_another(decision, label)
        return label

    found = derive(space, answer)
    for decision, (name, label) in zip(found.asked, found.trace.answers, strict=True):
        # A decision that is narrowed to one option is not asked, so nobody has looked at what the trace says to it.
        if given.get(name, label) != label:
            raise _of_another(decision, given[name])
    return found


def _of_another(decision: Decision, label: Label | None) -> UserError:
    options = ", ".join(map(repr, decision.options))
    return UserError(f"the trace says {label!r} to {decision.name}, which takes {options}: it is of another space")


def randomly(rng: Random) -> Answer:
    """Every option as likely as its weight says; equally likely without weights."""

    def answer(decision: Decision, prefix: Prefix) -> Label:
        if decision.weights is None:
            return rng.choice(decision.options)
        return rng.choices(decision.options, decision.weights)[0]

    return answer


Answered = dict[str, tuple[Decision, Label]]
"""Decisions that were answered, by name, and the option taken."""


def once(walk: Steps[T], answered: Answered | None = None) -> Steps[T]:
    """The walk with every decision asked once: one of a name that was answered before gets that answer again.

    ``answered`` are those of before the walk; the walk's own are added to it.

    Raises:
        UserError: the name stands for two different decisions.
    """
    answered = {} if answered is None else answered
    try:
        decision = next(walk)
        while True:
            if decision.name not in answered:
                answered[decision.name] = (decision, (yield decision))
            first, label = answered[decision.name]
            if first != decision:
                raise UserError(f"decision {decision.name!r} has two meanings: {first} and {decision}")
            decision = walk.send(label)
    except StopIteration as end:
        result: T = end.value
        return result


def following(trace: Trace, otherwise: Answer) -> Answer:
    """Answers as the trace does wherever it can, and as ``otherwise`` where it cannot.

    Aligned by decision name, so a changed answer keeps all others that still are asked.
    """
    given = trace.as_dict()

    def answer(decision: Decision, prefix: Prefix) -> Label:
        label = given.get(decision.name)
        return label if label is not None and label in decision.options else otherwise(decision, prefix)

    return answer
