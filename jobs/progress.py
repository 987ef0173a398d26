"""What a running job tells whoever listens: facts, for a progress bar or a log, never needed for the result."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from archsmith.storage.facts import Campaign, Epoch, Finding, Progress, Study, Trial, TrialResult


@dataclass(frozen=True, slots=True)
class StudyStarted:
    """``resumed`` trials were finished in earlier sittings."""

    study: Study
    resumed: int


@dataclass(frozen=True, slots=True)
class TrialStarted:
    trial: Trial


@dataclass(frozen=True, slots=True)
class EpochEnded:
    number: int
    epoch: Epoch


@dataclass(frozen=True, slots=True)
class TrialPaused:
    """A trial has reached a rung, and waits there to be promoted."""

    number: int
    result: TrialResult


@dataclass(frozen=True, slots=True)
class TrialPromoted:
    """A trial that waited at a rung is trained further."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """``best`` is the number and value of the study's best trial so far, this one included.

    ``front`` is how many of its trials no other one beats.
    """

    number: int
    result: TrialResult
    best: tuple[int, float] | None
    front: int = 0


@dataclass(frozen=True, slots=True)
class StudyEnded:
    """Nothing more is to be run, for this ``reason``."""

    reason: str


@dataclass(frozen=True, slots=True)
class CampaignStarted:
    campaign: Campaign


@dataclass(frozen=True, slots=True)
class CaseEnded:
    """One case has been judged; ``progress`` is the campaign's so far, ``seconds`` what each stage of the case took."""

    number: int
    progress: Progress
    seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class FindingHit:
    """A failure was recorded; ``new`` if its bucket was not known yet."""

    finding: Finding
    new: bool


@dataclass(frozen=True, slots=True)
class CollectionStarted:
    """Calls are being recorded from these sources."""

    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallsCollected:
    """So many steps of so many of a source are done; ``records`` were seen, ``new`` of them for the first time."""

    source: str
    done: int
    total: int
    records: int
    new: int


@dataclass(frozen=True, slots=True)
class InferenceStarted:
    """Rules of so many operators of this version of PyTorch are being inferred."""

    torch: str
    operators: int


@dataclass(frozen=True, slots=True)
class OperatorInferred:
    """An operator has its rules, the ``done``-th of all; ``unlearned`` of its signatures have none."""

    operator: str
    done: int
    rules: int
    unlearned: int


Message = (
    StudyStarted
    | TrialStarted
    | EpochEnded
    | TrialPaused
    | TrialPromoted
    | TrialEnded
    | StudyEnded
    | CampaignStarted
    | CaseEnded
    | FindingHit
    | CollectionStarted
    | CallsCollected
    | InferenceStarted
    | OperatorInferred
)
Listener = Callable[[Message], None]


def ignore(message: Message) -> None:
    """The listener of those who do not want to hear."""
