"""The one place where a database's errors become sentences for people."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DatabaseError, DataError, InternalError, OperationalError, StatementError

from archsmith.graph.errors import UserError

LOCKED = "another program has kept {url} locked for too long: end that program, then try again"
SHUT = "{url} cannot be opened: check that its folder exists, and that you may read and write there"

SENTENCES = {
    "SQLITE_FULL": "the disk that holds {url} is full: free some space; what was recorded before is safe",
    "SQLITE_IOERR": "the disk refused to read or write {url}: check its free space, quota and health",
    "SQLITE_READONLY": "{url} must be writable, and it or its folder is read-only: change its permissions",
    "SQLITE_CANTOPEN": SHUT,
    "SQLITE_PERM": SHUT,
    "SQLITE_AUTH": SHUT,
    "SQLITE_BUSY": LOCKED,
    "SQLITE_LOCKED": LOCKED,
    "SQLITE_PROTOCOL": LOCKED,
    "SQLITE_NOTADB": "{url} must be a SQLite file, and is something else: give another path",
    "SQLITE_CORRUPT": "{url} is damaged: see what `archsmith db check` finds, and restore a backup",
}
"""What to say for a SQLite error, by the name of its primary result code."""


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn what the database says about disk, locks and permissions into ``UserError``; pass other errors on.

    A ``ValueError`` or ``UserError`` that a column raised about a value is freed of SQLAlchemy's wrapping.
    """
    try:
        yield
    except StatementError as error:
        if isinstance(error.orig, UserError | ValueError):
            raise error.orig from None
        sentence = _sentence(error, error.orig, url)
        if sentence is None:
            raise
        raise UserError(sentence) from error
    except sqlite3.Error as error:
        sentence = _sentence(error, error, url)
        if sentence is None:
            raise
        raise UserError(sentence) from error


def _sentence(error: Exception, cause: BaseException | None, url: str) -> str | None:
    code = getattr(cause, "sqlite_errorname", None)
    if isinstance(code, str):
        primary = "_".join(code.split("_")[:2])
        return SENTENCES[primary].format(url=url) if primary in SENTENCES else None
    if isinstance(error, OperationalError | DataError | InternalError) or type(error) is DatabaseError:
        lines = str(cause).strip().splitlines() or [type(cause).__name__]
        return f"{url} does not work: {lines[0]}"
    return None
