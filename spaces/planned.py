"""What a part plans after some answers: the steps of its plan, or the question that it asks next."""

from dataclasses import dataclass

from archsmith.graph.errors import Infeasible, UserError
from archsmith.spaces.decisions import Decision, Label
from archsmith.spaces.node import Node, Plan
from archsmith.spaces.outcomes import options_of
from archsmith.spaces.questions import Known, Memory


@dataclass(frozen=True, slots=True)
class Planned:
    """What the first answers to a part lead to: its plan, or another question, or a reason why there is none."""

    plan: Plan | None = None
    asks: Decision | None = None
    answered: tuple[Known, ...] = ()
    reason: str = ""


def planned_by(node: Node, path: str, memory: Memory, labels: tuple[Label, ...]) -> Planned:
    """Take the part's plan with these answers to its first questions, and the remembered ones wherever they fit.

    Raises:
        UserError: a name stands for two different decisions.
    """
    known = {entry.name: entry for entry in memory if entry.decision is not None}
    waiting = list(reversed(labels))
    walk = node.plan(path)
    try:
        decision = next(walk)
        while True:
            options = options_of(decision)
            if decision.name not in known:
                if len(options) > 1 and not waiting:
                    return Planned(asks=decision, answered=tuple(known.values()))
                label = options[0] if len(options) == 1 else waiting.pop()
                known[decision.name] = Known(decision.name, decision, label)
            first = known[decision.name]
            if first.decision != decision:
                raise UserError(f"decision {decision.name!r} has two meanings: {first.decision} and {decision}")
            decision = walk.send(first.label)
    except StopIteration as end:
        return Planned(plan=end.value, answered=tuple(known.values()))
    except Infeasible as error:
        return Planned(reason=str(error))
