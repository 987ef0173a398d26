"""Opening a store only to look into it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from archsmith.storage.store import Transaction, open_store


@contextmanager
def read(store: str) -> Iterator[Transaction]:
    """A snapshot of a store that exists; it is not made, upgraded or written."""
    with closing(open_store(store, create=False, read_only=True)) as opened, opened.read() as tx:
        yield tx
