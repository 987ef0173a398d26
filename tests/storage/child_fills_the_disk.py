"""Writes to a store whose files may not grow past a limit, until it is refused.

Run as ``child_fills_the_disk.py URL BYTES``; says why it was refused, twice, then how many events it recorded
and whether it can still read them.
"""

import resource
import signal
import sys
from datetime import UTC, datetime

from archsmith.graph.errors import UserError
from archsmith.storage.store import Store, open_store

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def say(text: object) -> None:
    sys.stdout.write(f"{text}\n")


def write_until_refused(store: Store, number: int) -> int:
    """The number of the event that was refused."""
    while True:
        try:
            with store.begin() as t:
                t.events.append("filler", "disk", {"number": number, "text": "x" * 2000}, NOW)
        except UserError as error:
            say(error)
            return number
        number += 1


def fill(url: str) -> None:
    try:
        store = open_store(url)
    except UserError as error:
        say(error)
        return
    recorded = write_until_refused(store, 0)
    say(write_until_refused(store, recorded))
    with store.read() as t:
        say([event.payload["number"] for event in t.events.since(0, limit=10_000)] == list(range(recorded)))


if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    fill(sys.argv[1])
