"""Opening a store only to look into it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from archsmith.storage.engine import parsed
from archsmith.storage.store import Transaction, open_store


def shown(store: str) -> str:
    """The store's URL as it may be printed: without the password in it."""
    return str(parsed(store))


@contextmanager
def read(store: str) -> Iterator[Transaction]:
    """A snapshot of a store that exists; it is not made, upgraded or written."""
    with closing(open_store(store, create=False, read_only=True)) as opened, opened.read() as tx:
        yield tx
