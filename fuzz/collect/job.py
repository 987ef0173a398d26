"""What a worker does to collect calls: entry after entry of a source, each sent home when it is done."""

from collections.abc import Callable

from archsmith.fuzz.collect.files import to_json
from archsmith.fuzz.collect.sources import SOURCES
from archsmith.runtime.job import Json


def list_entries(payload: Json, report: Callable[[Json], None]) -> Json:
    """The names of the entries of ``payload["source"]``."""
    return list(SOURCES[payload["source"]].entries())


def collect_entries(payload: Json, report: Callable[[Json], None]) -> Json:
    """Reports, for each of ``payload["entries"]``, its records and what was left out, with why."""
    source = SOURCES[payload["source"]]
    for entry in payload["entries"]:
        skipped: list[str] = []
        records = [to_json(record) for record in source.records(entry, skipped.append)]
        report({"entry": entry, "records": records, "skipped": skipped})
    return None
