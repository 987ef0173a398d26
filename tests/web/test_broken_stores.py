"""A store that cannot be read gets a plain page, and the dashboard recovers when it can be."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from archsmith.graph.errors import UserError
from archsmith.storage.store import open_store
from archsmith.web.app import create_app
from tests.web.world import NOW, Client, World

PATHS = ("/", "/findings/1", "/api/v1/version?of=overview")


def dashboard(url: str) -> Client:
    return Client(create_app(url, clock=lambda: NOW))


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE invoices (id INTEGER)")
    connection.close()


def garbage(path: Path) -> None:
    path.write_bytes(b"this is not a database, but it is long enough to be taken for one" * 40)


def newer(path: Path) -> None:
    open_store(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


def nothing(path: Path) -> None:
    path.touch()


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "is not there": (lambda path: None, "no store at"),
    "is a folder": (Path.mkdir, "is a folder"),
    "is empty": (nothing, "is empty"),
    "is of another program": (foreign, "another program"),
    "is no database": (garbage, "must be a SQLite file"),
    "is of a newer archsmith": (newer, "update archsmith"),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_store_gets_503_and_the_reason(how: str, path: str, tmp_path: Path) -> None:
    spoil, reason = BROKEN[how]
    spoil(tmp_path / "store.db")
    answer = dashboard(f"sqlite:///{tmp_path}/store.db").get(path)

    assert answer.status_code == 503
    assert reason in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["content-type"].startswith("application/json" if "api" in path else "text/html")


def test_the_dashboard_makes_no_store(tmp_path: Path) -> None:
    dashboard(f"sqlite:///{tmp_path}/store.db").get("/")

    assert list(tmp_path.iterdir()) == []


def test_the_dashboard_recovers_when_the_store_appears(tmp_path: Path) -> None:
    client = dashboard(f"sqlite:///{tmp_path}/store.db")
    before = client.get("/studies").status_code
    open_store(f"sqlite:///{tmp_path}/store.db").close()

    assert (before, client.get("/studies").status_code) == (503, 200)


def test_the_dashboard_survives_the_loss_of_its_store_and_its_return(filled: World, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    copy = Path(filled.url.removeprefix("sqlite:///")).read_bytes()
    path.write_bytes(copy)
    client = dashboard(f"sqlite:///{path}")
    seen = [client.get("/studies/4").status_code]
    path.unlink()
    seen.append(client.get("/studies/4").status_code)
    garbage(path)
    seen.append(client.get("/studies/4").status_code)
    path.write_bytes(copy)
    seen.append(client.get("/studies/4").status_code)

    assert seen == [200, 503, 503, 200]


def test_a_damaged_graph_spoils_only_the_pages_that_show_it(world: World, own_client: Client) -> None:
    path = world.url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        connection.execute('UPDATE graph SET text = \'{"format": 1, "nodes": 5}\'')
    connection.close()

    assert own_client.get("/studies/4/trials/1").status_code == 503
    assert "is damaged" in own_client.get("/findings/1").text
    assert own_client.get("/studies").status_code == 200


def test_a_mistake_of_the_dashboard_itself_is_a_plain_500(world: World, own_client: Client) -> None:
    path = world.url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE study SET state = 'a state that no one knows'")
    connection.close()
    answer = own_client.get("/studies")

    assert answer.status_code == 500
    assert "The dashboard made a mistake" in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("url", ["", "mysql://host/db", "sqlite://", "no url"])
def test_what_is_no_url_of_a_store_is_refused_at_once(url: str) -> None:
    with pytest.raises(UserError, match="store must be"):
        create_app(url, clock=lambda: NOW)


def test_a_password_in_the_url_is_not_shown() -> None:
    client = dashboard("postgresql+psycopg://ann:secret@127.0.0.1:1/db")

    assert "secret" not in client.get("/nothing").text
    assert "secret" not in client.get("/studies").text
