"""Progress of collecting calls and inferring rules, on standard error: a bar on a terminal, a line a step elsewhere."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from archsmith.jobs.progress import CallsCollected, CollectionStarted, InferenceStarted, Message, OperatorInferred

EVERY = 100
"""Steps between two lines where there is no terminal to draw a bar on."""


class RuleProgress:
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
        self._tasks: dict[str, TaskID] = {}
        self._rules = 0
        self._total = 0

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def __call__(self, message: Message) -> None:
        match message:
            case CollectionStarted(sources):
                self._line(f"recording calls from {', '.join(sources)}")
            case CallsCollected(source, done, total, records, new):
                self._advance(source, done, total, f"{records} calls, {new} new")
            case InferenceStarted(torch, operators):
                self._total = operators
                self._line(f"inferring rules of {operators} operators of torch {torch}")
            case OperatorInferred(operator, done, rules, _):
                self._rules += rules
                self._advance("operators", done, self._total, f"{self._rules} rules; {operator}")

    def _advance(self, name: str, done: int, total: int, note: str) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total, note="")
        self._bars.update(self._tasks[name], completed=done, total=total, note=note)
        if not self._console.is_terminal and (done % EVERY == 0 or done == total):
            self._line(f"{name} {done}/{total}: {note}")

    def _line(self, text: str) -> None:
        self._bars.console.print(Text(text), soft_wrap=True)
