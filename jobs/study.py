"""Studies: a search for the architecture that does best at a task, begun, resumed and kept in the store."""

import random
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from typing import Any

from archsmith.evaluate.recipe import check_recipe
from archsmith.evaluate.settings import TrainingSettings
from archsmith.evaluate.task import Task, check_space_fits
from archsmith.evaluate.tasks import load_task
from archsmith.graph.errors import UserError
from archsmith.jobs.artifacts import beside
from archsmith.jobs.driver import LEASE, identity, is_gone, utc_now
from archsmith.jobs.lease import HeldJob
from archsmith.jobs.limits import check_bounds
from archsmith.jobs.places import settled, source_of
from archsmith.jobs.progress import Listener, ignore
from archsmith.jobs.trials import Limits, TrialLoop
from archsmith.jobs.user_space import UserSpace
from archsmith.runtime.pool import Pool
from archsmith.search.searchers import make_searcher
from archsmith.spaces.decisions import Space
from archsmith.spaces.loading import load_space
from archsmith.spaces.recipe import values_in_recipe
from archsmith.spaces.sampling import sample
from archsmith.spaces.space import digest as space_digest
from archsmith.storage.facts import JobState, Study, StudySpec
from archsmith.storage.store import Store, open_store

DEFAULT_STORE = "sqlite:///archsmith.db"
PYTHON_OBJECT = "(a Python object)"
"""What stands for a space that came from no file or module."""

PRELOAD = (
    "torch",
    "torch._dynamo",
    "sklearn.datasets",
    "sklearn.model_selection",
    "archsmith.evaluate.entry",
)
"""What a worker needs for a trial: imported once, before the workers are forked."""


def run_study(
    space: str | Space,
    *,
    task: str,
    searcher: str = "evolution",
    trials: int = 50,
    workers: int = 1,
    seed: int = 0,
    store: str = DEFAULT_STORE,
    name: str | None = None,
    settings: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
    listen: Listener = ignore,
    clock: Callable[[], datetime] = utc_now,
) -> Study:
    """Search ``space`` for the architecture that does best at ``task``, and keep every trial in ``store``.

    ``space`` is a space, a file that defines one, or ``module:name``; ``task`` a task's name, ``file.py:name`` or
    ``module:name``; ``settings`` are those of ``TrainingSettings``, ``options`` the searcher's own.

    Raises:
        UserError: any of these does not exist or does not fit the others.
    """
    given = settled(space) if isinstance(space, str) else PYTHON_OBJECT
    found = UserSpace(load_space(space) if isinstance(space, str) else space, given)
    task = settled(task)
    training = TrainingSettings.from_json(dict(settings or {})).to_json()
    make_searcher(searcher, options or {})  # a mistake in its options is reported before anything is written
    check_bounds(trials=trials, workers=workers)
    objective = _check_fits(found, task, seed, training)
    spec = StudySpec(
        space=given,
        space_source=source_of(given),
        space_text=found.text(),
        space_digest=space_digest(found),
        task=task,
        searcher=searcher,
        seed=seed,
        trials=trials,
        objective=objective,
        settings={
            "training": training,
            "searcher": dict(options or {}),
            "limits": asdict(limits or Limits()),
        },
    )
    with closing(open_store(store)) as opened:
        driver = identity()
        with opened.begin() as tx:
            study = tx.studies.create(spec, name, driver, clock(), LEASE)
            tx.events.append("study started", f"study/{study.id}", {"name": study.name}, clock())
        held = HeldJob(opened, "study", study.id, driver, clock)
        return _work(study, found, held, workers, listen)


def resume_study(
    study: str,
    *,
    store: str = DEFAULT_STORE,
    workers: int = 1,
    trials: int | None = None,
    space: Space | None = None,
    listen: Listener = ignore,
    clock: Callable[[], datetime] = utc_now,
) -> Study:
    """Go on with a study, by id or name, that was stopped, killed or finished; ``trials`` raises its budget.

    Raises:
        UserError: there is no such study, another process runs it, or its space is no longer the same.
    """
    check_bounds(trials=trials, workers=workers)
    with closing(open_store(store, create=False)) as opened:
        with opened.read() as tx:
            kept = tx.studies.find(study, clock())
        if space is None and kept.spec.space == PYTHON_OBJECT:
            raise UserError(f"study {kept.name!r} searches a Python object: resume_study(..., space=...) must bring it")
        found = UserSpace(space if space is not None else load_space(kept.spec.space), kept.spec.space)
        if space_digest(found) != kept.spec.space_digest:
            raise UserError(
                f"{kept.spec.space} must be the space that study {kept.name!r} began with, and it has changed since; "
                "restore it, or start a new study"
            )
        _check_fits(found, kept.spec.task, kept.spec.seed, kept.spec.settings["training"])
        driver = identity()
        with opened.begin() as tx:
            tx.studies.claim(kept.id, driver, clock(), LEASE, dead=is_gone)
            if trials is not None:
                tx.studies.extend(kept.id, trials)
            tx.events.append("study resumed", f"study/{kept.id}", {"name": kept.name}, clock())
            claimed = tx.studies.get(kept.id, clock())
        held = HeldJob(opened, "study", claimed.id, driver, clock)
        return _work(claimed, found, held, workers, listen)


def _work(study: Study, space: Space, held: HeldJob, workers: int, listen: Listener) -> Study:
    state = JobState.STOPPED
    try:
        loop = TrialLoop(study, space, held, beside(held.store.url), listen)
        with Pool(workers, preload=PRELOAD) as pool:
            loop.run(pool)
        state = JobState.FINISHED
    finally:
        held.leave(state)
    return _read(held.store, study.id, held.clock)


def _read(store: Store, id: int, clock: Callable[[], datetime]) -> Study:
    with store.read() as tx:
        return tx.studies.get(id, clock())


def _check_fits(space: Space, task: str, seed: int, training: Mapping[str, Any]) -> str:
    """The name of the task's objective; what does not fit the task is said before anything is written."""
    graph = sample(space, random.Random(seed)).graph
    assert graph is not None  # a sample is never a dead end
    found = load_task(task)
    check_recipe(found, training, values_in_recipe(space))
    if not isinstance(found, Task):
        return "value"
    check_space_fits(found, graph)
    return found.objective
