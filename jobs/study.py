"""Studies: a search for the architecture that does best at a task, begun, resumed and kept in the store."""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from archsmith.evaluate.evaluator import Evaluator
from archsmith.evaluate.recipe import check_recipe
from archsmith.evaluate.settings import TrainingSettings
from archsmith.evaluate.task import Task, check_space_fits
from archsmith.evaluate.tasks import Score, load_task
from archsmith.graph.errors import UserError
from archsmith.jobs.artifacts import beside
from archsmith.jobs.driver import LEASE, identity, is_gone, utc_now
from archsmith.jobs.early import check_rule
from archsmith.jobs.lease import HeldJob
from archsmith.jobs.limits import Limits, check_bounds
from archsmith.jobs.named import Named
from archsmith.jobs.objectives import Goals, check_searcher, read_goals
from archsmith.jobs.places import settled, source_of
from archsmith.jobs.progress import Listener, ignore
from archsmith.jobs.rungs import check_comparable, check_fidelity
from archsmith.jobs.screening import Screen
from archsmith.jobs.stopping import Stopping
from archsmith.jobs.trials import TrialLoop
from archsmith.jobs.user_space import UserSpace
from archsmith.runtime.pool import Pool
from archsmith.search.searchers import DEFAULT, make_searcher
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
    searcher: str = DEFAULT,
    trials: int = 50,
    objectives: str | Sequence[str] = (),
    constraints: str | Sequence[str] = (),
    minutes: float | None = None,
    target: float | None = None,
    patience: int | None = None,
    fidelity: str | None = None,
    stop_early: str | None = None,
    screen: str | None = None,
    inherit: bool = False,
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

    ``objectives`` are ``max:NAME`` or ``min:NAME``, by default the task's own one; ``constraints`` are ``NAME <=
    NUMBER``; a single one may be given as a string. The study ends after ``trials``, or when ``minutes`` have passed,
    the first objective has reached ``target``, or ``patience`` trials have ended without an improvement, whichever
    comes first.

    ``fidelity`` (halving, hyperband or asha) trains all but the most promising trials for fewer epochs; ``stop_early``
    names a rule by which a running trial is given up; both take options, as in ``asha:least=1,reduction=3``.
    ``screen`` is ``PROXY:K``: every proposal is the best of K by a zero-cost proxy. With ``inherit`` a network begins
    with the weights of the nearest earlier one where they fit.

    Raises:
        UserError: any of these does not exist or does not fit the others.
    """
    given = settled(space) if isinstance(space, str) else PYTHON_OBJECT
    found = UserSpace(load_space(space) if isinstance(space, str) else space, given)
    task = settled(task)
    training = TrainingSettings.from_json(dict(settings or {})).to_json()
    make_searcher(searcher, options or {})  # a mistake in its options is reported before anything is written
    check_bounds(trials=trials, workers=workers)
    stopping = Stopping(minutes, target, patience)
    wishes = _Wishes(searcher, objectives, constraints, fidelity, stop_early, screen, inherit)
    goals, means = _planned(found, load_task(task), seed, training, wishes)
    spec = StudySpec(
        space=given,
        space_source=source_of(given),
        space_text=found.text(),
        space_digest=space_digest(found),
        task=task,
        searcher=searcher,
        seed=seed,
        trials=trials,
        objectives=goals.objectives,
        constraints=goals.constraints,
        settings={
            "training": training,
            "searcher": dict(options or {}),
            "limits": asdict(limits or Limits()),
            **stopping.to_json(),
            **means,
        },
    )
    with closing(open_store(store)) as opened:
        driver = identity()
        with opened.begin() as tx:
            study = tx.studies.create(spec, name, driver, clock(), LEASE)
            tx.events.append("study started", f"study/{study.id}", {"name": study.name}, clock())
        held = HeldJob(opened, "study", study.id, driver, clock)
        return _work(study, found, goals, held, workers, listen)


def resume_study(
    study: str,
    *,
    store: str = DEFAULT_STORE,
    workers: int = 1,
    trials: int | None = None,
    minutes: float | None = None,
    target: float | None = None,
    patience: int | None = None,
    space: Space | None = None,
    listen: Listener = ignore,
    clock: Callable[[], datetime] = utc_now,
) -> Study:
    """Go on with a study, by id or name, that was stopped, killed or finished.

    ``trials`` raises its budget; ``minutes``, ``target`` and ``patience`` take the place of those it has. Its minutes
    begin anew. A study of a Python object is given that ``space`` again.

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
        measure = load_task(kept.spec.task)
        _check_fits(found, measure, kept.spec.seed, kept.spec.settings["training"])
        stopping = Stopping.of(kept.spec.settings).changed(minutes=minutes, target=target, patience=patience)
        driver = identity()
        with opened.begin() as tx:
            tx.studies.claim(kept.id, driver, clock(), LEASE, dead=is_gone)
            if trials is not None:
                tx.studies.extend(kept.id, trials)
            tx.studies.change(kept.id, stopping.to_json())
            tx.studies.explain(kept.id, None)
            tx.events.append("study resumed", f"study/{kept.id}", {"name": kept.name}, clock())
            claimed = tx.studies.get(kept.id, clock())
        held = HeldJob(opened, "study", claimed.id, driver, clock)
        return _work(claimed, found, Goals.of(claimed.spec, measure), held, workers, listen)


