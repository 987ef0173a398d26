"""Calls tried in a sandbox: whatever a call does to its process, it gets its verdict, and so do all others."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from archsmith.fuzz.call import Call, Lost, Point, Returned, Verdict
from archsmith.fuzz.fills import FILLS
from archsmith.fuzz.packing import Packed, packed_call, packed_point, packed_signature, unpacked_verdict
from archsmith.graph.errors import UserError
from archsmith.graph.signature import Signature
from archsmith.runtime import outcome as outcomes
from archsmith.runtime.job import Job
from archsmith.runtime.pool import Done, Pool, Report

PRELOAD = ("torch", "archsmith.fuzz.trial_job")
"""Modules to import before workers are forked."""

FUNCTION = "archsmith.fuzz.trial_job:perform_batch"

_BATCH = 4096
_STEP = 64
_WHOLE_BATCH = 3600.0


@dataclass(frozen=True, slots=True)
class _Order:
    """Calls to be tried: of one signature, by their points, or each written out."""

    items: Sequence[Packed]
    head: dict[str, Packed]

    def payload(self, start: int, stop: int, step: int) -> Packed:
        return {**self.head, "items": self.items[start:stop], "step": step}


class Trials:
    """Performs calls in one child process, which is replaced when a call kills it or exceeds a limit.

    ``seconds`` is the longest that one call may take, ``memory`` the bytes that a batch of calls may hold at once. The
    call that crashed, hung or used up the memory is found by running again, one by one, what was unanswered when its
    process was lost. To be used from one thread only.
    """

    def __init__(self, *, seconds: float = 5.0, memory: int = 1 << 31) -> None:
        self._pool = Pool(1, preload=PRELOAD)
        self._seconds = seconds
        self._memory = memory

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the child process."""
        self._pool.close()

    def run(self, calls: Sequence[Call], fill: str = "normal", *, seed: int = 0) -> list[Verdict]:
        """What comes of each call, in their order; ``fill`` and ``seed`` as for ``perform``.

        Raises:
            UserError: there is no such operator, or no such fill.
        """
        return self._tried(_Order([packed_call(call) for call in calls], {"fill": fill, "seed": seed}))

    def run_points(
        self, signature: Signature, points: Sequence[Point], fill: str = "normal", *, seed: int = 0
    ) -> list[Verdict]:
        """What comes of the signature's calls with these numbers and dtypes, in their order.

        Raises:
            UserError: there is no such operator, or no such fill.
        """
        head = {"fill": fill, "seed": seed, "signature": packed_signature(signature)}
        return self._tried(_Order([packed_point(point) for point in points], head))

    def working_fill(self, call: Call) -> str | None:
        """The first of ``FILLS`` with which the call returns; None if it does with none."""
        return next((fill for fill in FILLS if isinstance(self.run([call], fill)[0], Returned)), None)

    def _tried(self, order: _Order) -> list[Verdict]:
        verdicts: list[Verdict] = []
        total = len(order.items)
        while (start := len(verdicts)) < total:
            found, loss = self._batch(order, start, min(start + _BATCH, total), _STEP)
            verdicts += found
            if loss is not None:
                verdicts += self._one_by_one(order, len(verdicts), min(len(verdicts) + _STEP, total))
        return verdicts

    def _one_by_one(self, order: _Order, start: int, stop: int) -> list[Verdict]:
        verdicts: list[Verdict] = []
        while start + len(verdicts) < stop:
            found, loss = self._batch(order, start + len(verdicts), stop, 1)
            verdicts += found
            if loss is not None:
                verdicts.append(loss)
        return verdicts

    def _batch(self, order: _Order, start: int, stop: int, step: int) -> tuple[list[Verdict], Lost | None]:
        """The verdicts that came, and how the process was lost if it was; it fell silent at the call after them."""
        job = Job(FUNCTION, order.payload(start, stop, step), _WHOLE_BATCH, self._memory)
        self._pool.submit(start, job)
        try:
            packed, outcome = self._heard(start)
        except BaseException:
            self._pool.cancel(start)
            raise
        return [unpacked_verdict(verdict) for verdict in packed], _loss(outcome)

    def _heard(self, key: int) -> tuple[list[Packed], outcomes.Outcome]:
        """What the batch reports until it ends, or is silent for longer than a call may take, and is ended."""
        packed: list[Packed] = []
        began = False
        while True:
            events = self._pool.wait(self._seconds if began else None)
            for event in events:
                match event:
                    case Report(message=message):
                        # a batch whose process was lost before it began begins anew
                        packed = packed + message if message else []
                        began = True
                    case Done(outcome=outcomes.Returned(value=rest) as outcome):
                        return packed + rest, outcome
                    case Done(outcome=outcome):
                        return packed, outcome
            if began and not events:
                self._pool.cancel(key)
                return packed, outcomes.TimedOut(self._seconds)


def _loss(outcome: outcomes.Outcome) -> Lost | None:
    """How a call ended its process; None where none did.

    Raises:
        UserError: the batch was none that could be run.
    """
    match outcome:
        case outcomes.Returned():
            return None
        case outcomes.Raised(type="archsmith.graph.errors.UserError", message=message):
            raise UserError(message)
        case outcomes.Raised(type=kind):
            return Lost(f"broke its process, {kind}")
        case outcomes.Crashed(signal=int(number)):
            return Lost(f"crashed {outcomes.signal_name(number)}")
        case outcomes.Crashed(exit_code=code):
            return Lost("crashed" if code is None else f"left with exit code {code}")
        case outcomes.TimedOut():
            return Lost("timed out")
        case outcomes.OutOfMemory():
            return Lost("out of memory")
