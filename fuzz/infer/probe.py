"""Asking PyTorch: where a signature was tried so far, and what came of it.

PyTorch itself is the cheapest oracle there is about PyTorch: some thousand calls a second. All learning goes through
a ``Probe``, which asks nothing twice and keeps to sizes that are small enough for calls to stay cheap.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Protocol

from archsmith.fuzz.call import Lost, Point, Refused, Returned, Verdict
from archsmith.fuzz.fills import CANNOT_BE_MADE
from archsmith.fuzz.infer.results import Form, form_of
from archsmith.graph.signature import Signature

Values = tuple[int, ...]
"""Values of a signature's symbols, in their order."""


class Ask(Protocol):
    """Runs calls of one signature, their tensors filled as said, and tells what came of each."""

    def __call__(self, signature: Signature, points: Sequence[Point], fill: str) -> Sequence[Verdict]: ...


@dataclass(slots=True)
class Counted:
    """An ``Ask`` that counts the calls that it passes on."""

    ask: Ask
    calls: int = 0

    def __call__(self, signature: Signature, points: Sequence[Point], fill: str) -> Sequence[Verdict]:
        self.calls += len(points)
        return self.ask(signature, points, fill)


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is asked and tried for one operator, in calls: never in seconds, so that results can be repeated.

    ``signatures`` bounds the recorded signatures of an operator that are learned, ``found`` those besides that are one
    step away from them or parts of them; ``first`` are the calls
    after which a rule is tried for the first time, besides ``each`` for every symbol; ``calls`` the most for one
    signature, ``rounds`` how often a rule is mended, ``fresh`` the size of the sample that measures it. After so many
    ``failures`` an operator is given up: what could not be learned eight times takes longest and comes to nothing.
    """

    signatures: int = 96
    found: int = 16
    first: int = 80
    each: int = 20
    calls: int = 900
    rounds: int = 8
    fresh: int = 64
    failures: int = 8


DEFAULT = Effort()

CAP = 24
"""The greatest value that a symbol is moved to; recorded ones may be greater."""

ELEMENTS = 1 << 10
"""The most elements of a tensor in a call that is asked for the learner's sake: some results have their square."""


@dataclass(slots=True)
class Probe:
    """One signature under one fill, with the reals and dtypes held: what was asked, and what came of it.

    Only calls whose results have the form ``wanted`` count as valid, once that is known; those that run with another
    form count as refused; lost ones, and those whose tensors cannot be made, count as neither. ``valid`` and
    ``refused`` are in the order of asking.
    """

    ask: Ask
    signature: Signature
    fill: str
    reals: tuple[float, ...]
    dtypes: tuple[str, ...]
    wanted: Form | None = None
    seen: dict[Values, Verdict] = field(default_factory=dict)
    valid: dict[Values, Returned] = field(default_factory=dict)
    refused: dict[Values, Verdict] = field(default_factory=dict)

    def point(self, values: Values) -> Point:
        return Point(values, self.reals, self.dtypes)

    def see(self, points: Iterable[Values]) -> list[Values]:
        """Ask about those that are new, and return them."""
        new = [values for values in dict.fromkeys(points) if values not in self.seen]
        if new:
            verdicts = self.ask(self.signature, [self.point(values) for values in new], self.fill)
            for values, verdict in zip(new, verdicts, strict=True):
                self._note(values, verdict)
        return new

    def _note(self, values: Values, verdict: Verdict) -> None:
        self.seen[values] = verdict
        if isinstance(verdict, Returned) and self.wanted in (None, form_of(verdict)):
            self.valid[values] = verdict
        elif not (isinstance(verdict, Lost) or (isinstance(verdict, Refused) and verdict.kind == CANNOT_BE_MADE)):
            self.refused[values] = verdict

    def wanting(self, form: Form) -> "Probe":
        """The same calls, of which only those with results of this form count as valid."""
        narrowed = replace(self, wanted=form, seen={}, valid={}, refused={})
        for values, verdict in self.seen.items():
            narrowed._note(values, verdict)
        return narrowed

    @property
    def lost(self) -> int:
        return len(self.seen) - len(self.valid) - len(self.refused)


def spans(signature: Signature) -> Iterator[tuple[int, int, bool]]:
    """Where each tensor's sizes start among the symbols, its rank, and whether two extremes follow."""
    start = 0
    for tensor in signature.tensors:
        yield start, tensor.rank, tensor.valued
        start += len(tensor.sizes) + len(tensor.extremes)


def settled(signature: Signature, values: Sequence[int], *, most: int) -> Values | None:
    """The values with extremes that a tensor of those sizes can have; None if a call would be improper or dear.

    An empty tensor has extremes 0, a tensor of one element equal ones.
    """
    after = list(values)
    end = 0
    for start, rank, valued in spans(signature):
        sizes = after[start : start + rank]
        end = start + rank + (2 if valued else 0)
        if any(not 0 <= size <= most for size in sizes) or prod(sizes) > ELEMENTS:
            return None
        if valued:
            low, high = after[start + rank : end]
            count = prod(sizes)
            low, high = (0, 0) if count == 0 else (low, low if count == 1 else high)
            if low > high or max(abs(low), abs(high)) > most:
                return None
            after[start + rank : end] = [low, high]
    if any(not 0 <= number <= most for number in after[end:]):
        return None
    return tuple(after)
