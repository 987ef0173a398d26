"""What a sitting knows of its study's trials: all of it can be told again from the store, trial by trial."""

import random
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from archsmith.jobs.objectives import Goals
from archsmith.jobs.parents import Parents
from archsmith.jobs.stopping import Ending
from archsmith.jobs.user_space import UserSpace
from archsmith.search.searcher import Searcher
from archsmith.spaces.decisions import Trace
from archsmith.spaces.proposals import identity_of
from archsmith.storage.facts import Trial


@dataclass(slots=True)
class Record:
    """The trials by number as they stand, and those who learn from them."""

    space: UserSpace
    seed: int
    goals: Goals
    searcher: Searcher
    ending: Ending
    trials: dict[int, Trial] = field(default_factory=dict)
    parents: Parents = field(default_factory=Parents)
    next: int = 0
    """The number of the first trial that was never started."""

    measured: bool = False
    """Whether anything was measured; what goes wrong before that would go wrong with every trial."""

    _architectures: set[Hashable] = field(default_factory=set)

    def ask(self, number: int, pending: Sequence[Trace], place: int | None = None) -> Trace | None:
        """A proposal for the trial of that number; None where the space has nothing left but what is known.

        ``place`` counts the proposals for one trial, where it has several.
        """
        source = f"{self.seed}/{number}" if place is None else f"{self.seed}/{number}/{place}"
        trace = self.searcher.ask(self.space, random.Random(source), pending)
        identity = identity_of(self.space, trace)
        waiting = {identity_of(self.space, other) for other in pending}
        return None if identity in self._architectures or identity in waiting else trace

    def note(self, trial: Trial) -> None:
        """Take notice of how a trial stands; of one that paused or ended everyone is told."""
        trace = Trace.of(trial.trace)
        if trial.number not in self.trials:
            self._architectures.add(self.space.remember(trace, trial.graph))
        self.trials[trial.number] = trial
        self.next = max(self.next, trial.number + 1)
        result = trial.result
        if result is None:
            return
        self.measured = self.measured or result.value is not None
        self.searcher.tell(trace, self.goals.told(result), violation=result.violation)
        if trial.state.is_final:
            self.ending.note(trial.number, result)
            self.parents.note(trial.number, trace, trial.graph, result)
