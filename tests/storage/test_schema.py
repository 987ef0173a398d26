"""Migrations lead to the declared tables, and a store of any other version is refused with advice."""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from archsmith.graph.errors import UserError
from archsmith.storage import schema
from archsmith.storage.facts import TrialState
from archsmith.storage.goals import Objective
from archsmith.storage.store import check_store, open_store, upgrade_store
from archsmith.storage.tables import Row

NEXT = """
from alembic import op
import sqlalchemy as sa

revision = "0004"
down_revision = "0003"


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
    """The lines of the statements that made each table and index, in any order and without quotes."""
    rows = execute(path, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'")
    return {
        str(name): sorted(line.strip(" ,\t").replace('"', "") for line in str(sql).splitlines()) for name, sql in rows
    }


@pytest.fixture
def next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The next migration's file, of a program that is that much further."""
    scripts = tmp_path / "migrations"
    shutil.copytree(Path(schema.__file__).parent / "migrations", scripts)
    file = scripts / "versions" / "r0004_next.py"
    file.write_text(NEXT)
    monkeypatch.setattr(schema, "SCRIPTS", str(scripts))
    monkeypatch.setattr(schema, "HEAD", "0004")
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


def test_an_older_store_is_refused_until_it_is_upgraded(path: Path, url: str, next_one: Path) -> None:
    execute(path, "INSERT INTO graph VALUES ('aa', '{}')")

    for read_only in (True, False):
        with pytest.raises(UserError, match=r"schema 0003 .* needs 0004: run `archsmith db upgrade`"):
            open_store(url, read_only=read_only)
    assert "archsmith db upgrade" in check_store(url)[0]

    assert upgrade_store(url) == ("0003", "0004")
    assert execute(path, "SELECT * FROM graph") == [("aa", "{}", None)]
    assert "duty TEXT NOT NULL" in tables(path)["study"]
    open_store(url).close()


def test_an_upgrade_that_fails_changes_nothing(path: Path, url: str, next_one: Path) -> None:
    before = tables(path)
    next_one.write_text(NEXT + THEN_FAILS)
    with pytest.raises(Exception, match="no such table: nowhere"):
        upgrade_store(url)

    assert tables(path) == before
    assert execute(path, "SELECT version_num FROM alembic_version") == [("0003",)]


def test_an_upgrade_that_would_leave_dangling_references_is_undone(path: Path, url: str, next_one: Path) -> None:
    execute(path, "INSERT INTO epoch VALUES (77, 1, '{}')")
    with pytest.raises(UserError, match=r"was not: row .* of epoch refers to a row of trial"):
        upgrade_store(url)

    assert execute(path, "SELECT version_num FROM alembic_version") == [("0003",)]


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
        ("DROP INDEX ix_trial_merit", "ix_trial_merit"),
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


FIRST = """
INSERT INTO archsmith_store VALUES (1, '2026-03-01', '0.1');
INSERT INTO graph VALUES ('aa', '{}');
INSERT INTO study VALUES (1, 'old', 'finished', NULL, NULL, '2026-03-01 12:00:00', '2026-03-01 13:00:00', 'small.py',
    NULL, 'chain(...)', 'ab', 'digits', 'evolution', 7, 2, 'val_r2', '{"training": {}}');
INSERT INTO trial VALUES (1, 1, 0, 'complete', '{}', 'aa', 1, '2026-03-01 12:00:00', '2026-03-01 12:01:00', -0.25,
    '{}', NULL, 1.0, NULL, NULL);
INSERT INTO trial VALUES (2, 1, 1, 'raised', '{}', 'aa', 1, '2026-03-01 12:00:00', '2026-03-01 12:01:00', NULL, '{}',
    'boom', 1.0, NULL, NULL);
INSERT INTO epoch VALUES (1, 1, '{"val_r2": -0.25}');
"""
"""A study as the first schema kept it."""


def test_a_study_of_the_first_schema_is_maximised_after_the_upgrade(tmp_path: Path) -> None:
    path, url = tmp_path / "old.db", f"sqlite:///{tmp_path / 'old.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", schema.SCRIPTS)
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FIRST)

    revisions = upgrade_store(url)

    with closing(open_store(url)) as store, store.read() as t:
        study = t.studies.find("old", datetime(2026, 3, 2, tzinfo=UTC))
        best, failed = t.trials.history(1)
        front, epochs = t.trials.front(1), t.trials.epochs(1, 0)
    assert revisions == ("0001", schema.HEAD)
    assert check_store(url) == []
    assert study.spec.objectives == (Objective("val_r2"),)
    assert (study.spec.constraints, study.reason) == ((), None)
    assert (study.best_number, study.best_value) == (0, -0.25)
    assert front == [best]
    assert (failed.state, failed.result and failed.result.reason) == (TrialState.RAISED, "boom")
    assert [epoch.number for epoch in epochs] == [1]
