"""How a database is reached: SQLite as a file in WAL mode, or PostgreSQL; one writer at a time in both.

Whoever writes takes the write lock when the transaction begins (``BEGIN IMMEDIATE``; an advisory lock on
PostgreSQL). A SQLite transaction that reads first and asks for the lock later fails as soon as another
process wrote in between, and no busy timeout saves it.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from archsmith.graph.errors import UserError

BUSY_SECONDS = 30.0
"""How long a statement waits for another process's lock before it gives up."""

WRITER_LOCK = 0x61726368
"""The key of PostgreSQL's advisory lock under which our writers take turns ("arch")."""

Mode = Literal["ro", "rw", "rwc"]


def parsed(url: str) -> URL:
    """The URL of a SQLite file or a PostgreSQL database, with a relative file made absolute.

    Raises:
        UserError: it is not a URL, or of another database, or of a SQLite store that is not a plain file.
    """
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        raise UserError(f"a store must be a URL such as sqlite:///archsmith.db; got {url!r}") from None
    backend = found.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise UserError(f"a store must be a sqlite:/// or postgresql:// URL; got {found!s}")
    if backend == "postgresql":
        return found
    if found.drivername != "sqlite" or found.query or not found.database or found.database == ":memory:":
        raise UserError(f"a SQLite store must be a plain file, sqlite:///PATH without options; got {found!s}")
    return found.set(database=str(Path(found.database).absolute()))


def engine_for(url: URL, mode: Mode, *, foreign_keys: bool = True) -> Engine:
    """An engine that opens nothing yet; the option ``writes`` makes transactions take the write lock.

    ``mode`` is SQLite's: read only, read and write, or create as well.
    """
    if url.get_backend_name() == "sqlite":
        connect = _opener(Path(url.database or ""), mode, foreign_keys=foreign_keys)
        # A reader opens anew for each snapshot: how, depends on whether a writer is there just then.
        engine = create_engine(url, creator=connect, poolclass=NullPool if mode == "ro" else QueuePool)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        engine = create_engine(url, pool_pre_ping=True)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise UserError(
            f"{url!s} needs a driver that is not installed ({error}): pip install 'psycopg[binary]'"
        ) from None
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def _opener(path: Path, mode: Mode, *, foreign_keys: bool) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        address = f"file:{quote(str(path))}?mode={mode}"
        if mode == "ro" and _cannot_share(path):
            address += "&immutable=1"
        connection = sqlite3.connect(
            address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    return connect


def _cannot_share(path: Path) -> bool:
    """Whether a WAL store must be read without shared memory: nobody writes, and it cannot be made here."""
    return not path.with_name(path.name + "-wal").exists() and not os.access(path.parent, os.W_OK)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def turn_on_wal(engine: Engine) -> None:
    """Let readers and a writer work side by side; PostgreSQL, and a store that is so already, do."""
    if engine.dialect.name == "sqlite":
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()
