"""Uses a store as a user who may read its folder and not write there.

Run as ``child_is_nobody.py FOLDER``: FOLDER holds store.db, and other.db, which is checked first so that
everything is imported while it may be. Says what it read, what a check-up found, and why it could not write.
"""

import os
import sys
from contextlib import closing

from archsmith.graph.errors import UserError
from archsmith.storage.store import check_store, open_store

NOBODY = 65534

if __name__ == "__main__":
    folder = sys.argv[1]
    assert check_store(f"sqlite:///{folder}/other.db") == []
    if os.geteuid() == 0:
        os.setuid(NOBODY)
    url = f"sqlite:///{folder}/store.db"
    with closing(open_store(url, read_only=True)) as store, store.read() as t:
        sys.stdout.write(f"{[event.kind for event in t.events.since(0)]}\n{check_store(url)}\n")
    for place in (url, f"sqlite:///{folder}/new.db"):
        try:
            open_store(place)
        except UserError as error:
            sys.stdout.write(f"{error}\n")
