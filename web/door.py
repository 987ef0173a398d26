"""The way from a request into the store: read-only, opened when first needed, and again after it failed."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from fastapi import HTTPException

from archsmith.graph.errors import UserError
from archsmith.storage.engine import parsed
from archsmith.storage.store import Store, Transaction, open_store


class Door:
    """One store, by URL; ``label`` is the URL without its password.

    Raises:
        UserError: the URL is none of a store.
    """

    def __init__(self, url: str) -> None:
        self.label = str(parsed(url))
        self._url = url
        self._store: Store | None = None
        self._lock = Lock()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A consistent view of the store.

        Raises:
            HTTPException: 503 with the reason, when the store is missing, locked, foreign or damaged.
        """
        try:
            with self._opened().read() as view:
                yield view
        except UserError as error:
            self._forget()
            raise HTTPException(503, str(error)) from error

    def _opened(self) -> Store:
        with self._lock:
            if self._store is None:
                self._store = open_store(self._url, create=False, read_only=True)
            return self._store

    def _forget(self) -> None:
        with self._lock:
            failed, self._store = self._store, None
        if failed is not None:
            failed.close()
