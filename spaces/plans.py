"""What a part of the tree asks itself, and which parts follow from that at which paths: the tree seen from outside.

A walk hides this in its control flow; counting needs it part by part. A test holds the two together: every walk of a
random tree is counted once.
"""

from collections import Counter

from archsmith.graph.own import short
from archsmith.spaces.branches import AnyOf, Parallel, SomeOf
from archsmith.spaces.decisions import Decision, Steps
from archsmith.spaces.outcomes import outcomes
from archsmith.spaces.parts import Call, Chain, Node, Op, Optional, Repeat, Residual, Shared, joined
from archsmith.spaces.values import Choice, SharedValue

KINDS: frozenset[type] = frozenset({Op, Call, Chain, AnyOf, SomeOf, Optional, Repeat, Residual, Parallel, Shared})
"""The parts that ``nodes`` makes. Any other, even if it inherits from one of them, is known only by its walks."""

Site = tuple[Node, str]
"""A part of the tree, and the path at which it is walked."""


def plan(node: Node, path: str) -> Steps[tuple[Site, ...]]:
    """Ask what the node itself asks before all else, and give the parts that are then walked, in order."""
    match node:
        case Chain(parts=parts):
            return tuple((part, joined(path, str(place))) for place, part in enumerate(parts))
        case AnyOf(branches=branches, name=name, weights=weights):
            here = joined(path, name)
            label = yield Decision(here, tuple(label for label, _ in branches), weights=weights)
            return ((dict(branches)[str(label)], f"{here}={label}"),)
        case Optional(body=body, name=name, weights=weights):
            here = joined(path, name)
            taken = yield Decision(here, (False, True), weights=weights)
            return ((body, here),) if taken else ()
        case Repeat():
            turns = yield from node.turns(path)
            return tuple((node.body, here) for here in turns)
        case Residual(body=body):
            return ((body, joined(path, "residual")),)
        case Shared(name=name, body=body):
            return ((body, name),)
        case Parallel(branches=parts, name=name):
            here = joined(path, name)
            return tuple((part, joined(here, str(place))) for place, part in enumerate(parts))
        case _:
            return ()


def sites_of(node: Node, path: str) -> tuple[Site, ...]:
    """Every part that a walk may come to from this one, as often as a single walk may."""
    if isinstance(node, SomeOf):
        here = joined(path, node.name)
        return tuple((branch, f"{here}={label}") for label, branch in node.branches)
    nodes: dict[int, Node] = {}
    often: Counter[tuple[int, str]] = Counter()
    for outcome in outcomes(lambda: plan(node, path), {}):
        nodes |= {id(part): part for part, _ in outcome.value}
        often |= Counter((id(part), here) for part, here in outcome.value)
    return tuple((nodes[part], here) for part, here in often.elements())


def asked_by(node: Node, path: str) -> frozenset[str]:
    """The names of the decisions that the node itself may ask, not its parts."""
    match node:
        case Op(operator=operator, attributes=attributes):
            names: set[str] = set()
            for name, given in attributes:
                if isinstance(given, Choice):
                    names.add(joined(path, given.name or f"{short(operator)}.{name}"))
                elif isinstance(given, SharedValue):
                    names.update(name for name, _ in given.choices)
            return frozenset(names)
        case SomeOf(name=name, count=count):
            return frozenset(f"{joined(path, name)}.{turn}" for turn in range(count))
        case _:
            return frozenset().union(*(outcome.answered for outcome in outcomes(lambda: plan(node, path), {})))
