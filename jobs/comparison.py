"""Studies of a store compared: how good the best was after so many trials, or so much training, by searcher."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import count
from math import inf, isfinite
from typing import Any, Literal

from archsmith.graph.errors import UserError
from archsmith.jobs.contrast import Contrast, contrast
from archsmith.jobs.curves import Figure, Run, Unit, figure, reference_of, run_of
from archsmith.jobs.driver import utc_now
from archsmith.storage.facts import Study, StudySpec
from archsmith.storage.store import Transaction, open_store

By = Literal["searcher", "study"]
"""What studies must have in common to be one group: how they search, or nothing, so that each stands alone."""

MARKS_OF_SECONDS = 5
"""How many marks are told of seconds where none are asked for: the latest ones."""

BUDGETS = ("limits", "stopping")
"""Settings that say how long a study goes on, not how it searches."""

PAGE = 500


@dataclass(frozen=True, slots=True)
class Group:
    """Studies that were searched in the same way, the figures at each mark, and those of their ends."""

    label: str
    runs: tuple[Run, ...]
    figures: tuple[Figure | None, ...]
    final: Figure | None
    test: Figure | None
    against: Contrast | None = None

    def curve(self) -> list[tuple[float, Figure]]:
        """The figure after each improvement, from where all of the studies have a value to where the first one ends."""
        end = min(run.reach for run in self.runs)
        end = end if isfinite(end) else max(run.spent for run in self.runs)
        places = sorted({step.spent for run in self.runs for step in run.steps if step.spent <= end} | {end})
        told = [(place, figure([run.at(place) for run in self.runs])) for place in places]
        return [(place, found) for place, found in told if found is not None and found.studies == len(self.runs)]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared, in which unit, at which marks; ``reference`` are the values that a hypervolume is beyond."""

    space: str
    task: str
    objectives: tuple[str, ...]
    constraints: tuple[str, ...]
    by: By
    unit: Unit
    marks: tuple[float, ...]
    reference: tuple[float, ...] | None
    groups: tuple[Group, ...]

    @property
    def measure(self) -> str:
        """What the values are."""
        return "hypervolume" if self.reference is not None else self.objectives[0].partition(":")[2]


