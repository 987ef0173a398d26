"""Parts of a space's tree that hold several parts side by side: one of them, some of them, all of them joined."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archsmith.graph.book import RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.graph import Value
from archsmith.spaces.decisions import Decision, Steps
from archsmith.spaces.node import Enter, Make, Node, Plan, indented, joined, titled
from archsmith.spaces.parts import added
from archsmith.spaces.values import Meanings

CAT_AT_ONCE = 4
"""How many tensors the rules of ``cat`` take in one call."""


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of several parts, by label."""

    branches: tuple[tuple[str, Node], ...]
    name: str = "any_of"
    weights: tuple[float, ...] | None = None

    def plan(self, path: str) -> Steps[Plan]:
        here = joined(path, self.name)
        label = yield Decision(here, tuple(label for label, _ in self.branches), weights=self.weights)
        return (Enter(dict(self.branches)[str(label)], f"{here}={label}"),)

    def lines(self) -> Iterator[str]:
        yield titled("any_of", self.name, self.weights)
        yield from labelled(self.branches)

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        check_branches(self.branches, book, meanings, joined(path, self.name))


@dataclass(frozen=True, slots=True)
class SomeOf:
    """``count`` different parts of several, one after another: in any order if ``ordered``, else as they stand."""

    branches: tuple[tuple[str, Node], ...]
    count: int
    ordered: bool
    name: str = "some_of"

    def plan(self, path: str) -> Steps[Plan]:
        return (yield from Turn(self, tuple(label for label, _ in self.branches)).plan(path))

    def lines(self) -> Iterator[str]:
        order = "in any order" if self.ordered else "in this order"
        yield f"{titled('some_of', self.name)} {self.count} {order}"
        yield from labelled(self.branches)

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        check_branches(self.branches, book, meanings, joined(path, self.name))


@dataclass(frozen=True, slots=True)
class Turn:
    """What is left of a ``SomeOf`` after some turns: the ``labels`` that are open."""

    whole: SomeOf
    labels: tuple[str, ...]
    turn: int = 0

    def plan(self, path: str) -> Steps[Plan]:
        here = joined(path, self.whole.name)
        left = self.whole.count - self.turn - 1
        # In a fixed order, enough labels must be left behind the chosen one for the turns that follow.
        open_now = self.labels if self.whole.ordered else self.labels[: len(self.labels) - left]
        label = str((yield Decision(f"{here}.{self.turn}", open_now)))
        branch = Enter(dict(self.whole.branches)[label], f"{here}={label}")
        place = self.labels.index(label)
        behind = self.labels[place + 1 :]
        rest = Turn(self.whole, (*self.labels[:place], *behind) if self.whole.ordered else behind, self.turn + 1)
        return (branch, Enter(rest, path, of=(1,))) if left else (branch,)

    def lines(self) -> Iterator[str]:
        return self.whole.lines()

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        self.whole.check(book, meanings, path)

    def __eq__(self, other: object) -> bool:
        """Of the same part and as much left: there are far fewer such than ways to come to them."""
        return isinstance(other, Turn) and self._state() == other._state()

    def __hash__(self) -> int:
        return hash(self._state())

    def _state(self) -> tuple[object, ...]:
        return id(self.whole), self.labels, self.turn


@dataclass(frozen=True, slots=True)
class Parallel:
    """Parts that all take the same value, their results added up or laid end to end along the channels."""

    branches: tuple[Node, ...]
    join: str
    name: str = "parallel"

    def plan(self, path: str) -> Steps[Plan]:
        yield from ()
        here = joined(path, self.name)
        steps: list[Enter | Make] = []
        waiting: list[int] = []
        at_once = 2 if self.join == "add" else CAT_AT_ONCE
        for place, branch in enumerate(self.branches):
            steps.append(Enter(branch, joined(here, str(place))))
            waiting.append(len(steps))
            # Joined as soon as they can be: the fewer values are held, the fewer combinations of them there are.
            if len(waiting) == at_once or (place == len(self.branches) - 1 and len(waiting) > 1):
                steps.append(Make(joint, tuple(waiting), (self.join, "parallel")))
                waiting = [len(steps)]
        return tuple(steps)

    def lines(self) -> Iterator[str]:
        yield f"{titled('parallel', self.name)} {self.join}"
        for branch in self.branches:
            yield from indented(branch)

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        for place, branch in enumerate(self.branches):
            branch.check(book, meanings, joined(joined(path, self.name), str(place)))


def joint(builder: Builder, values: Sequence[Value], join: str, where: str) -> Value:
    """The values added up, or laid end to end along the channels: as many as the rules take at once."""
    return added(builder, values, where) if join == "add" else builder.add("cat", *values, dim=1)


def labelled(branches: tuple[tuple[str, Node], ...]) -> Iterator[str]:
    """The lines of parts under their labels."""
    for label, branch in branches:
        first, *rest = branch.lines()
        yield f"  {label}:" if first == label else f"  {label}: {first}"
        yield from (f"  {line}" for line in rest)


def check_branches(branches: tuple[tuple[str, Node], ...], book: RuleBook, meanings: Meanings, here: str) -> None:
    """Look for mistakes in each of them."""
    for label, branch in branches:
        branch.check(book, meanings, f"{here}={label}")
