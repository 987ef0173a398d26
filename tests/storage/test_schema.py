"""Migrations lead to the declared tables, and a store of any other version is refused with advice."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from archsmith.graph.errors import UserError
from archsmith.storage import schema
from archsmith.storage.store import check_store, open_store, upgrade_store
from archsmith.storage.tables import Row

SECOND = """
from alembic import op
import sqlalchemy as sa

revision = "0002"
down_revision = "0001"


def upgrade():
    op.add_column("graph", sa.Column("nodes", sa.Integer))
    with op.batch_alter_table("study") as batch:
        batch.alter_column("task", new_column_name="duty")
"""
THEN_FAILS = "    op.execute('INSERT INTO nowhere VALUES (1)')\n"


def execute(path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


def tables(path: Path) -> dict[str, list[str]]:
    """The lines of the statements that made each table and index: columns and constraints, in any order."""
    rows = execute(path, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'")
    return {str(name): sorted(line.strip(" ,\t") for line in str(sql).splitlines()) for name, sql in rows}


@pytest.fixture
def second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The second migration's file, of a program that is that much further."""
    scripts = tmp_path / "migrations"
    shutil.copytree(Path(schema.__file__).parent / "migrations", scripts)
    file = scripts / "versions" / "r0002_second.py"
    file.write_text(SECOND)
    monkeypatch.setattr(schema, "SCRIPTS", str(scripts))
    monkeypatch.setattr(schema, "HEAD", "0002")
    return file


def test_the_migrations_make_the_tables_that_are_declared(path: Path, tmp_path: Path) -> None:
    declared = tmp_path / "declared.db"
    engine = create_engine(f"sqlite:///{declared}")
    Row.metadata.create_all(engine)
    engine.dispose()

    assert tables(path) == tables(declared)
    assert check_store(f"sqlite:///{path}") == []


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", schema.SCRIPTS)

    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_an_upgrade_of_nothing_makes_a_store(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"

    assert upgrade_store(url) == (None, schema.HEAD)
    assert upgrade_store(url) == (schema.HEAD, schema.HEAD)
    assert check_store(url) == []


def test_an_older_store_is_refused_until_it_is_upgraded(path: Path, url: str, second: Path) -> None:
    execute(path, "INSERT INTO graph VALUES ('aa', '{}')")

    for read_only in (True, False):
        with pytest.raises(UserError, match=r"schema 0001 .* needs 0002: run `archsmith db upgrade`"):
            open_store(url, read_only=read_only)
    assert "archsmith db upgrade" in check_store(url)[0]

    assert upgrade_store(url) == ("0001", "0002")
    assert execute(path, "SELECT * FROM graph") == [("aa", "{}", None)]
    assert "duty TEXT NOT NULL" in tables(path)["study"]
    open_store(url).close()


def test_an_upgrade_that_fails_changes_nothing(path: Path, url: str, second: Path) -> None:
    before = tables(path)
    second.write_text(SECOND + THEN_FAILS)
    with pytest.raises(Exception, match="no such table: nowhere"):
        upgrade_store(url)

    assert tables(path) == before
    assert execute(path, "SELECT version_num FROM alembic_version") == [("0001",)]


def test_an_upgrade_that_would_leave_dangling_references_is_undone(path: Path, url: str, second: Path) -> None:
    execute(path, "INSERT INTO epoch VALUES (77, 1, '{}')")
    with pytest.raises(UserError, match=r"was not: row .* of epoch refers to a row of trial"):
        upgrade_store(url)

    assert execute(path, "SELECT version_num FROM alembic_version") == [("0001",)]


def test_a_newer_store_asks_for_a_newer_program(path: Path, url: str) -> None:
    execute(path, "UPDATE alembic_version SET version_num = '9999'")

    for attempt in (open_store, upgrade_store):
        with pytest.raises(UserError, match=r"schema 9999, which archsmith .* update archsmith"):
            attempt(url)
    assert "update archsmith" in check_store(url)[0]


def test_a_store_without_its_version_is_damaged(path: Path, url: str) -> None:
    execute(path, "DELETE FROM alembic_version")

    with pytest.raises(UserError, match="does not say which version"):
        open_store(url)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("DROP INDEX ix_trial_value", "ix_trial_value"),
        ("CREATE TABLE stranger (x)", "stranger"),
        ("ALTER TABLE event ADD COLUMN extra TEXT", "extra"),
        ("ALTER TABLE event DROP COLUMN kind", "kind"),
        ("INSERT INTO epoch VALUES (77, 1, '{}')", "epoch refers to a row of trial"),
        ("DELETE FROM archsmith_store", "archsmith_store must have one row"),
    ],
)
def test_a_check_up_finds_what_is_wrong(path: Path, url: str, damage: str, told: str) -> None:
    execute(path, damage)
    found = check_store(url)

    assert len(found) == 1
    assert told in found[0]
