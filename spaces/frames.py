"""Where a walk stands, told by types: the plans it is in, how far it is in each, and the types that are still wanted.

Two walks that stand at the same place with the same types can go on in the same ways. So equal frames are one object,
and whatever is found out about one holds for all walks that come to it.
"""

from dataclasses import dataclass

from archsmith.graph.types import TensorType
from archsmith.spaces.node import Enter, Plan
from archsmith.spaces.survey import NOTHING, Names, Survey

Types = tuple[TensorType | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A plan that a walk is in: ``at`` is the step that comes next, ``values`` are the types at hand.

    A type that no later step takes is None. ``path`` names the part; ``wanted`` are the names that are asked from here
    on, ``behind`` those asked once the part that is entered at ``at`` is left. Of a part that is entered ``again``,
    ``entered`` are the types that went in.
    """

    plan: Plan
    at: int
    values: Types
    path: str
    parent: "Frame | None"
    again: Enter | None
    entered: Types
    wanted: Names
    behind: Names


_Kept = tuple[str, Frame | None, Enter | None, Types]
"""What stays from step to step of a plan: path, parent, again and entered."""


class Frames:
    """The frames of one space, each of them once."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._frames: dict[tuple[object, ...], Frame] = {}
        self._needed: dict[tuple[int, int], tuple[frozenset[int], ...]] = {}

    def __len__(self) -> int:
        return len(self._frames)

    def enter(self, plan: Plan, values: Types, step: Enter, parent: Frame | None) -> Frame:
        """The beginning of a plan that follows from ``step``."""
        return self._frame(plan, 0, values, (step.path, parent, step if step.again else None, values))

    def onward(self, frame: Frame, made: TensorType) -> Frame:
        """The next step of the same plan, with one value more."""
        kept = frame.path, frame.parent, frame.again, frame.entered
        return self._frame(frame.plan, frame.at + 1, (*frame.values, made), kept)

    def _frame(self, plan: Plan, at: int, values: Types, kept: _Kept) -> Frame:
        path, parent, again, entered = kept
        needed = self._needs(plan, len(values) - at)[at]
        values = tuple([given if place in needed else None for place, given in enumerate(values)])
        entered = entered if again is not None else ()
        key = (id(plan), at, values, id(parent), path, entered)
        found = self._frames.get(key)
        if found is None:
            asked = self._survey.wanted(plan)
            outside = parent.behind if parent is not None else NOTHING
            behind = (asked[at + 1] if at < len(plan) else NOTHING) | outside
            found = Frame(plan, at, values, path, parent, again, entered, asked[at] | outside, behind)
            self._frames[key] = found
        return found

    def _needs(self, plan: Plan, entering: int) -> tuple[frozenset[int], ...]:
        """For each step, and the end, the places of the values that are taken from there on."""
        key = (id(plan), entering)
        if key not in self._needed:
            places = [frozenset({entering + len(plan) - 1})]
            for step in reversed(plan):
                places.append(places[-1] | frozenset(step.of))
            self._needed[key] = tuple(reversed(places))
        return self._needed[key]
