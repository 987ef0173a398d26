"""The questions of a space's diagram, and what follows an answer."""

from dataclasses import dataclass, field
from typing import NamedTuple

from archsmith.graph.intervals import Range
from archsmith.graph.types import TensorType
from archsmith.spaces.decisions import Decision, Label
from archsmith.spaces.frames import Frame, Types
from archsmith.spaces.node import Sealed


class Known(NamedTuple):
    """An answer that holds from here on; without a decision, a part that was walked or a constraint that is met.

    ``entered`` are the types that the part was walked with.
    """

    name: str
    decision: Decision | None = None
    label: Label = True
    entered: Types = ()


Memory = frozenset[Known]
EMPTY: Memory = frozenset()


class End(NamedTuple):
    """A walk is through: the type that leaves the space, and the answers that a constraint on cost still names."""

    type: TensorType
    memory: Memory


class Edge(NamedTuple):
    """What follows an answer: a question, or the end of the walk, or nothing at a dead end.

    ``parameters`` and ``macs`` are those of what is made on the way; 0 where no constraint speaks of them.
    """

    target: "Ask | End | None"
    parameters: int = 0
    macs: int = 0


DEAD = Edge(None)


class Live(NamedTuple):
    """The options of a question that lead somewhere, as answers to it, with what follows each.

    ``places`` are their places by label, and ``weights`` those that they are drawn by.
    """

    answers: tuple[tuple[str, Label], ...]
    edges: tuple[Edge, ...]
    weights: tuple[float, ...] | None
    places: dict[Label, int]

    @property
    def labels(self) -> tuple[Label, ...]:
        """The options."""
        return tuple(self.places)


class Span(NamedTuple):
    """The least and the most that the rest of a walk can spend, over all walks that have no other dead end."""

    parameters: Range
    macs: Range


@dataclass(frozen=True, slots=True)
class Seal:
    """A sealed part that questions are asked in, and what follows the part, whatever the answers."""

    part: Sealed
    path: str
    behind: Edge


@dataclass(slots=True, eq=False)
class Ask:
    """A question of the diagram; ``edges`` are those that were followed, by the option's place.

    One that is not ``kept`` is drawn up anew whenever it is met, and keeps nothing: in parts with a ``seal`` there may
    be too many of them.

    What ``reach`` has found out about it stands here too: whether it is ``alive``, its options that are, what follows
    those that draws have found to be (``ways``, by the option's place), and the ``span`` of what can be spent behind.
    """

    decision: Decision
    frame: Frame
    memory: Memory
    labels: tuple[Label, ...]
    version: int
    seal: Seal | None = None
    kept: bool = True
    edges: dict[int, Edge] = field(default_factory=dict)
    alive: bool | None = None
    live: "Live | None" = None
    ways: "list[Edge | None] | None" = None
    span: "Span | None" = None
