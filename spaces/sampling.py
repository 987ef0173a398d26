"""Sampling and mutation that never return a dead end.

A dead end is cut out of the walk that met it and the walk is taken again: it is never handed to a searcher,
because a score of zero for it would teach the searcher to avoid all that lies near.
"""

from random import Random

from archsmith.graph.errors import UserError
from archsmith.spaces.decisions import (
    Answer,
    Decision,
    Derivation,
    Label,
    Prefix,
    Space,
    Trace,
    Walked,
    derive,
    randomly,
    replay,
)

ATTEMPTS = 10_000
"""Dead ends after which a space is taken to be infeasible."""

NOTHING = Trace()


class DeadEnds:
    """The prefixes of a space from which no valid architecture can be reached, as far as they are known.

    Answers of ``kept`` are not up for change: wherever one can be given, it is the only option. What is dead ``under``
    these is dead here too, and stays as it is.
    """

    def __init__(self, kept: Trace = NOTHING, *, under: "DeadEnds | None" = None) -> None:
        self._dead: set[Prefix] = set()
        self._under: set[Prefix] = set() if under is None else under._dead
        self._kept = kept.as_dict()

    def live(self, decision: Decision, prefix: Prefix) -> tuple[Label, ...]:
        """The options that are not known to be dead."""
        kept = self._kept.get(decision.name)
        options = decision.options if kept is None or kept not in decision.options else (kept,)
        if not self._dead and not self._under:
            return options
        ways = [(option, (*prefix, (decision.name, option))) for option in options]
        return tuple([option for option, way in ways if way not in self._dead and way not in self._under])

    def bury(self, derivation: Derivation | Walked) -> None:
        """Close the derivation's end, and every earlier prefix all of whose options are closed by that."""
        answers = derivation.trace.answers
        self._dead.add(answers)
        for depth in reversed(range(len(answers))):
            if self.live(derivation.asked[depth], answers[:depth]):
                return
            self._dead.add(answers[:depth])

    @property
    def everything(self) -> bool:
        return () in self._dead or () in self._under


def feasible(space: Space, answer: Answer, dead: DeadEnds | None = None) -> Derivation:
    """The derivation that ``answer`` leads to, taken again around every dead end on the way.

    ``answer`` sees only options that are not known to be dead, and may be asked the same decision again. The dead ends
    met are buried in ``dead``.

    Raises:
        UserError: no architecture of the space is valid, or none was found in ``ATTEMPTS`` walks.
    """
    dead = DeadEnds() if dead is None else dead
    found = around(space, answer, dead)
    if found.graph is not None:
        return found
    extent = "no architecture of this space is valid"
    if not dead.everything:
        extent = f"no valid architecture in {ATTEMPTS} walks through this space"
    raise UserError(f"{extent}; the last dead end: {found.dead_end}")


def around(space: Space, answer: Answer, dead: DeadEnds) -> Derivation:
    """The derivation that ``answer`` leads to around ``dead`` and the dead ends met, which are buried there.

    It is a dead end itself only if all else is dead, or after ``ATTEMPTS`` walks.
    """

    def alive(decision: Decision, prefix: Prefix) -> Label:
        live = dead.live(decision, prefix)
        return live[0] if len(live) == 1 else answer(decision.narrowed(live), prefix)

    for _ in range(ATTEMPTS):
        found = derive(space, alive)
        if found.graph is not None:
            break
        dead.bury(found)
        if dead.everything:
            break
    return found


def sample(space: Space, rng: Random) -> Derivation:
    """A valid architecture, every option of every decision as likely as its weight."""
    return feasible(space, randomly(rng))


def mutate(space: Space, trace: Trace, rng: Random) -> Derivation:
    """One decision of the trace changed, the others kept where they are still asked; never the same trace.

    If no change of the chosen decision leads to a valid architecture, another decision is changed; if no
    change of one decision does, any other architecture is drawn. A space with a single architecture gives
    that one back.
    """
    old = replay(space, trace)
    given = trace.as_dict()
    for decision in rng.sample(old.asked, len(old.asked)):
        others = [option for option in decision.options if option != given[decision.name]]
        for label in rng.sample(others, len(others)):
            found = around(space, randomly(rng), DeadEnds(Trace.of(given | {decision.name: label})))
            if found.graph is not None:
                return found
    known = DeadEnds()
    known.bury(old)
    if known.everything:
        return old
    found = around(space, randomly(rng), known)
    return found if found.graph is not None else old
