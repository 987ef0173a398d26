"""Screening: of several candidates of the searcher, the one that a zero-cost proxy likes best becomes the trial."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any

from archsmith.evaluate.proxies import LATENCY, METRICS, PROXIES
from archsmith.graph.errors import UserError
from archsmith.runtime.outcome import Outcome, Returned
from archsmith.spaces.decisions import Trace


@dataclass(frozen=True, slots=True)
class Screen:
    """Which proxy judges how many candidates."""

    proxy: str
    candidates: int

    @staticmethod
    def parse(text: str) -> "Screen":
        """``PROXY:K`` (``UserError`` for anything else)."""
        proxy, _, count = text.partition(":")
        if not count.isdecimal() or int(count) < 2:
            raise UserError(f"screening is PROXY:K, with K candidates, at least 2; got {text!r}")
        if proxy not in METRICS:
            raise UserError(f"screening is by one of {', '.join(METRICS)}; got {proxy}")
        return Screen(proxy, int(count))

    @property
    def sign(self) -> int:
        """-1 for what a network costs, of which less is better; 1 for every other proxy."""
        return -1 if self.proxy == LATENCY or PROXIES[self.proxy].cost else 1

    @staticmethod
    def of(settings: Mapping[str, Any]) -> "Screen | None":
        """That of a study's settings, if there is one."""
        return Screen(**settings["screen"]) if "screen" in settings else None


@dataclass(slots=True)
class Screening:
    """The candidates for the trial of that number, of which so many were ``sent`` to workers."""

    number: int
    bracket: int | None
    until: int | None
    traces: list[Trace]
    sent: int = 0
    _merits: dict[int, float] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether there are candidates that were not sent."""
        return self.sent < len(self.traces)

    def send(self) -> tuple[int, Trace]:
        """The next candidate and its place."""
        self.sent += 1
        return self.sent - 1, self.traces[self.sent - 1]

    def note(self, place: int, outcome: Outcome, screen: Screen) -> None:
        """Take notice of what came of a candidate; one that could not be measured is the last choice."""
        metrics = outcome.value.get("metrics", {}) if isinstance(outcome, Returned) else {}
        found = metrics.get(screen.proxy)
        self._merits[place] = screen.sign * float(found) if found is not None and isfinite(found) else -inf

    @property
    def best(self) -> Trace | None:
        """The candidate to take, of equals the first; None until all are measured."""
        if len(self._merits) < len(self.traces):
            return None
        return self.traces[max(range(len(self.traces)), key=lambda place: (self._merits[place], -place))]
