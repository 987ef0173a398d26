"""The store: opened by URL, read by snapshots, written by transactions; also its upgrade and its check-up."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.orm import Session

from archsmith.graph.errors import UserError
from archsmith.storage import schema
from archsmith.storage.calls import Calls, Inferences
from archsmith.storage.campaigns import Campaigns
from archsmith.storage.complaints import explained
from archsmith.storage.engine import engine_for, parsed, turn_on_wal
from archsmith.storage.events import Events
from archsmith.storage.findings import Findings
from archsmith.storage.graphs import Graphs
from archsmith.storage.studies import Studies
from archsmith.storage.trials import Trials


@dataclass(frozen=True, slots=True)
class Transaction:
    """The repositories of one transaction; valid until the block that gave it ends."""

    graphs: Graphs
    studies: Studies
    trials: Trials
    campaigns: Campaigns
    findings: Findings
    calls: Calls
    inferences: Inferences
    events: Events


class Store:
    """An open store, made by ``open_store``; threads may share it, processes open their own.

    ``url`` is for people: an absolute path, or an address whose password is hidden.
    """

    def __init__(self, url: str, engine: Engine, *, read_only: bool) -> None:
        self.url = url
        self._engine = engine
        self._read_only = read_only

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """One write transaction: it commits when the block ends, and leaves nothing if the block raises.

        Raises:
            UserError: the store was opened to be read, or its disk or permissions do not let it be written.
        """
        if self._read_only:
            raise UserError(f"{self.url} was opened to be read only: open it for writing first")
        with explained(self.url), _session(_writing(self._engine)) as session, session.begin():
            yield _transaction(session)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """One snapshot: everything read in the block is of one moment, and nothing can be written."""
        with explained(self.url), _session(self._engine) as session:
            yield _transaction(session)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def open_store(url: str, *, create: bool = True, read_only: bool = False) -> Store:
    """Open the store at an SQLAlchemy URL; one that does not exist is made, unless ``create`` is off.

    ``read_only`` makes nothing, and works where nothing may be written.

    Raises:
        UserError: the store is missing, not ours, damaged, locked, not writable, or of another schema.
    """
    place = parsed(url)
    name = str(place)
    _demand_reachable(place, create=create and not read_only)
    engine = engine_for(place, "ro" if read_only else "rwc" if create else "rw")
    with ExitStack() as on_failure, explained(name):
        on_failure.callback(engine.dispose)
        if read_only:
            _read_revision(engine, name)
        else:
            _ensure_head(engine, name, create=create)
            turn_on_wal(engine)
        on_failure.pop_all()
    return Store(name, engine, read_only=read_only)


def upgrade_store(url: str) -> tuple[str | None, str]:
    """Bring a store's schema to the one that this program needs, or make a new store; gives both revisions.

    Raises:
        UserError: it is not a store of ours, or a newer one, or it cannot be written; it is then as it was.
    """
    place = parsed(url)
    name = str(place)
    _demand_reachable(place, create=True)
    # SQLite changes a table by copying it, which foreign keys forbid; they are checked before the commit.
    engine = engine_for(place, "rwc", foreign_keys=False)
    try:
        with explained(name):
            with _writing(engine).begin() as connection:
                revisions = schema.upgrade(connection, name)
                broken = _broken_references(connection)
                if broken:
                    raise UserError(f"{name} cannot be upgraded, and was not: {broken[0]}")
            turn_on_wal(engine)
    finally:
        engine.dispose()
    return revisions


def check_store(url: str) -> list[str]:
    """Everything that is wrong with a store, a line each; empty when it is healthy.

    Raises:
        UserError: there is no such store.
    """
    place = parsed(url)
    name = str(place)
    _demand_reachable(place, create=False)
    engine = engine_for(place, "ro")
    found: list[str] = []
    try:
        with explained(name), engine.begin() as connection:
            found += _damage(connection) or _broken_references(connection)
            schema.demand_head(schema.revision_of(connection, name), name)
            found += schema.differences(connection)
    except UserError as error:
        found.append(str(error))
    finally:
        engine.dispose()
    return found


def _session(engine: Engine) -> Session:
    return Session(engine, expire_on_commit=False, close_resets_only=False)


def _transaction(session: Session) -> Transaction:
    return Transaction(
        graphs=Graphs(session),
        studies=Studies(session),
        trials=Trials(session),
        campaigns=Campaigns(session),
        findings=Findings(session),
        calls=Calls(session),
        inferences=Inferences(session),
        events=Events(session),
    )


def _writing(engine: Engine) -> Engine:
    return engine.execution_options(writes=True)


def _demand_reachable(place: URL, *, create: bool) -> None:
    if place.get_backend_name() != "sqlite":
        return
    path = Path(place.database or "")
    if path.is_dir():
        raise UserError(f"a store must be a file, and {path} is a folder: give a path within it")
    if not path.parent.is_dir():
        raise UserError(f"a store's folder must exist, and {path.parent} does not: create it first")
    if not create and not path.exists():
        raise UserError(f"no store at {place!s}: give the path of one, or record something to make it")


def _read_revision(engine: Engine, name: str) -> None:
    with engine.begin() as connection:
        schema.demand_head(schema.revision_of(connection, name), name)


def _ensure_head(engine: Engine, name: str, *, create: bool) -> None:
    with _writing(engine).begin() as connection:
        revision = schema.revision_of(connection, name)
        if revision is None and create:
            schema.upgrade(connection, name)
        else:
            schema.demand_head(revision, name)


def _damage(connection: Connection) -> list[str]:
    if connection.dialect.name != "sqlite":
        return []
    lines = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
    return [] if lines == ["ok"] else [f"damaged: {line}" for line in lines]


def _broken_references(connection: Connection) -> list[str]:
    if connection.dialect.name != "sqlite":
        return []
    rows = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return [f"row {row[1]} of {row[0]} refers to a row of {row[2]} that does not exist" for row in rows]
