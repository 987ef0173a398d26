"""What every page is made with: the store's door, the clock, the templates."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from archsmith import __version__
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.pictures.drawing import draw
from archsmith.graph.text import listing
from archsmith.spaces.picture import picture_of_text
from archsmith.storage.facts import Campaign, Study
from archsmith.storage.store import Transaction
from archsmith.web import formats
from archsmith.web.door import Door
from archsmith.web.guard import CHART_POLICY

HERE = Path(__file__).parent
LARGEST_DRAWN = 500
"""Nodes above which a page gives the listing of a graph without its picture, which nobody could read.

Of a space it gives the text alone above that number of lines."""

API = "/api/"


@dataclass(frozen=True, slots=True)
class Live:
    """What a page shows, as ``/api/v1/version`` names it, and how often to look for news (ms)."""

    subject: str
    version: str
    every: int


@dataclass(frozen=True, slots=True)
class Site:
    """The parts that all routes share."""

    door: Door
    clock: Callable[[], datetime]
    templates: Environment

    def page(
        self,
        template: str,
        section: str,
        *,
        live: Live | None = None,
        charts: bool = False,
        status: int = 200,
        **context: Any,
    ) -> Response:
        """A page made from a template; ``charts`` lets plotly set its style attributes."""
        text = self.templates.get_template(template).render(
            context,
            section=section,
            status=status,
            subject=live.subject if live else None,
            version=live.version if live else None,
            every=live.every if live else None,
            label=self.door.label,
            release=__version__,
        )
        # half a surrogate pair may come out of a JSON fact, and UTF-8 has no bytes for it
        answer = HTMLResponse(text.encode("utf-8", "replace"), status_code=status)
        if charts:
            answer.headers["Content-Security-Policy"] = CHART_POLICY
        return answer

    def refusal(self, request: Request, status: int, text: str) -> Response:
        """A plain page, or JSON for the API, that says why there is no answer."""
        if request.url.path.startswith(API):
            return JSONResponse({"detail": text}, status_code=status)
        title = TITLES.get(status, "This did not work")
        return self.page("message.html", "", status=status, title=title, text=text)


TITLES = {
    400: "Not for this host",
    401: "Locked",
    404: "Nothing here",
    405: "Only for reading",
    422: "Not a valid question",
    500: "The dashboard made a mistake",
    503: "The store cannot be read",
}


def environment() -> Environment:
    """The templates, everything in them escaped unless it was made as markup."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": formats.number,
        "scaled": formats.scaled,
        "exact": formats.exact,
        "duration": formats.duration,
        "moment": formats.moment,
        "ago": formats.ago,
        "percent": formats.percent,
        "compact": compact,
        "done": done,
        "failed": failed,
        "share": share,
    }
    return made


@contextmanager
def sought() -> Iterator[None]:
    """404 for what the store does not have: within a snapshot, that is all a ``UserError`` can mean."""
    try:
        yield
    except UserError as error:
        raise HTTPException(404, str(error)) from error


def graph_of(view: Transaction, digest: str) -> Graph:
    """The graph of that digest.

    Raises:
        HTTPException: 404 if there is none, 503 if what the store has under the digest is not a graph.
    """
    try:
        with sought():
            return view.graphs.get(digest)
    except ValueError as error:
        raise HTTPException(503, f"The graph {digest} is damaged: {error}") from error


@lru_cache(maxsize=64)
def picture(graph: Graph) -> tuple[Markup, str]:
    """The drawing of a graph, which escapes its own texts, and its listing."""
    if len(graph.nodes) > LARGEST_DRAWN:
        note = Markup("<p>{} nodes are too many to draw; the listing has them all.</p>")
        return note.format(len(graph.nodes)), listing(graph)
    return Markup(draw(graph)), listing(graph)


@lru_cache(maxsize=64)
def space_picture(text: str) -> Markup:
    """The drawing of a search space, made from the text that its study keeps: no user's code is run for it."""
    lines = len(text.splitlines())
    if not text.strip():
        return Markup("<p>The study has kept no text of its space.</p>")
    if lines > LARGEST_DRAWN:
        return Markup("<p>{} parts are too many to draw; the text has them all.</p>").format(lines)
    return Markup(picture_of_text(text))


def compact(value: object) -> str:
    """A JSON value on one line; text without its quotes."""
    return value if isinstance(value, str) else json.dumps(formats.plain(value), ensure_ascii=False)


def done(study: Study) -> int:
    """Trials that have ended, however they did."""
    return study.ended


def failed(study: Study) -> int:
    """Trials that have ended without being measured."""
    return study.failed


def share(campaign: Campaign) -> int | None:
    """How far a bounded campaign is, in per cent: of its cases or of its time, whichever is further."""
    shares = []
    if campaign.spec.cases is not None:
        shares.append(formats.percent(campaign.progress.next_case, campaign.spec.cases))
    if campaign.spec.minutes is not None:
        shares.append(formats.percent(campaign.progress.seconds, campaign.spec.minutes * 60))
    return max(shares, default=None)
