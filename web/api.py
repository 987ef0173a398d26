"""The JSON API: the same facts as the pages, for programs.

Facts are written as the store has them, times as ISO 8601 in UTC. JSON has no NaN and no infinities: where a
measurement has them, they are the strings ``"nan"``, ``"inf"`` and ``"-inf"``.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import PlainTextResponse, Response

from archsmith.graph.graph import Graph
from archsmith.graph.pictures.drawing import draw
from archsmith.graph.text import to_json
from archsmith.spaces.picture import picture_of_text
from archsmith.storage.facts import (
    Campaign,
    Event,
    Finding,
    Study,
    TrialState,
)
from archsmith.web.answers import (
    CampaignPage,
    Curve,
    EpochRow,
    FailedTrial,
    FindingPage,
    Refused,
    StudyPage,
    TrialAnswer,
    TrialPage,
    Values,
    Version,
    study_row,
    trial_answer,
)
from archsmith.web.formats import plain
from archsmith.web.lookups import (
    PAGE,
    Wanted,
    campaign_of,
    failures,
    finding_of,
    findings_page,
    study_of,
    thinned,
    trial_of,
    version,
)
from archsmith.web.site import Site, graph_of

MOST = 1000
SUBJECT = r"^(overview|(study|campaign|finding)/\d{1,18}|trial/\d{1,18}/\d{1,18})$"

Id = Annotated[int, Path(ge=0, lt=2**63)]
Cursor = Annotated[int | None, Query(ge=0, lt=2**63)]
Limit = Annotated[int, Query(ge=1, le=MOST)]
"""How many entries to give at most."""


ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": Refused, "description": "The token is missing or wrong"},
    404: {"model": Refused, "description": "The store does not have it"},
    422: {"model": Refused, "description": "A part of the address makes no sense"},
    503: {"model": Refused, "description": "The store cannot be read"},
}


SVG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/svg+xml": {}}, "description": "The drawing"}}


def api(site: Site) -> APIRouter:
    """The routes of the JSON API."""
    router = APIRouter(prefix="/api/v1", responses=ERRORS)
    _study_routes(router, site)
    _trial_routes(router, site)
    _fuzzing_routes(router, site)
    _news_routes(router, site)
    return router


def _study_routes(router: APIRouter, site: Site) -> None:
    @router.get("/studies", response_model=StudyPage)
    def studies(limit: Limit = PAGE, before: Cursor = None) -> Response:
        """Studies, newest first, from below the id ``before``."""
        with site.door.read() as view:
            found = view.studies.page(site.clock(), limit + 1, before)
            rows = [study_row(study) for study in found]
            return _json(StudyPage(rows[:limit], _cursor([row.id for row in rows], limit)))

    @router.get("/studies/{id}", response_model=Study)
    def study(id: Id) -> Response:
        """A study with what was asked and how its trials stand."""
        with site.door.read() as view:
            return _json(study_of(view, id, site.clock()))

    @router.get("/studies/{id}/curve", response_model=Curve)
    def curve(id: Id, most: Annotated[int, Query(ge=2, le=100_000)] = 2000) -> Response:
        """The values of a study's trials: all improvements, and the others thinned to about ``most``."""
        with site.door.read() as view:
            found = study_of(view, id, site.clock())
            failed = [FailedTrial(trial.number, trial.state) for trial in failures(view, found, MOST)]
            return _json(Curve(found.spec.objective, thinned(view.trials.curve(id), most), failed))

    @router.get("/studies/{id}/values", response_model=Values)
    def values(id: Id, most: Annotated[int, Query(ge=1, le=100_000)] = 2000) -> Response:
        """The values of a study's trials: all of the front, and of the others the first by rank, at most ``most``."""
        with site.door.read() as view:
            found = study_of(view, id, site.clock())
            points = view.trials.values(id)
            kept = [point for place, point in enumerate(points) if point.front or place < most]
            return _json(Values(list(map(str, found.spec.objectives)), kept))

    @router.get("/studies/{id}/space.svg", response_class=Response, responses=SVG)
    def space_drawing(id: Id) -> Response:
        """The search space as a picture."""
        with site.door.read() as view:
            return _svg(picture_of_text(study_of(view, id, site.clock()).spec.space_text, standalone=True))


