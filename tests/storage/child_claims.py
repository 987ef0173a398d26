"""Waits for a line on standard input, opens (perhaps makes) the store, and claims study 1 if there is one.

Run as ``child_claims.py URL DRIVER``; says "ready", then "won", "lost" or "nothing".
"""

import sys
from datetime import UTC, datetime, timedelta

from archsmith.graph.errors import UserError
from archsmith.storage.store import Store, open_store

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def claim(store: Store, driver: str) -> str:
    with store.read() as t:
        if not t.studies.page(NOW):
            return "nothing"
    try:
        with store.begin() as t:
            t.studies.claim(1, driver, NOW, timedelta(minutes=1), dead=lambda other: False)
    except UserError:
        return "lost"
    return "won"


if __name__ == "__main__":
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.write(f"{claim(open_store(sys.argv[1]), sys.argv[2])}\n")
