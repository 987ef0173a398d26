"""Progress on standard error: a bar on a terminal, a line per trial or finding elsewhere."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from archsmith.cli.studies import without_decimals
from archsmith.jobs.progress import (
    CampaignStarted,
    CaseEnded,
    EpochEnded,
    FindingHit,
    Message,
    StudyEnded,
    StudyStarted,
    TrialEnded,
    TrialPaused,
    TrialPromoted,
    TrialStarted,
)
from archsmith.storage.facts import TrialResult


class LiveProgress:
    """A listener of jobs; a context manager that leaves the terminal as it found it."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._main: TaskID | None = None
        self._trials: dict[int, TaskID] = {}
        self._epochs = 0
        self._names: list[str] = []
        self._failed = 0
        self._found = 0
        self._by_time = False

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def __call__(self, message: Message) -> None:
        match message:
            case CampaignStarted() | CaseEnded() | FindingHit():
                self._fuzzing(message)
            case StudyStarted(study=study, resumed=resumed):
                self._epochs = int(study.spec.settings["training"].get("epochs") or 0)
                self._names = [one.name for one in study.spec.objectives]
                self._line(f"study {study.id} ({study.name}): {study.spec.trials} trials of {study.spec.task}")
                self._main = self._bars.add_task("trials", total=study.spec.trials, completed=resumed, note="")
            case TrialStarted(trial=trial) | TrialPromoted(trial=trial):
                total = trial.until or self._epochs or None
                task = self._bars.add_task(f"  trial {trial.number}", total=total, completed=trial.reached, note="")
                self._trials[trial.number] = task
            case EpochEnded(number=number, epoch=epoch):
                note = "  ".join(f"{k} {v:.4g}" for k, v in epoch.metrics.items() if k != "seconds")
                self._bars.update(self._trials[number], completed=epoch.number, note=note)
            case TrialPaused(number=number):
                self._bars.remove_task(self._trials.pop(number))
            case TrialEnded():
                self._trial_ended(message)
            case StudyEnded():
                pass  # who listens prints the study's end, with its reason

    def _fuzzing(self, message: CampaignStarted | CaseEnded | FindingHit) -> None:
        match message:
            case CampaignStarted(campaign=campaign):
                self._line(f"campaign {campaign.id} ({campaign.name}): {', '.join(campaign.spec.oracles)}")
                minutes = campaign.spec.minutes
                total = campaign.spec.cases if campaign.spec.cases or not minutes else round(minutes * 60)
                self._by_time = campaign.spec.cases is None and minutes is not None
                self._main = self._bars.add_task("seconds" if self._by_time else "cases", total=total, note="")
            case CaseEnded(progress=progress):
                done = round(progress.seconds) if self._by_time else progress.counters["cases"]
                rate = progress.counters["cases"] / max(progress.seconds, 1e-9)
                note = f"{progress.counters['cases']} cases ({rate:.1f}/s), {self._found} findings"
                self._advance(done, note)
            case FindingHit(finding=finding, new=True):
                self._found += 1
                self._line(f"finding {finding.id}: {finding.content.summary}")
            case FindingHit():
                pass

    def _trial_ended(self, ended: TrialEnded) -> None:
        task = self._trials.pop(ended.number, None)  # one that waited at a rung has none
        if task is not None:
            self._bars.remove_task(task)
        result = ended.result
        if result.state.is_failure:
            self._failed += 1
            self._line(f"trial {ended.number} {result.state.value}: {result.reason}")
        elif not self._console.is_terminal:
            self._line(f"trial {ended.number} {self._told(result)}")
        note = f"best {_short(ended.best[1], self._names[0])} (trial {ended.best[0]})" if ended.best else ""
        if len(self._names) > 1:
            note += f", front of {ended.front}"
        if self._main is not None:
            self._bars.update(self._main, advance=1, note=note + (f", {self._failed} failed" if self._failed else ""))

    def _told(self, result: TrialResult) -> str:
        """The values of a trial, each with its name where there are several."""
        if len(self._names) > 1:
            values = "  ".join(f"{n} {_short(v, n)}" for n, v in zip(self._names, result.values, strict=False))
        else:
            values = _short(result.value, self._names[0]) if result.value is not None else ""
        remarks = [f"same as trial {result.reused_from}"] if result.reused_from is not None else []
        remarks += [result.reason] if result.reason is not None else []
        remarks += ["breaks constraints"] if result.violation else []
        return values + (f" ({', '.join(remarks)})" if remarks else "")

    def _advance(self, done: int, note: str) -> None:
        if self._main is not None:
            self._bars.update(self._main, completed=done, note=note)

    def _line(self, text: str) -> None:
        self._bars.console.print(Text(text), soft_wrap=True)


def _short(value: float, name: str) -> str:
    return without_decimals(value, name) or (f"{value:.4f}" if abs(value) < 1e4 else f"{value:.6g}")