def compare_studies(
    studies: Sequence[str],
    *,
    store: str,
    at: Sequence[float] | None = None,
    by: By = "searcher",
    unit: Unit = "trials",
    reference: Sequence[float] | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> Comparison:
    """Compare studies of one space, task and set of goals by the best value, or the hypervolume, that they had when.

    ``studies`` are ids, names, or patterns of names such as ``mcts-*``; ``at`` the marks, numbers of ended trials or,
    with the ``unit`` seconds, seconds that their training took, added up over all workers. By searcher, studies are
    one group that differ in nothing but their seeds and budgets. ``reference`` is a value of each objective, as
    measured; without it, a tenth of the range beyond the worst that any of the studies has measured.

    Raises:
        UserError: there is no such study, the studies cannot be compared, or a mark or the reference makes no sense.
    """
    marks = None if at is None else _checked(at, unit)
    with closing(open_store(store, create=False, read_only=True)) as opened, opened.read() as tx:
        found = _found(tx, studies, clock())
        _demand_comparable(found)
        trials = {study.id: tx.trials.history(study.id) for study in found}
    first = found[0].spec
    beyond = reference_of(first.objectives, reference, trials)
    runs = {study.id: run_of(study, trials[study.id], unit, beyond) for study in found}
    if marks is None:
        marks = _ladder(max(run.spent for run in runs.values()), unit)
    labels = _labels(found) if by == "searcher" else {study.id: study.name for study in found}
    members: dict[str, list[Run]] = {}
    for study in found:
        members.setdefault(labels[study.id], []).append(runs[study.id])
    groups = [_group(label, group, marks) for label, group in members.items()]
    sign = first.objectives[0].sign if beyond is None else 1
    last = max(marks) if at is not None else inf
    compared = [replace(group, against=contrast(group.runs, groups[0].runs, sign, last)) for group in groups[1:]]
    return Comparison(
        space=first.space,
        task=first.task,
        objectives=tuple(map(str, first.objectives)),
        constraints=tuple(map(str, first.constraints)),
        by=by,
        unit=unit,
        marks=marks,
        reference=beyond,
        groups=(groups[0], *compared),
    )


def _checked(at: Sequence[float], unit: Unit) -> tuple[float, ...]:
    wrong = [mark for mark in at if not 0 < mark < inf or (unit == "trials" and mark != int(mark))]
    if wrong or not at:
        kind = "whole numbers of trials" if unit == "trials" else "numbers of seconds"
        raise UserError(f"marks must be {kind} above 0; got {', '.join(f'{mark:g}' for mark in wrong) or 'none'}")
    return tuple(sorted({int(mark) if unit == "trials" else float(mark) for mark in at}))


def _found(tx: Transaction, wanted: Sequence[str], now: datetime) -> list[Study]:
    """Each study once, in the order in which they are named; those of a pattern oldest first."""
    if not wanted:
        raise UserError("at least one study must be named to be compared; got none")
    everything: list[Study] | None = None
    found: dict[int, Study] = {}
    for given in wanted:
        if not any(character in given for character in "*?["):
            matching = [tx.studies.find(given, now)]
        else:
            everything = _everything(tx, now) if everything is None else everything
            matching = [one for one in everything if one.name == given or fnmatchcase(one.name, given)]
        if not matching:
            raise UserError(f"no study in the store has a name like {given!r}; see archsmith search list")
        found |= {study.id: study for study in matching if study.id not in found}
    return list(found.values())


def _everything(tx: Transaction, now: datetime) -> list[Study]:
    """Oldest first."""
    found = page = tx.studies.page(now, limit=PAGE)
    while len(page) == PAGE:
        page = tx.studies.page(now, limit=PAGE, before=page[-1].id)
        found = found + page
    return found[::-1]


def _demand_comparable(studies: Sequence[Study]) -> None:
    first = studies[0]
    for other in studies[1:]:
        difference = _difference(first.spec, other.spec)
        if difference is not None:
            raise UserError(f"studies {first.name!r} and {other.name!r} cannot be compared: {difference}")


def _difference(one: StudySpec, other: StudySpec) -> str | None:
    if one.space_digest != other.space_digest:
        changed = one.space == other.space
        spaces = f"{one.space} changed between them" if changed else f"{one.space}, {other.space}"
        return f"they search different spaces ({spaces})"
    if one.task != other.task:
        return f"they have different tasks ({one.task}, {other.task})"
    if one.objectives != other.objectives:
        return f"they have different objectives ({_listed(one.objectives)}; {_listed(other.objectives)})"
    if set(one.constraints) != set(other.constraints):
        return f"they have different constraints ({_listed(one.constraints)}; {_listed(other.constraints)})"
    return None


def _listed(goals: Sequence[object]) -> str:
    return ", ".join(map(str, goals)) or "none"


def _ladder(most: float, unit: Unit) -> tuple[float, ...]:
    """10, 25, 50, 100, 250 and so on, as far as any study has come."""
    found: list[float] = []
    for place in count():
        mark = (10, 25, 50)[place % 3] * 10 ** (place // 3)
        if mark > most:
            break
        found.append(mark)
    return tuple(found[-MARKS_OF_SECONDS:] if unit == "seconds" else found)


def _labels(studies: Sequence[Study]) -> dict[int, str]:
    """Searcher and options, and whatever else the studies do not all have in common."""
    settings = {study.id: _told(study.spec) for study in studies}
    common = set.intersection(*(set(told) for told in settings.values()))
    return {
        study.id: " ".join(
            [
                study.spec.searcher,
                *_words(_flat(study.spec.settings.get("searcher", {}))),
                *(entry for entry in settings[study.id] if entry not in common),
            ]
        )
        for study in studies
    }


def _told(spec: StudySpec) -> list[str]:
    """How a study trains, in words; its budgets are not a matter of the searcher."""
    apart = ("searcher", "training", *BUDGETS)
    training = _words(spec.settings.get("training", {}))
    return training + _words({name: value for name, value in spec.settings.items() if name not in apart})


def _words(settings: Mapping[str, Any]) -> list[str]:
    return [name if value is True else f"{name}={_word(value)}" for name, value in sorted(settings.items())]


def _flat(options: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Options by name, nested ones as ``options.n_startup_trials``."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        found |= _flat(value, f"{before}{name}.") if isinstance(value, Mapping) else {before + name: value}
    return found


def _word(value: Any) -> str:
    """As it is written on the command line: ``asha:least=1,reduction=3``, ``naswot:8``, ``1,0.5``, ``none``."""
    if isinstance(value, list | tuple):
        return ",".join(map(_word, value))
    if not isinstance(value, Mapping):
        return "none" if value is None else str(value)
    parts = [",".join(_words(part)) if isinstance(part, Mapping) else str(part) for part in value.values()]
    return ":".join(filter(None, parts))


def _group(label: str, runs: Sequence[Run], marks: Sequence[float]) -> Group:
    figures = [figure([run.at(mark) for run in runs if mark <= run.reach]) for mark in marks]
    final, test = figure([run.final for run in runs]), figure([run.test for run in runs])
    return Group(label, tuple(runs), tuple(figures), final, test)
