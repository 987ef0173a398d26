"""The pages of a study and of a trial."""

from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

from archsmith.storage.facts import JobState, Study, Trial, TrialState
from archsmith.storage.store import Transaction
from archsmith.web.formats import number as shown
from archsmith.web.highlight import highlight
from archsmith.web.lookups import PAGE, newest_trials, study_of, trial_of
from archsmith.web.parts import Cursor, Id, address, asked, live
from archsmith.web.site import Site, graph_of, picture, space_picture

NOT_LISTED = ("space_text", "space_source", "settings", "objectives", "constraints")
"""Parts of a spec that are shown otherwise than in the list of what was asked."""

COLUMNS = ("parameters", "macs", "test_accuracy")
"""Measured numbers that get a column of the trials' table, where there are any."""


def study_pages(router: APIRouter, site: Site) -> None:
    """Add the routes of studies and trials."""

    @router.get("/studies/{id}")
    def study(id: Id, state: str = "", order: str = "", after: Cursor = None) -> Response:
        now = site.clock()
        with site.door.read() as view:
            found = study_of(view, id, now)
            return site.page(
                "study.html",
                "Studies",
                live=live(view, f"study/{id}", now, found.state),
                charts=True,
                now=now,
                study=found,
                space_svg=space_picture(found.spec.space_text),
                source=highlight(found.spec.space_source or ""),
                asked=asked(found.spec, without=NOT_LISTED, more={**_goals(found), **found.spec.settings}),
                **_best(view, found),
                **_trials(view, found, state, order, after),
            )

    @router.get("/studies/{id}/trials/{number}")
    def trial(id: Id, number: Id) -> Response:
        now = site.clock()
        with site.door.read() as view:
            found, one = study_of(view, id, now), trial_of(view, id, number)
            svg, text = picture(graph_of(view, one.graph))
            measured = list(one.result.measurement.items()) if one.result else []
            job = found.state if one.state is TrialState.RUNNING else JobState.FINISHED
            return site.page(
                "trial.html",
                "Studies",
                live=live(view, f"trial/{id}/{number}", now, job),
                charts=True,
                now=now,
                study=found,
                trial=one,
                epochs=view.trials.epochs(id, number),
                measurement=[(name, shown(value)) for name, value in measured],
                headline=[(name, value) for name, value in measured if name in _columns(found)],
                svg=svg,
                listing=text,
            )


def _best(view: Transaction, study: Study) -> dict[str, Any]:
    if study.best_number is None:
        return {"best_svg": None, "best_listing": ""}
    best = trial_of(view, study.id, study.best_number)
    svg, text = picture(graph_of(view, best.graph))
    return {"best_svg": svg, "best_listing": text}


def _goals(study: Study) -> dict[str, Any]:
    """What the study wants, as it was asked for."""
    spec = study.spec
    bounds = {"constraints": list(map(str, spec.constraints))} if spec.constraints else {}
    return {"objectives": list(map(str, spec.objectives)), **bounds}


def _columns(study: Study) -> list[str]:
    """Measured numbers to show beside the values: those of the constraints, and a few that are often there."""
    bounds = [constraint.name for constraint in study.spec.constraints]
    goals = [objective.name for objective in study.spec.objectives]
    return [name for name in dict.fromkeys((*bounds, *COLUMNS)) if name not in goals]


def _trials(view: Transaction, study: Study, state: str, order: str, after: int | None) -> dict[str, Any]:
    """One page of a study's trials, and the addresses that lead on from it."""
    if state not in ("", *TrialState):
        raise HTTPException(422, f"A trial's state must be one of {', '.join(TrialState)}; got {state}.")
    if order not in ("", "newest", "number", "value"):
        raise HTTPException(422, f"Trials are ordered by newest, number or value; got {order}.")
    # the latest of one state would have to be looked for among all trials: those come oldest first instead
    order = ("number" if state else "newest") if order in ("", "newest") else order
    rows = _ordered(view, study, TrialState(state) if state else None, order, after)
    path, kept = f"/studies/{study.id}", {"state": state, "order": "" if order == "newest" else order}
    ranked = {"order": "value"} if order == "value" else {}
    following = {**kept, "after": rows[PAGE - 1].number} if len(rows) > PAGE else None
    measured = [trial.result.measurement for trial in rows[:PAGE] if trial.result]
    several = len(study.spec.objectives) > 1
    return {
        "trials": rows[:PAGE],
        "state": state,
        "order": order,
        "columns": [name for name in _columns(study) if any(name in row for row in measured)],
        "front": {one.number for one in view.trials.values(study.id) if one.front} if several else set(),
        "all_states": address(path, ranked) + "#trials",
        "states": [
            (one.value, count, address(path, {**ranked, "state": one}) + "#trials")
            for one, count in study.counts.items()
            if count
        ],
        "orders": {
            "newest": address(path, {}) + "#trials",
            "number": address(path, {"state": state, "order": "number"}) + "#trials",
            "value": address(path, {"state": state, "order": "value"}) + "#trials",
        },
        "first": address(path, kept) + "#trials" if after is not None else None,
        "next": address(path, following) + "#trials" if following else None,
    }


def _ordered(view: Transaction, study: Study, state: TrialState | None, order: str, after: int | None) -> list[Trial]:
    """A page of trials and one more."""
    if order == "newest":
        return newest_trials(view, study, after, PAGE + 1)
    if order == "number":
        return view.trials.page(study.id, after, PAGE + 1, state=state)
    if after is not None:
        trial_of(view, study.id, after)
    return view.trials.page(study.id, after, PAGE + 1, state=state, order="value")
