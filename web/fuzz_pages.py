"""The pages of a campaign, of findings, and of one finding."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

from archsmith.storage.facts import Campaign
from archsmith.storage.store import Transaction
from archsmith.web.formats import LONG, duration, number, plain
from archsmith.web.highlight import highlight
from archsmith.web.lookups import PAGE, Wanted, campaign_of, finding_of, findings_page
from archsmith.web.parts import Cursor, Id, address, asked, live, live_lists
from archsmith.web.site import Site, graph_of, picture


def fuzz_pages(router: APIRouter, site: Site) -> None:
    """Add the routes of campaigns and findings."""
    _campaign_page(router, site)
    _finding_pages(router, site)


def _campaign_page(router: APIRouter, site: Site) -> None:
    @router.get("/campaigns/{id}")
    def campaign(id: Id) -> Response:
        now = site.clock()
        with site.door.read() as view:
            found = campaign_of(view, id, now)
            findings = view.findings.page(PAGE, campaign=id)
            return site.page(
                "campaign.html",
                "Campaigns",
                live=live(view, f"campaign/{id}", now, found.state),
                now=now,
                campaign=found,
                findings=findings,
                more=found.findings > len(findings),
                tiles=_tiles(found),
                tables=_counter_tables(found.progress.counters),
                asked=asked(
                    found.spec,
                    without=("settings", "versions"),
                    more={**found.spec.versions, **found.spec.settings},
                ),
            )


def _finding_pages(router: APIRouter, site: Site) -> None:
    @router.get("/findings")
    def findings(
        campaign: str = "", oracle: str = "", kind: str = "", state: str = "", before: Cursor = None
    ) -> Response:
        now = site.clock()
        wanted = Wanted(_campaign_id(campaign), oracle or None, kind or None, state or None)
        with site.door.read() as view:
            rows, cursor = findings_page(view, wanted, before, PAGE)
            chosen = {"campaign": campaign, "oracle": oracle, "kind": kind, "state": state}
            given = {name: value for name, value in chosen.items() if value}
            return site.page(
                "findings.html",
                "Findings",
                live=live_lists(view, now, runs=False),
                now=now,
                findings=rows,
                filters=_filters(view, chosen, now),
                filtered=bool(given),
                first=address("/findings", given) if before is not None else None,
                next=address("/findings", {**given, "before": cursor}) if cursor is not None else None,
            )

    @router.get("/findings/{id}")
    def finding(id: Id) -> Response:
        now = site.clock()
        with site.door.read() as view:
            found = finding_of(view, id)
            parent = campaign_of(view, found.campaign, now)
            svg, text = picture(graph_of(view, found.content.graph))
            return site.page(
                "finding.html",
                "Findings",
                live=live(view, f"finding/{id}", now, parent.state),
                now=now,
                finding=found,
                campaign=parent,
                versions=", ".join(f"{name} {text}" for name, text in parent.spec.versions.items()),
                script=highlight(found.content.script),
                case=json.dumps(plain(found.content.case), indent=2, ensure_ascii=False),
                svg=svg,
                listing=text,
            )


def _campaign_id(given: str) -> int | None:
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 19):
        raise HTTPException(422, f"A campaign is named by its id here; got {given}.")
    return int(given)


def _filters(
    view: Transaction, chosen: Mapping[str, str], now: datetime
) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Name, chosen value and options of every filter; options come from the latest campaigns and findings."""
    campaigns, latest = view.campaigns.page(now, PAGE), view.findings.page(PAGE * 4)
    options = {
        "oracle": {name for campaign in campaigns for name in campaign.spec.oracles}
        | {finding.content.oracle for finding in latest},
        "kind": {finding.content.kind for finding in latest},
        "state": {finding.state for finding in latest},
    }
    named = [(str(campaign.id), campaign.name) for campaign in campaigns]
    if chosen["campaign"] and chosen["campaign"] not in dict(named):
        named.append((chosen["campaign"], chosen["campaign"]))
    return [("campaign", chosen["campaign"], named)] + [
        (name, chosen[name], [(value, value) for value in sorted(values | ({chosen[name]} - {""}))])
        for name, values in options.items()
    ]


def _tiles(campaign: Campaign) -> list[tuple[str, str, str]]:
    """Name, value and note of the single numbers that a campaign has."""
    counters, seconds = campaign.progress.counters, campaign.progress.seconds
    cases = counters["cases"] if _is_count(counters.get("cases")) else campaign.progress.next_case
    tiles = [("Cases", number(cases), f"{cases / seconds:.3g} per second" if seconds else "")]
    for name, count in counters.items():
        if name != "cases" and _is_count(count):
            tiles.append((name.capitalize(), number(count), f"{100 * count / cases:.3g} %" if cases else ""))
    return [*tiles, ("Time", duration(seconds), "")]


def _counter_tables(
    counters: Mapping[str, Any],
) -> list[tuple[str, list[tuple[str, int | float]], int | float]]:
    """Name, rows (largest first) and largest count of every group of counters."""
    tables = []
    for name, group in counters.items():
        if isinstance(group, Mapping):
            rows = sorted(_leaves(group), key=lambda row: (-row[1], row[0]))
            tables.append(
                (name.replace("_", " ").capitalize(), rows, max((count for _, count in rows), default=0) or 1)
            )
    return [table for table in tables if table[1]]


def _is_count(value: object) -> bool:
    """Whether a counter is a number to draw and divide: not text, not NaN, and not longer than any float."""
    return isinstance(value, int | float) and abs(value) < LONG


def _leaves(group: Mapping[str, Any], above: str = "") -> list[tuple[str, int | float]]:
    found: list[tuple[str, int | float]] = []
    for name, count in group.items():
        if isinstance(count, Mapping):
            found += _leaves(count, f"{above}{name} · ")
        elif _is_count(count):
            found.append((above + name, count))
    return found
