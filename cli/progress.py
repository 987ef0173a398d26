"""Progress on standard error: a bar on a terminal, a line per trial or finding elsewhere."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from archsmith.jobs.progress import (
    CampaignStarted,
    CaseEnded,
    EpochEnded,
    FindingHit,
    Message,
    StudyStarted,
    TrialEnded,
    TrialStarted,
)
from archsmith.storage.facts import TrialState


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
            case StudyStarted(study=study, resumed=resumed):
                self._epochs = int(study.spec.settings["training"].get("epochs") or 0)
                self._line(f"study {study.id} ({study.name}): {study.spec.trials} trials of {study.spec.task}")
                self._main = self._bars.add_task("trials", total=study.spec.trials, completed=resumed, note="")
            case TrialStarted(trial=trial):
                task = self._bars.add_task(f"  trial {trial.number}", total=self._epochs or None, note="")
                self._trials[trial.number] = task
            case EpochEnded(number=number, epoch=epoch):
                note = "  ".join(f"{k} {v:.4g}" for k, v in epoch.metrics.items() if k != "seconds")
                self._bars.update(self._trials[number], completed=epoch.number, note=note)
            case TrialEnded():
                self._trial_ended(message)
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
        self._bars.remove_task(self._trials.pop(ended.number))
        result = ended.result
        if result.state is not TrialState.COMPLETE:
            self._failed += 1
            self._line(f"trial {ended.number} {result.state.value}: {result.reason}")
        elif not self._console.is_terminal:
            again = f" (same as trial {result.reused_from})" if result.reused_from is not None else ""
            self._line(f"trial {ended.number} {result.value:.4f}{again}")
        note = f"best {ended.best[1]:.4f} (trial {ended.best[0]})" if ended.best else ""
        if self._main is not None:
            self._bars.update(self._main, advance=1, note=note + (f", {self._failed} failed" if self._failed else ""))

    def _advance(self, done: int, note: str) -> None:
        if self._main is not None:
            self._bars.update(self._main, completed=done, note=note)

    def _line(self, text: str) -> None:
        self._bars.console.print(Text(text), soft_wrap=True)
