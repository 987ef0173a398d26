"""A store opens, or says in a sentence why it does not."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from archsmith.graph.errors import UserError
from archsmith.storage.complaints import explained
from archsmith.storage.facts import StudySpec
from archsmith.storage.store import Store, check_store, open_store, upgrade_store

CLOSED_FILE = "sqlite:////proc/archsmith.db"


def test_a_store_is_made_where_none_was(tmp_path: Path, noon: datetime) -> None:
    url = f"sqlite:///{tmp_path / 'ünï % ☃ #1.db'}"
    with closing(open_store(url)) as store, store.begin() as t:
        t.events.append("k", "s", {}, noon)
    with closing(open_store(url, create=False)) as store, store.read() as t:
        assert len(t.events.since(0)) == 1


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    url = f"sqlite:///{tmp_path / 'empty.db'}"

    for read_only, create in ((True, True), (False, False)):
        with pytest.raises(UserError, match="is empty"):
            open_store(url, read_only=read_only, create=create)
    assert check_store(url) == [f"{url} is empty: record something to make a store of it"]
    open_store(url).close()
    assert check_store(url) == []


def test_a_relative_path_means_the_same_after_a_change_of_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noon: datetime
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(open_store("sqlite:///here.db")) as store:
        monkeypatch.chdir("/")
        with store.begin() as t:
            t.events.append("k", "s", {}, noon)

    assert store.url == f"sqlite:///{tmp_path / 'here.db'}"
    assert (tmp_path / "here.db").exists()


@pytest.mark.parametrize(
    "url",
    [
        "archsmith.db",
        "",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///a.db?mode=ro",
        "sqlite+aiosqlite:///a.db",
        "mysql://host/db",
        "postgresql://host:port/db",
        "postgresql+nosuchdriver://host/db",
    ],
)
def test_what_is_not_the_url_of_a_store_is_refused(url: str) -> None:
    for attempt in (open_store, upgrade_store, check_store):
        with pytest.raises(UserError):
            attempt(url)


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(UserError) as caught:
        open_store("oracle://me:secret@host/db")

    assert "secret" not in str(caught.value)


def test_a_store_that_is_missing_is_not_made_by_who_only_reads(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'missing.db'}"
    attempts: list[Callable[[], object]] = [
        lambda: open_store(url, create=False),
        lambda: open_store(url, read_only=True),
        lambda: check_store(url),
    ]
    for attempt in attempts:
        with pytest.raises(UserError, match=r"no store at sqlite:///.*missing\.db"):
            attempt()

    assert list(tmp_path.iterdir()) == []


def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path) -> None:
    for place, told in ((tmp_path, "is a folder"), (tmp_path / "no" / "a.db", "folder must exist")):
        with pytest.raises(UserError, match=told):
            open_store(f"sqlite:///{place}")
    for attempt in (open_store, upgrade_store):
        with pytest.raises(UserError, match="cannot be opened: check that its folder exists"):
            attempt(CLOSED_FILE)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as connection, connection:
        connection.execute("CREATE TABLE bookmarks (x)")
    before = foreign.read_bytes()
    url = f"sqlite:///{foreign}"

    for attempt in (open_store, upgrade_store, lambda u: open_store(u, read_only=True)):
        with pytest.raises(UserError, match=r"another program's tables \(bookmarks\)"):
            attempt(url)
    assert "bookmarks" in check_store(url)[0]
    assert foreign.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["foreign.db"]


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("Dear diary, " * 1000)
    url = f"sqlite:///{text}"

    for attempt in (open_store, upgrade_store, lambda u: open_store(u, read_only=True)):
        with pytest.raises(UserError, match="must be a SQLite file, and is something else"):
            attempt(url)
    assert "must be a SQLite file" in check_store(url)[0]
    assert text.read_text() == "Dear diary, " * 1000


def test_a_damaged_store_says_so(store: Store, path: Path, url: str, noon: datetime, study_spec: StudySpec) -> None:
    with store.begin() as t:
        for _ in range(200):
            t.events.append("k" * 200, "s", {"x": 1}, noon)
    store.close()
    data = bytearray(path.read_bytes())
    for start in range(4096 * 2, len(data), 4096):
        data[start : start + 200] = b"\xff" * 200
    path.write_bytes(data)

    def read() -> None:
        with closing(open_store(url)) as damaged, damaged.read() as t:
            t.events.since(0)

    assert any("damaged" in line for line in check_store(url))
    with pytest.raises(UserError, match="is damaged: see what `archsmith db check` finds"):
        read()


def test_a_read_only_store_reads_and_writes_nothing(store: Store, url: str, noon: datetime) -> None:
    with store.begin() as t:
        t.events.append("k", "s", {}, noon)
    with closing(open_store(url, read_only=True)) as watching:
        with watching.read() as t:
            first = t.events.since(0)
        with store.begin() as t:
            t.events.append("k", "s", {}, noon)
        with watching.read() as t:
            second = t.events.since(0)
        with pytest.raises(UserError, match="was opened to be read only"), watching.begin():
            pytest.fail("a transaction began")

    assert (len(first), len(second)) == (1, 2)


def test_nothing_can_be_written_while_reading(store: Store, noon: datetime) -> None:
    with pytest.raises(UserError, match="read-only"), store.read() as t:
        t.events.append("k", "s", {}, noon)
    with store.begin() as t:
        t.events.append("k", "s", {}, noon)

        assert len(t.events.since(0)) == 1


def test_a_snapshot_stays_as_it_was(store: Store, noon: datetime) -> None:
    with store.read() as reading:
        before = reading.events.since(0)
        with store.begin() as t:
            t.events.append("k", "s", {}, noon)
        during = reading.events.since(0)
    with store.read() as reading:
        after = reading.events.since(0)

    assert (before, during, len(after)) == ([], [], 1)


def test_threads_share_a_store(store: Store, noon: datetime) -> None:
    def write() -> None:
        for _ in range(10):
            with store.begin() as t:
                last = t.events.since(0, limit=1000)
                t.events.append("k", "s", {"before": len(last)}, noon)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with store.read() as t:
        assert [event.payload["before"] for event in t.events.since(0)] == list(range(40))


def test_a_transaction_ends_with_its_block(store: Store) -> None:
    with store.begin() as t:
        pass

    with pytest.raises(Exception, match="closed"):
        t.events.since(0)


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("PRAGMA max_page_count = 2")
        with (
            pytest.raises(UserError, match=r"the disk that holds X is full: free some space"),
            explained("X"),
        ):
            connection.executescript("CREATE TABLE a (x); CREATE TABLE b (x); CREATE TABLE c (x)")


def test_a_database_that_is_locked_is_told_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    with closing(sqlite3.connect(file)) as holder, closing(sqlite3.connect(file, timeout=0)) as other:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(UserError, match="another program has kept X locked"), explained("X"):
            other.execute("BEGIN IMMEDIATE")


def test_a_mistake_of_ours_is_not_passed_off_as_the_callers(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        with pytest.raises(sqlite3.OperationalError, match="no such table"), explained("X"):
            connection.execute("SELECT * FROM nowhere")
        with pytest.raises(OverflowError), explained("X"):
            connection.execute("SELECT ?", [2**70])


def test_the_facts_need_no_database() -> None:
    code = "import sys, archsmith.storage.facts; print('sqlalchemy' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert (result.stdout.strip(), result.stderr) == ("False", "")


def test_durability_and_foreign_keys_are_what_is_promised(store: Store, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    with store.begin() as t:
        session = t.events._session
        pragmas = [
            session.connection().exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("synchronous", "foreign_keys", "busy_timeout")
        ]

    assert (mode, pragmas) == ("wal", [1, 1, 30_000])
