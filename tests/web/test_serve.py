"""The server: where it listens, and when it wants a token."""

import socket
import subprocess
import sys
from contextlib import closing
from typing import Any

import pytest

from archsmith.graph.errors import UserError
from archsmith.web.app import LOOPBACK
from archsmith.web.guard import ANY_HOST, Guard
from archsmith.web.serve import address, is_loopback, serve, server_for
from tests.web.world import NOW, World


def hosts_of(url: str, host: str, token: str | None = "t", **options: object) -> set[str]:
    app: Any = server_for(url, host, 0, token, clock=lambda: NOW, **options).config.app  # type: ignore[arg-type]
    (guard,) = (layer for layer in app.user_middleware if layer.cls is Guard)
    return set(guard.kwargs["hosts"])


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org", "fe80::1"])
def test_a_network_is_not_served_without_a_token(host: str, filled: World) -> None:
    with pytest.raises(UserError, match="needs a token"):
        server_for(filled.url, host, 0, None, clock=lambda: NOW)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]"])
def test_this_machine_is_served_without_a_token(host: str, filled: World) -> None:
    config = server_for(filled.url, host, 0, None, clock=lambda: NOW).config

    assert is_loopback(host)
    assert config.access_log is False


def test_the_server_answers_under_its_own_name(filled: World) -> None:
    assert hosts_of(filled.url, "127.0.0.1") == set(LOOPBACK)
    assert hosts_of(filled.url, "lab.example") == {*LOOPBACK, "lab.example"}
    assert hosts_of(filled.url, "fe80::1") == {*LOOPBACK, "[fe80::1]"}
    assert hosts_of(filled.url, "0.0.0.0") == {ANY_HOST}
    assert hosts_of(filled.url, "0.0.0.0", hosts=("only.example",)) == {"only.example"}


@pytest.mark.parametrize(
    ("host", "token", "shown"),
    [
        ("127.0.0.1", None, "http://127.0.0.1:8750/"),
        ("::1", None, "http://[::1]:8750/"),
        ("lab.example", "a/b c", "http://lab.example:8750/?token=a%2Fb%20c"),
    ],
)
def test_the_address_is_one_to_open(host: str, token: str | None, shown: str) -> None:
    assert address(host, 8750, token) == shown


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_must_be_one(port: int, filled: World) -> None:
    with pytest.raises(UserError, match="0 to 65535"):
        server_for(filled.url, "127.0.0.1", port, None, clock=lambda: NOW)


def test_a_taken_port_is_the_callers_mistake(filled: World) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UserError, match="cannot have it: give another"):
            serve(filled.url, port=taken.getsockname()[1], clock=lambda: NOW)


def test_the_dashboard_starts_without_anything_heavy() -> None:
    heavy = "{'torch', 'sklearn', 'plotly', 'numpy', 'z3', 'alembic'}"
    code = f"import sys, archsmith.web.app, archsmith.web.serve; print({heavy} & sys.modules.keys())"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)

    assert (result.stdout.strip(), result.stderr) == ("set()", "")
