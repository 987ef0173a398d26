"""A space answered by a trial of Optuna, or of whatever else suggests values by name; nothing of it is imported here.

Optuna knows a parameter by its name and wants one meaning of it in a whole study, while the options of a decision may
differ from walk to walk. So whole numbers in equal steps are parameters of the decision's own name, whose value is
the answer and whose range may change; everything else carries its options in its name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from operator import eq
from typing import Protocol

from archsmith.spaces.decisions import Decision, Derivation, Label, Prefix, Space
from archsmith.spaces.sampling import feasible

LONGEST = 100
"""Characters of options that a parameter's name spells out; of more it has a digest. Optuna's tables take 512."""


class Trial(Protocol):
    """What suggests a value for a parameter, and the same one again within a trial: ``optuna.Trial`` does."""

    def suggest_categorical(self, name: str, choices: Sequence[Label]) -> Label | None: ...

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1) -> int: ...


def suggest(space: Space, trial: Trial) -> Derivation:
    """The valid architecture that the trial's suggestions lead to; weights are ignored.

    A suggestion that leads to a dead end is taken back, and the decision is suggested again without that option, as a
    parameter that is named by the options left. The parameters of a trial always lead to the same architecture.

    Raises:
        UserError: no architecture of the space is valid.
    """
    return feasible(space, _Suggested(trial).answer)


@dataclass(frozen=True, slots=True)
class _Suggested:
    """Answers by a trial; ``steps`` are the numbers that it was asked for by their decision's own name."""

    trial: Trial
    steps: dict[str, range] = field(default_factory=dict)

    def answer(self, decision: Decision, prefix: Prefix) -> Label:
        name, options = decision.name, decision.options
        numbers = _equal_steps(options) if decision.ordered else None
        if numbers is not None and self.steps.setdefault(name, numbers) == numbers:
            return self.trial.suggest_int(name, numbers[0], numbers[-1], step=numbers.step)
        if decision.ordered:
            return options[self.trial.suggest_int(f"{name} index in {_spelt(options)}", 0, len(options) - 1)]
        return options[options.index(self.trial.suggest_categorical(f"{name} in {_spelt(options)}", options))]


def _equal_steps(options: tuple[Label, ...]) -> range | None:
    """The options as a range, from the least, if they are whole numbers in equal steps."""
    numbers = sorted(option for option in options if isinstance(option, int) and not isinstance(option, bool))
    if len(numbers) < len(options):
        return None
    steps = range(numbers[0], numbers[-1] + 1, numbers[1] - numbers[0])
    # Compared one by one: the range between numbers that are far apart may be longer than memory.
    return (
        steps if numbers[-1] == steps.start + steps.step * (len(numbers) - 1) and all(map(eq, steps, numbers)) else None
    )


def _spelt(options: tuple[Label, ...]) -> str:
    text = repr(list(options))
    return text if len(text) <= LONGEST else f"[{blake2b(text.encode(), digest_size=8).hexdigest()}]"
