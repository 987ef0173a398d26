"""What a sandbox sends home: one of five outcomes for every job, whatever the job did to its process."""

import signal as signals
from dataclasses import asdict, dataclass
from typing import TypeAlias

from archsmith.graph.errors import UserError
from archsmith.runtime.job import Json


@dataclass(frozen=True, slots=True)
class Returned:
    """The job returned this JSON value."""

    value: Json


@dataclass(frozen=True, slots=True)
class Raised:
    """The job raised; `type` is the qualified class name ("ValueError", "torch._dynamo.exc.Unsupported")."""

    type: str
    message: str
    traceback: str
    output: str = ""
    """The last 4 kB or so of what the job printed."""


@dataclass(frozen=True, slots=True)
class Crashed:
    """The worker died of `signal`, or left with `exit_code`; both None if what it sent could not be read."""

    signal: int | None
    exit_code: int | None
    output: str = ""
    """The last 4 kB or so of what the job printed; for a fatal signal it ends with the Python stack."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The job was still running after its `seconds` and was killed."""

    seconds: float


@dataclass(frozen=True, slots=True)
class OutOfMemory:
    """The job passed its `limit` in bytes (None: it had none and the machine or the device had no more)."""

    limit: int | None
    message: str


Outcome: TypeAlias = Returned | Raised | Crashed | TimedOut | OutOfMemory

_KINDS: dict[str, type[Outcome]] = {
    "returned": Returned,
    "raised": Raised,
    "crashed": Crashed,
    "timed_out": TimedOut,
    "out_of_memory": OutOfMemory,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def to_json(outcome: Outcome) -> dict[str, Json]:
    """The fields of the outcome, with its kind under "outcome"."""
    if isinstance(outcome, Returned):  # asdict would copy a value of megabytes
        return {"outcome": "returned", "value": outcome.value}
    return {"outcome": _NAMES[type(outcome)], **asdict(outcome)}


def from_json(data: Json) -> Outcome:
    """The inverse of `to_json`; raises UserError for anything else."""
    try:
        fields = dict(data)
        return _KINDS[fields.pop("outcome")](**fields)
    except (KeyError, TypeError, ValueError) as error:
        kinds = ", ".join(_KINDS)
        raise UserError(f"not an outcome (one of {kinds}, with its fields): {data!r:.200}") from error


def reason(outcome: Outcome) -> str:
    """One plain line for people, such as "killed by SIGSEGV" or "ran longer than 30 s"."""
    match outcome:
        case Returned():
            return "returned"
        case Raised(type=kind, message=message):
            first = message.strip().partition("\n")[0]
            return f"raised {kind}: {first}" if first else f"raised {kind}"
        case Crashed(signal=int(number)):
            return f"killed by {signal_name(number)}"
        case Crashed(exit_code=int(code)):
            return f"left with exit code {code}"
        case Crashed():
            return "sent something that could not be read"
        case TimedOut(seconds=seconds):
            return f"ran longer than {seconds:g} s"
        case OutOfMemory(limit=None):
            return "ran out of memory"
        case OutOfMemory(limit=int(limit)):
            return f"needed more than {limit / 2**20:,.0f} MiB of memory"
    raise TypeError(f"not an outcome: {outcome!r}")


def signal_name(number: int) -> str:
    """ "SIGSEGV" for 11; "signal 40" where the number has no name."""
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"signal {number}"
