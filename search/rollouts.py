"""How a simulation answers what the tree does not know, and which simulation is worth a trial.

Uniform answers below a small tree wash out what the tree has learned: after a hundred trials it knows a handful of
decisions. Guided rollouts follow one of the best trials and change a few of its answers; a linear estimate over
answers and pairs of answers, learned from all trials, says which of several simulations is worth most.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import exp
from random import Random
from typing import Any

import numpy as np

from archsmith.search.ridge import ridge
from archsmith.spaces.decisions import Decision, Label, Trace

Array = np.ndarray[Any, Any]

REACH = 12
"""Answers at most so many places apart are taken as pairs: what a trial costs grows with its length, not its square."""

RATE = 0.3
"""Of a trial's error, this much is taken away by one lesson."""

REPLAYS = 24
"""Lessons of earlier trials for every new one."""

TEMPERATURE = 0.1
"""Of the softmax over average rewards: an answer whose average is 0.1 better is e times as likely."""

ONE = 1 << 32
"""Numbers of answers are below it: a pair has the number of its first answer times this, plus that of its second."""

UNSEEN = 0
"""The place of all answers and pairs that no trial gave."""


@dataclass(slots=True)
class Experience:
    """What was learned of single answers and of pairs, wherever in the tree they were given.

    The estimate of a trace is a sum of weights. A refresh finds them by ridge regression on all trials; those added
    since are learned like the value function of temporal-difference search (Silver et al. 2012), by normalised gradient
    steps over the newest one and a few older ones. Averages are those of move-average sampling (Finnsson
    & Bjornsson 2008).
    """

    numbers: dict[Hashable, int] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)
    known: list[tuple[Array, int]] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    total: float = 0.0
    weights: Array = field(default_factory=lambda: np.zeros(256))
    counts: Array = field(default_factory=lambda: np.zeros(256))
    totals: Array = field(default_factory=lambda: np.zeros(256))

    def meet(self, trace: Trace) -> None:
        """Add a trial, as yet without a reward."""
        for answer in trace.answers:
            self.numbers.setdefault(answer, len(self.numbers) + 1)
        keys = self._keys(trace)
        places = np.array([self.places.setdefault(key, len(self.places) + 1) for key in keys], dtype=np.intp)
        if len(self.places) >= len(self.weights):
            more = np.zeros(len(self.places) + 1)
            self.weights, self.counts, self.totals = (
                np.concatenate([old, more]) for old in (self.weights, self.counts, self.totals)
            )
        self.known.append((places, len(trace)))
        self.counts[places] += 1

    def learn(self, reward: float) -> None:
        """That of the first trial that has none, by gradient steps."""
        self._note(reward)
        self._learn(len(self.rewards) - 1)

    def refresh(self, rewards: Sequence[float]) -> None:
        """Learn anew of the first trials, all at once; those after them have no rewards any more."""
        self.rewards, self.total = [], 0.0
        self.totals[:] = 0.0
        for reward in rewards:
            self._note(reward)
        self._fit()

    def _note(self, reward: float) -> None:
        self.totals[self.known[len(self.rewards)][0]] += reward
        self.rewards.append(reward)
        self.total += reward

    def _fit(self) -> None:
        """The weights of a ridge regression on all trials that have rewards: answers and pairs weigh as much in all."""
        count = len(self.rewards)
        self.weights[:] = 0.0
        if not count:
            return
        traits = [places for places, _ in self.known[:count]]
        single = np.concatenate([places[:answers] for places, answers in self.known[:count]])
        prior = np.full(len(self.weights), count / max(1, sum(map(len, traits)) - len(single)))
        prior[single] = count / max(1, len(single))
        self.weights[:] = ridge(traits, prior, np.array(self.rewards) - self.total / count)

    def likely(self, decision: Decision, options: Sequence[Label]) -> dict[Label, float]:
        """A softmax over the average rewards of the trials that gave each answer."""
        averages = [self._average(decision.name, option) for option in options]
        top = max(averages)
        return {o: exp((average - top) / TEMPERATURE) for o, average in zip(options, averages, strict=True)}

    def worth(self, trace: Trace, curiosity: float, flying: Mapping[int, int]) -> float:
        """The estimate, and up to ``curiosity`` more where its answers were seldom seen together, in flight or told."""
        keys = self._keys(trace)
        if not keys:
            return 0.0
        places = [self.places.get(key, UNSEEN) for key in keys]
        counts = self.counts[places]
        if flying:
            counts += [flying.get(key, 0) for key in keys]
        return float(self.weights[places].sum() + curiosity * (1 / np.sqrt(counts + 1)).mean())

    def seen_in(self, traces: Iterable[Trace]) -> Mapping[int, int]:
        """How often traces hold the known answers and pairs of answers."""
        return Counter(chain.from_iterable(map(self._keys, traces)))

    def _average(self, name: str, option: Label) -> float:
        """As if the answer had also been given once with a reward a little below the average of all."""
        place = self.places.get(ONE * self.numbers.get((name, option), 0), UNSEEN)
        return float((self.totals[place] + 0.25) / (self.counts[place] + 1))

    def _keys(self, trace: Trace) -> list[int]:
        """The answers of a trace by number, then its pairs; those of answers that are not known are of none."""
        numbers = [self.numbers.get(answer, 0) for answer in trace.answers]
        pairs = [
            ONE * one + other for place, one in enumerate(numbers, start=1) for other in numbers[place : place + REACH]
        ]
        return [*(ONE * number for number in numbers), *pairs]

    def _learn(self, place: int) -> None:
        """A lesson of that trial, and of some others; which ones, its number says."""
        rng, count = Random(place), place + 1
        mean = self.total / count
        for index in chain((place,), (int(rng.random() * count) for _ in range(min(REPLAYS, 2 * count - 2)))):
            places, answers = self.known[index]
            if answers:
                weights = self.weights[places]
                step = RATE * (self.rewards[index] - mean - weights.sum()) / 2
                weights[:answers] += step / answers
                weights[answers:] += step / max(1, len(places) - answers)
                self.weights[places] = weights


@dataclass(frozen=True, slots=True)
class Guide:
    """Follows one of the best trials: keeps each of its answers but with probability ``change``, and one never."""

    answers: Mapping[str, Label]
    change: float
    changed: str | None

    def keeps(self, decision: Decision, options: Sequence[Label]) -> float:
        """How likely the trial's own answer is kept."""
        if self.answers.get(decision.name) not in options:
            return 0.0
        return 0.0 if decision.name == self.changed else 1 - self.change

    def chances(self, decision: Decision, likely: Mapping[Label, float]) -> dict[Label, float]:
        """How likely each option is: the trial's own, or any other in the proportion of ``likely``."""
        kept, given = self.keeps(decision, tuple(likely)), self.answers.get(decision.name)
        others = sum(share for option, share in likely.items() if option != given)
        if others <= 0:
            return dict(likely)
        return {o: kept if o == given else (1 - kept) * share / others for o, share in likely.items()}


def guide_by(trials: Sequence[Trace], changes: float, rng: Random) -> Guide:
    """A guide that follows one of the trials, the best first, and changes about ``changes`` + 1 of its answers."""
    answers = trials[int(len(trials) * rng.random() ** 1.5)].as_dict()
    changed = rng.choice(sorted(answers)) if answers else None
    return Guide(answers, min(1.0, changes / max(1, len(answers))), changed)
