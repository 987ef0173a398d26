"""The jobs that a study sends to its workers, and the files that they leave behind."""

import os
import random
from dataclasses import dataclass
from typing import Any

from archsmith.graph.graph import Graph, Scalar
from archsmith.graph.text import to_json
from archsmith.jobs.artifacts import Artifacts
from archsmith.jobs.limits import Limits
from archsmith.jobs.objectives import Goals
from archsmith.jobs.screening import Screen
from archsmith.runtime.job import Job
from archsmith.runtime.outcome import Outcome, Returned
from archsmith.storage.facts import Study, Trial

ENTRY = "archsmith.evaluate.entry:measure"


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker is told of a trial; see ``archsmith.evaluate.entry.measure`` for the payload."""

    study: Study
    goals: Goals
    artifacts: Artifacts
    limits: Limits

    def trial(self, trial: Trial, graph: Graph, recipe: dict[str, Scalar], inherited: tuple[Graph, str] | None) -> Job:
        """The job of a trial, or of the part of it up to its next rung; ``inherited`` is a parent and its weights."""
        payload = self._payload(trial.number, graph, recipe)
        if self.goals.extras:
            payload["metrics"] = self.goals.extras
        if self.goals.trains:
            payload["weights"] = str(self.artifacts.fresh(self._file(trial, ".pt")))
        else:
            payload["train"] = False
        if trial.until is not None:
            payload |= {"until": trial.until, "resume": self.artifacts.found(trial.checkpoint)}
            payload["checkpoint"] = str(self.artifacts.fresh(self._file(trial, ".ckpt")))
        weights = self.artifacts.found(inherited[1]) if inherited is not None else None
        if inherited is not None and weights is not None:
            payload["parent"] = {"graph": to_json(inherited[0]), "weights": weights}
        return self._job(payload)

    def screening(self, number: int, graph: Graph, recipe: dict[str, Scalar], screen: Screen) -> Job:
        """The job of a candidate for a trial."""
        return self._job(self._payload(number, graph, recipe) | {"train": False, "metrics": [screen.proxy]})

    def adopt_weights(self, trial: Trial, outcome: Outcome) -> str | None:
        """The name under which the weights of a trial are kept, if it left any."""
        written = self.artifacts.incoming(self._file(trial, ".pt"))
        if not isinstance(outcome, Returned):
            self.forget(trial)
        return self.artifacts.adopt(written) if written.is_file() else None

    def adopt_checkpoint(self, trial: Trial) -> str | None:
        """The name under which the checkpoint of a trial is kept, if it left one."""
        written = self.artifacts.incoming(self._file(trial, ".ckpt"))
        return self.artifacts.adopt(written, f"-{trial.study}-{trial.number}") if written.is_file() else None

    def forget(self, trial: Trial) -> None:
        """Remove what a job that failed or was cancelled may have written."""
        for suffix in (".pt", ".ckpt"):
            self.artifacts.incoming(self._file(trial, suffix)).unlink(missing_ok=True)

    def _payload(self, number: int, graph: Graph, recipe: dict[str, Scalar]) -> dict[str, Any]:
        spec = self.study.spec
        return {
            "graph": to_json(graph),
            "task": spec.task,
            "settings": spec.settings["training"],
            "recipe": recipe,
            "seed": random.Random(f"{spec.seed}/{number}/measure").getrandbits(31),
        }

    def _job(self, payload: dict[str, Any]) -> Job:
        return Job(ENTRY, payload, self.limits.seconds, self.limits.memory)

    def _file(self, trial: Trial, suffix: str) -> str:
        """What a worker calls its files; a process that lost the study to this one writes elsewhere."""
        return f"{trial.study}-{trial.number}-{os.getpid()}{suffix}"