def _work(study: Study, space: UserSpace, goals: Goals, held: HeldJob, workers: int, listen: Listener) -> Study:
    state, reason = JobState.STOPPED, None
    try:
        loop = TrialLoop(study, space, goals, held, beside(held.store.url), listen)
        with Pool(workers, preload=PRELOAD) as pool:
            reason = loop.run(pool)
        state = JobState.FINISHED
    except UserError as error:
        reason = str(error)  # whoever finds the study stopped is to know why
        raise
    finally:
        held.leave(state, reason)
    return _read(held.store, study.id, held.clock)


def _read(store: Store, id: int, clock: Callable[[], datetime]) -> Study:
    with store.read() as tx:
        return tx.studies.get(id, clock())


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What a person asks for in words that are yet to be understood."""

    searcher: str
    objectives: str | Sequence[str]
    constraints: str | Sequence[str]
    fidelity: str | None
    stop_early: str | None
    screen: str | None
    inherit: bool


def _planned(
    space: Space, task: Task | Evaluator | Score, seed: int, training: Mapping[str, Any], wishes: _Wishes
) -> tuple[Goals, dict[str, Any]]:
    """The goals, and the settings of what saves training (``UserError`` where things do not fit)."""
    _check_fits(space, task, seed, training)
    goals = read_goals(wishes.objectives, wishes.constraints, task)
    check_searcher(wishes.searcher, goals)
    recipe = values_in_recipe(space)
    means: dict[str, Any] = {}
    if wishes.fidelity is not None:
        named = Named.parse(wishes.fidelity)
        check_fidelity(named, task, goals, training, recipe)
        means["fidelity"] = named.to_json()
    if wishes.stop_early is not None:
        named = Named.parse(wishes.stop_early)
        check_rule(named, task, goals, training, recipe)
        means["stop_early"] = named.to_json()
    if wishes.screen is not None:
        means["screen"] = asdict(Screen.parse(wishes.screen))
    if wishes.inherit:
        check_comparable("inheriting weights", task)
        means["inherit"] = True
    return goals, means


def _check_fits(space: Space, task: Task | Evaluator | Score, seed: int, training: Mapping[str, Any]) -> None:
    """What does not fit the task is said before anything is written."""
    graph = sample(space, random.Random(seed)).graph
    assert graph is not None  # a sample is never a dead end
    check_recipe(task, training, values_in_recipe(space))
    if isinstance(task, Task):
        check_space_fits(task, graph)
