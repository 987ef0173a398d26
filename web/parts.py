"""What several pages are made of: ids in addresses, links between pages, facts as rows, staying live."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Path, Query

from archsmith.storage.facts import JobState
from archsmith.storage.store import Transaction
from archsmith.web.formats import NONE, plain
from archsmith.web.lookups import PAGE, version
from archsmith.web.site import Live

SOON, LATER = 2000, 10_000
"""How often (ms) the page of a running job looks for news, and that of anything else that may change."""

Id = Annotated[int, Path(ge=0, lt=2**63)]
Cursor = Annotated[int | None, Query(ge=0, lt=2**63)]


def live(view: Transaction, subject: str, now: datetime, state: JobState) -> Live | None:
    """How the page of a job in that state stays true; None for a finished one, which is true for ever."""
    if state is JobState.FINISHED:
        return None
    return Live(subject, version(view, subject, now), SOON if state is JobState.RUNNING else LATER)


def live_lists(view: Transaction, now: datetime, *, runs: bool) -> Live:
    """How a list stays true, on which a job ``runs`` or none."""
    return Live("overview", version(view, "overview", now), SOON if runs else LATER)


def address(path: str, query: Mapping[str, object]) -> str:
    """The path with those parts of a query that say anything."""
    given = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(given, errors='replace')}" if given else path


def turns(path: str, ids: list[int], before: int | None) -> tuple[str | None, str | None]:
    """Addresses of the first and the next page of a list of which one more than a page was read."""
    first = path if before is not None else None
    return first, address(path, {"before": ids[PAGE - 1]}) if len(ids) > PAGE else None


def asked(spec: object, *, without: tuple[str, ...], more: Mapping[str, Any]) -> list[tuple[str, object]]:
    """The fields of a spec and its settings, as rows for people."""
    rows = [(name, value) for name, value in plain(spec).items() if name not in without]
    rows += list(plain(more).items())
    return [(name, _line(value)) for name, value in rows if value is not None]


def _line(value: object) -> object:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or NONE
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
