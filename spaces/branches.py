"""Parts of a space's tree that hold several parts side by side: one of them, some of them, all of them joined."""

from collections.abc import Iterator
from dataclasses import dataclass

from archsmith.graph.book import RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.graph import Value
from archsmith.spaces.decisions import Decision, Steps
from archsmith.spaces.parts import Node, demand_equal, indented, joined, titled
from archsmith.spaces.values import Meanings

CAT_AT_ONCE = 4
"""How many tensors the rules of ``cat`` take in one call."""


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of several parts, by label."""

    branches: tuple[tuple[str, Node], ...]
    name: str = "any_of"
    weights: tuple[float, ...] | None = None

    def walk(self, builder: Builder, x: Value, path: str) -> Steps[Value]:
        here = joined(path, self.name)
        label = yield Decision(here, tuple(label for label, _ in self.branches), weights=self.weights)
        return (yield from dict(self.branches)[str(label)].walk(builder, x, f"{here}={label}"))

    def lines(self) -> Iterator[str]:
        yield titled("any_of", self.name, self.weights)
        yield from _labelled(self.branches)

    def check(self, book: RuleBook, meanings: Meanings) -> None:
        for _, branch in self.branches:
            branch.check(book, meanings)


@dataclass(frozen=True, slots=True)
class SomeOf:
    """``count`` different parts of several, one after another: in any order if ``ordered``, else as they stand."""

    branches: tuple[tuple[str, Node], ...]
    count: int
    ordered: bool
    name: str = "some_of"

    def walk(self, builder: Builder, x: Value, path: str) -> Steps[Value]:
        here = joined(path, self.name)
        labels = tuple(label for label, _ in self.branches)
        for turn in range(self.count):
            label, labels = yield from self.pick(labels, turn, here)
            x = yield from dict(self.branches)[label].walk(builder, x, f"{here}={label}")
        return x

    def pick(self, labels: tuple[str, ...], turn: int, here: str) -> Steps[tuple[str, tuple[str, ...]]]:
        """Ask for one of the labels, and give it and those that are open after it."""
        # In a fixed order, enough labels must be left behind the chosen one for the turns that follow.
        open_now = labels if self.ordered else labels[: len(labels) - (self.count - turn - 1)]
        label = str((yield Decision(f"{here}.{turn}", open_now)))
        place = labels.index(label)
        return label, labels[:place] + labels[place + 1 :] if self.ordered else labels[place + 1 :]

    def lines(self) -> Iterator[str]:
        order = "in any order" if self.ordered else "in this order"
        yield f"{titled('some_of', self.name)} {self.count} {order}"
        yield from _labelled(self.branches)

    def check(self, book: RuleBook, meanings: Meanings) -> None:
        for _, branch in self.branches:
            branch.check(book, meanings)


@dataclass(frozen=True, slots=True)
class Parallel:
    """Parts that all take the same value, their results added up or laid end to end along the channels."""

    branches: tuple[Node, ...]
    join: str
    name: str = "parallel"

    def walk(self, builder: Builder, x: Value, path: str) -> Steps[Value]:
        results: list[Value] = []
        for place, branch in enumerate(self.branches):
            here = joined(joined(path, self.name), str(place))
            results.append((yield from branch.walk(builder, x, here)))
        return self.connect(builder, results)

    def connect(self, builder: Builder, results: list[Value]) -> Value:
        """The branches' results joined; ``Infeasible`` if they do not fit."""
        return _added(builder, results) if self.join == "add" else _concatenated(builder, results)

    def lines(self) -> Iterator[str]:
        yield f"{titled('parallel', self.name)} {self.join}"
        for branch in self.branches:
            yield from indented(branch)

    def check(self, book: RuleBook, meanings: Meanings) -> None:
        for branch in self.branches:
            branch.check(book, meanings)


def _added(builder: Builder, values: list[Value]) -> Value:
    demand_equal(builder, tuple(values), "parallel")
    total, *others = values
    for value in others:
        total = builder.add("add", total, value)
    return total


def _concatenated(builder: Builder, values: list[Value]) -> Value:
    whole, *others = values
    while others:
        taken, others = others[: CAT_AT_ONCE - 1], others[CAT_AT_ONCE - 1 :]
        whole = builder.add("cat", whole, *taken, dim=1)
    return whole


def _labelled(branches: tuple[tuple[str, Node], ...]) -> Iterator[str]:
    for label, branch in branches:
        first, *rest = branch.lines()
        yield f"  {label}:" if first == label else f"  {label}: {first}"
        yield from (f"  {line}" for line in rest)
