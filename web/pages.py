"""The pages: what each asks of the store and hands to its template."""

from fastapi import APIRouter
from fastapi.responses import Response

from archsmith.storage.facts import JobState
from archsmith.web.fuzz_pages import fuzz_pages
from archsmith.web.lookups import PAGE
from archsmith.web.parts import Cursor, live_lists, turns
from archsmith.web.site import Site
from archsmith.web.study_pages import study_pages

LATEST = 8


def pages(site: Site) -> APIRouter:
    """The routes of all pages."""
    router = APIRouter(include_in_schema=False)
    _lists(router, site)
    study_pages(router, site)
    fuzz_pages(router, site)
    return router


def _lists(router: APIRouter, site: Site) -> None:
    @router.get("/")
    def overview() -> Response:
        now = site.clock()
        with site.door.read() as view:
            studies, campaigns = view.studies.page(now, PAGE), view.campaigns.page(now, PAGE)
            running_studies = [study for study in studies if study.state is JobState.RUNNING]
            running_campaigns = [campaign for campaign in campaigns if campaign.state is JobState.RUNNING]
            return site.page(
                "overview.html",
                "Overview",
                live=live_lists(view, now, runs=bool(running_studies or running_campaigns)),
                now=now,
                running_studies=running_studies,
                running_campaigns=running_campaigns,
                studies=studies[:LATEST],
                campaigns=campaigns[:LATEST],
                findings=view.findings.page(LATEST),
            )

    @router.get("/studies")
    def studies(before: Cursor = None) -> Response:
        now = site.clock()
        with site.door.read() as view:
            rows = view.studies.page(now, PAGE + 1, before)
            live = live_lists(view, now, runs=any(row.state is JobState.RUNNING for row in rows))
            first, next = turns("/studies", [row.id for row in rows], before)
            return site.page("studies.html", "Studies", live=live, now=now, studies=rows[:PAGE], first=first, next=next)

    @router.get("/campaigns")
    def campaigns(before: Cursor = None) -> Response:
        now = site.clock()
        with site.door.read() as view:
            rows = view.campaigns.page(now, PAGE + 1, before)
            live = live_lists(view, now, runs=any(row.state is JobState.RUNNING for row in rows))
            first, next = turns("/campaigns", [row.id for row in rows], before)
            return site.page(
                "campaigns.html",
                "Campaigns",
                live=live,
                now=now,
                campaigns=rows[:PAGE],
                first=first,
                next=next,
            )
