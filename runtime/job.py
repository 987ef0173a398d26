"""What a sandbox is asked to do: a function by name, its input as JSON, and its limits."""

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

from archsmith.graph.errors import UserError

Json: TypeAlias = Any
"""What Python's `json` writes: None, bool, int, float (NaN and infinities too), str, lists, dicts by str."""


@dataclass(frozen=True, slots=True)
class Job:
    """One call in a child process: the function is imported there and called as `function(payload, report)`.

    `function` is "module:name"; `report(message)` streams JSON home while the call runs; it returns JSON.
    `seconds` is wall-clock time from the moment the worker begins; `memory` is how many bytes the job may use
    beyond what the worker held when it began, its child processes included (None: no limit).
    """

    function: str
    payload: Json
    seconds: float
    memory: int | None = None

    def __post_init__(self) -> None:
        module, colon, name = self.function.partition(":")
        if not (module and colon and name):
            raise UserError(f"a job's function is written 'module:name', got {self.function!r}")
        if math.isnan(self.seconds) or self.seconds <= 0:
            raise UserError(f"a job needs a time limit above 0 seconds, got {self.seconds!r}")
        if self.memory is not None and self.memory <= 0:
            raise UserError(f"a job's memory limit is None or a number of bytes above 0, got {self.memory!r}")
