"""Which schema a database has, and how it gets the one that this program needs.

Alembic is imported only where a schema is made, compared or explained: to open a store that is up to date
takes milliseconds without it.
"""

from typing import Any

from sqlalchemy import Connection, func, insert, inspect, select, text

from archsmith import __version__
from archsmith.graph.errors import UserError
from archsmith.storage.tables import Row, StoreRow

HEAD = "0003"
"""The revision that this program reads and writes: the newest of the migrations."""

SCRIPTS = "archsmith:storage/migrations"


def revision_of(connection: Connection, url: str) -> str | None:
    """The schema revision of a store; None for an empty database.

    Raises:
        UserError: the database is not empty and not ours.
    """
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if StoreRow.__tablename__ not in tables:
        shown = ", ".join(sorted(tables)[:5])
        raise UserError(
            f"{url} must be a store of archsmith, and holds another program's tables ({shown}): give another"
        )
    has_version = "alembic_version" in tables
    found = connection.scalars(text("SELECT version_num FROM alembic_version")).all() if has_version else []
    if len(found) != 1:
        raise UserError(f"{url} does not say which version of the schema it has: restore a backup")
    return str(found[0])


def demand_head(revision: str | None, url: str) -> None:
    """Accept the current schema only.

    Raises:
        UserError: the database is empty, or its schema is older, or newer than this program.
    """
    if revision == HEAD:
        return
    if revision is None:
        raise UserError(f"{url} is empty: record something to make a store of it")
    if _is_known(revision):
        raise UserError(f"{url} has schema {revision} and this archsmith needs {HEAD}: run `archsmith db upgrade`")
    raise UserError(f"{url} has schema {revision}, which archsmith {__version__} does not know: update archsmith")


def upgrade(connection: Connection, url: str) -> tuple[str | None, str]:
    """Bring a store, or an empty database, to ``HEAD`` in the caller's transaction; gives both revisions."""
    from alembic import command

    before = revision_of(connection, url)
    if before is not None and not _is_known(before):
        demand_head(before, url)
    if before != HEAD:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    if before is None:
        connection.execute(insert(StoreRow).values(id=1, created=func.now(), program=__version__))
    return before, HEAD


def differences(connection: Connection) -> list[str]:
    """How the tables of a store differ from the ones that this program declares."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    found: list[str] = []
    for change in compare_metadata(MigrationContext.configure(connection), Row.metadata):
        for step in change if isinstance(change, list) else [change]:
            found.append(f"the schema is not the declared one; what would mend it: {_told(step)}")
    if not connection.scalar(select(func.count()).select_from(StoreRow)):
        found.append(f"the table {StoreRow.__tablename__} must have one row, and is empty")
    return found


def _told(step: tuple[Any, ...]) -> str:
    named = [getattr(part, "name", part) for part in step[1:4]]
    return " ".join(str(part) for part in [step[0].replace("_", " "), *named] if isinstance(part, str))


def _is_known(revision: str) -> bool:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return any(script.revision == revision for script in scripts)


def _config() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    return config