def _trial_routes(router: APIRouter, site: Site) -> None:
    @router.get("/studies/{id}/trials", response_model=TrialPage)
    def trials(
        id: Id,
        limit: Limit = PAGE,
        after: Cursor = None,
        state: TrialState | None = None,
        order: Literal["number", "value"] = "number",
    ) -> Response:
        """Trials by number, or best first, from behind the trial numbered ``after``."""
        with site.door.read() as view:
            study = study_of(view, id, site.clock())
            if after is not None and order == "value":
                trial_of(view, id, after)
            found = view.trials.page(id, after, limit + 1, state=state, order=order)
            rows = [trial_answer(study, trial) for trial in found[:limit]]
            return _json(TrialPage(rows, _cursor([trial.number for trial in found], limit)))

    @router.get("/studies/{id}/trials/{number}", response_model=TrialAnswer)
    def trial(id: Id, number: Id) -> Response:
        """A trial with its trace, its measurement, and the digest of its graph."""
        with site.door.read() as view:
            return _json(trial_answer(study_of(view, id, site.clock()), trial_of(view, id, number)))

    @router.get("/studies/{id}/trials/{number}/epochs", response_model=list[EpochRow])
    def epochs(id: Id, number: Id) -> Response:
        """The metrics of a trial after every epoch."""
        with site.door.read() as view:
            trial_of(view, id, number)
            return _json(view.trials.epochs(id, number))

    @router.get("/studies/{id}/trials/{number}/graph", response_model=dict[str, Any])
    def trial_graph(id: Id, number: Id) -> Response:
        """The architecture as canonical graph JSON."""
        with site.door.read() as view:
            return _graph(graph_of(view, trial_of(view, id, number).graph))

    @router.get("/studies/{id}/trials/{number}/graph.svg", response_class=Response, responses=SVG)
    def trial_drawing(id: Id, number: Id) -> Response:
        """The architecture as a picture."""
        with site.door.read() as view:
            return _svg(draw(graph_of(view, trial_of(view, id, number).graph), standalone=True))


def _fuzzing_routes(router: APIRouter, site: Site) -> None:
    @router.get("/campaigns", response_model=CampaignPage)
    def campaigns(limit: Limit = PAGE, before: Cursor = None) -> Response:
        """Campaigns, newest first, from below the id ``before``."""
        with site.door.read() as view:
            found = view.campaigns.page(site.clock(), limit + 1, before)
            return _json(CampaignPage(found[:limit], _cursor([campaign.id for campaign in found], limit)))

    @router.get("/campaigns/{id}", response_model=Campaign)
    def campaign(id: Id) -> Response:
        """A campaign with its progress."""
        with site.door.read() as view:
            return _json(campaign_of(view, id, site.clock()))

    @router.get("/findings", response_model=FindingPage)
    def findings(
        limit: Limit = PAGE,
        before: Cursor = None,
        campaign: Cursor = None,
        oracle: str | None = None,
        kind: str | None = None,
        state: str | None = None,
    ) -> Response:
        """Findings, newest first, from below the id ``before``; a short page may have a next one."""
        with site.door.read() as view:
            found, next = findings_page(view, Wanted(campaign, oracle, kind, state), before, limit)
            return _json(FindingPage(found, next))

    @router.get("/findings/{id}", response_model=Finding)
    def finding(id: Id) -> Response:
        """A finding with its case and its script."""
        with site.door.read() as view:
            return _json(finding_of(view, id))

    @router.get("/findings/{id}/script", response_class=PlainTextResponse)
    def script(id: Id) -> Response:
        """The stand-alone Python script that shows the failure."""
        with site.door.read() as view:
            text = finding_of(view, id).content.script
            return PlainTextResponse(text.encode("utf-8", "replace"))

    @router.get("/findings/{id}/graph", response_model=dict[str, Any])
    def finding_graph(id: Id) -> Response:
        """The failing graph as canonical graph JSON."""
        with site.door.read() as view:
            return _graph(graph_of(view, finding_of(view, id).content.graph))

    @router.get("/findings/{id}/graph.svg", response_class=Response, responses=SVG)
    def finding_drawing(id: Id) -> Response:
        """The failing graph as a picture."""
        with site.door.read() as view:
            return _svg(draw(graph_of(view, finding_of(view, id).content.graph), standalone=True))


def _news_routes(router: APIRouter, site: Site) -> None:
    @router.get("/events", response_model=list[Event])
    def events(
        after: Annotated[int, Query(ge=0, lt=2**63)] = 0, limit: Limit = 100, subject: str | None = None
    ) -> Response:
        """What happened after the event ``after``, oldest first; ``subject`` is e.g. ``study/3``."""
        with site.door.read() as view:
            return _json(view.events.since(after, limit, subject))

    @router.get("/version", response_model=Version)
    def current(of: Annotated[str, Query(pattern=SUBJECT)]) -> Response:
        """Whether a page has news: its version, to compare with the one before."""
        with site.door.read() as view:
            return _json(Version(version(view, of, site.clock())))


def _json(value: object) -> Response:
    """``value`` in ASCII, which every half of a surrogate pair that a fact may hold survives."""
    return Response(json.dumps(plain(value), allow_nan=False), media_type="application/json")


def _graph(graph: Graph) -> Response:
    return Response(to_json(graph), media_type="application/json")


def _svg(picture: str) -> Response:
    return Response(picture.encode("utf-8", "replace"), media_type="image/svg+xml")


def _cursor(ids: Sequence[int], limit: int) -> int | None:
    """The last id of this page, if one more than a page was read."""
    return ids[limit - 1] if len(ids) > limit else None
