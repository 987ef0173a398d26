"""The recipe of a space: values of the training, chosen beside those of the network and in the same walk.

Its decisions are asked after those of the network, under ``recipe/NAME``. What is shared is one decision in both.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from archsmith.graph.book import RuleBook
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Scalar
from archsmith.spaces.decisions import Label, Space, Steps, Trace, once
from archsmith.spaces.node import Enter, Node, Plan, indented
from archsmith.spaces.values import Choice, Given, Meanings, SharedValue, settled, values_of

Recipe = tuple[tuple[str, Given], ...]
"""What each value of a recipe is given as, in the order in which they are asked."""

PREFIX = "recipe/"


@runtime_checkable
class WithRecipe(Protocol):
    """A space whose walk asks a recipe too, as those of ``search_space`` do."""

    @property
    def recipe(self) -> Recipe: ...


def checked_recipe(given: Mapping[str, Given] | None, meanings: Meanings) -> Recipe:
    """The recipe, its names and values looked through and its shared names added (``UserError``)."""
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        raise UserError(f"a recipe is values by name, such as {{'learning_rate': choose(0.01, 0.1)}}; got {given!r}")
    for name, value in given.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise UserError(f"what a recipe sets has a name of letters, digits and _; got {name!r}")
        if not isinstance(value, int | float | str | Choice | SharedValue):
            raise UserError(f"a recipe's {name} is a value, a choice or something shared; got {value!r}")
        if isinstance(value, Choice) and value.name is not None:
            raise UserError(f"a recipe's choice is asked as {PREFIX}{name}, by no other name; got {value}")
        if isinstance(value, SharedValue):
            value.note(meanings)
    return tuple(given.items())


@dataclass(frozen=True, slots=True)
class Setting:
    """A value of the recipe as a part of a tree: it asks its decision and lets through what comes in."""

    name: str
    given: Given

    def plan(self, path: str) -> Steps[Plan]:
        yield from settled(self.given, f"{PREFIX}{self.name}")
        return ()

    def lines(self) -> Iterator[str]:
        yield f"{self.name} = {self.given if isinstance(self.given, Choice | SharedValue) else repr(self.given)}"

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        if isinstance(self.given, SharedValue):
            self.given.note(meanings)


def with_recipe(root: Node, recipe: Recipe) -> Node:
    """The tree with the recipe's decisions asked behind it."""
    return _Whole(root, tuple(Setting(*entry) for entry in recipe)) if recipe else root


@dataclass(frozen=True, slots=True)
class _Whole:
    """A network's tree and then the settings, all of them at the tree's own path."""

    root: Node
    settings: tuple[Setting, ...]

    def plan(self, path: str) -> Steps[Plan]:
        yield from ()
        settings = (Enter(setting, path, (place,)) for place, setting in enumerate(self.settings, start=1))
        return (Enter(self.root, path), *settings)

    def lines(self) -> Iterator[str]:
        yield from self.root.lines()
        yield from recipe_lines(tuple((setting.name, setting.given) for setting in self.settings))

    def check(self, book: RuleBook, meanings: Meanings, path: str) -> None:
        for part in (self.root, *self.settings):
            part.check(book, meanings, path)


def _walk_recipe(recipe: Recipe) -> Steps[dict[str, Scalar]]:
    values: dict[str, Scalar] = {}
    for name, given in recipe:
        values[name] = yield from settled(given, f"{PREFIX}{name}")
    return values


def recipe_lines(recipe: Recipe) -> Iterator[str]:
    """The recipe as text; nothing of one that sets nothing."""
    if recipe:
        yield "recipe"
    for entry in recipe:
        yield from indented(Setting(*entry))


def recipe_of(space: Space, trace: Trace) -> dict[str, Scalar]:
    """The values of the recipe for a trace of the space, fixed and computed ones too; none for a space without.

    Raises:
        UserError: the trace does not answer a decision of the recipe.
        Infeasible: it leads to a dead end there, so it is not a trace of a valid architecture.
    """
    given = trace.as_dict()
    walk = once(_walk_recipe(recipe_in(space)))
    try:
        decision = next(walk)
        while True:
            label: Label | None = decision.options[0] if len(decision.options) == 1 else given.get(decision.name)
            if label is None or label not in decision.options:
                raise UserError(f"the trace says {label!r} to {decision.name}: it is of another space")
            decision = walk.send(label)
    except StopIteration as end:
        values: dict[str, Scalar] = end.value
        return values


def values_in_recipe(space: Space) -> dict[str, tuple[Scalar, ...]]:
    """The values that each setting of the recipe can take, as far as they are known before a walk."""
    return {name: values_of(given) for name, given in recipe_in(space)}


def recipe_in(space: Space) -> Recipe:
    """What the space says of its recipe; nothing of one without."""
    return space.recipe if isinstance(space, WithRecipe) else ()


def decided(trace: Mapping[str, Label]) -> dict[str, Label]:
    """What a trace says under the recipe's own names, by those names; what is shared with the network is not there."""
    return {name.removeprefix(PREFIX): label for name, label in trace.items() if name.startswith(PREFIX)}
