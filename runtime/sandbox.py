"""One job at a time in a child process that may crash, hang or run out of memory without harm to others."""

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from archsmith.runtime.job import Job, Json
from archsmith.runtime.outcome import Outcome
from archsmith.runtime.pool import Done, Pool


class Sandbox:
    """A pool of one worker; `preload`, `threads` and `environment` are those of `Pool`."""

    def __init__(
        self,
        *,
        preload: Sequence[str] = ("torch",),
        threads: int = 1,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._pool = Pool(1, preload=preload, threads=threads, environment=environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, job: Job, on_report: Callable[[Json], None] = lambda message: None) -> Outcome:
        """Runs the job to its end; an exception meanwhile, as from `on_report` or Ctrl-C, kills the job."""
        self._pool.submit(0, job)
        try:
            while True:
                for event in self._pool.wait():
                    if isinstance(event, Done):
                        return event.outcome
                    on_report(event.message)
        except BaseException:
            self._pool.cancel(0)
            raise

    def close(self) -> None:
        """Ends the worker; a sandbox that was never used has none."""
        self._pool.close()
