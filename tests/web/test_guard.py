"""Who is let in, and what every answer carries."""

import re
from urllib.parse import quote

import pytest
from fastapi import FastAPI

from archsmith.graph.errors import UserError
from archsmith.web.app import create_app
from archsmith.web.guard import POLICY, host_name
from tests.web.world import Client, World

TOKEN = "correct horse+battery/staple"
KNOWN = ("localhost", "LOCALHOST:8750", "127.0.0.1:1", "[::1]:8750", "localhost.")
STRANGE = ("evil.example", "localhost.evil.example", "127.0.0.1.nip.io:8750", "[::2]", "[::1", "192.168.0.7")


@pytest.fixture(scope="module")
def locked_app(filled: World) -> FastAPI:
    return create_app(filled.url, clock=filled.clock, token=TOKEN)


@pytest.fixture
def locked(locked_app: FastAPI) -> Client:
    """A client of a dashboard that wants a token."""
    return Client(locked_app)


def with_host(host: str) -> dict[str, str]:
    return {"host": host}


@pytest.mark.parametrize("host", KNOWN)
def test_a_known_host_name_is_answered(host: str, client: Client) -> None:
    assert client.get("/studies", with_host(host)).status_code == 200


@pytest.mark.parametrize("host", [*STRANGE, ""])
@pytest.mark.parametrize("path", ["/studies", "/api/v1/studies", "/static/live.js"])
def test_a_strange_host_name_is_refused(host: str, path: str, client: Client) -> None:
    answer = client.get(path, with_host(host))

    assert answer.status_code == 400
    assert "digits-mcts" not in answer.text


def test_other_host_names_can_be_allowed(filled: World) -> None:
    named = Client(create_app(filled.url, clock=filled.clock, hosts=("Lab.Example",)))
    anyone = Client(create_app(filled.url, clock=filled.clock, hosts=("*",)))

    assert named.get("/studies", with_host("lab.example:80")).status_code == 200
    assert named.get("/studies", with_host("localhost")).status_code == 400
    assert anyone.get("/studies", with_host("whoever.example")).status_code == 200


@pytest.mark.parametrize(
    ("header", "name"), [("A.b:80", "a.b"), ("[::1]:80", "[::1]"), ("[::1", ""), ("", ""), ("a.", "a")]
)
def test_a_host_header_is_read_without_its_port(header: str, name: str) -> None:
    assert host_name(header) == name


@pytest.mark.parametrize("path", ["/", "/studies/4", "/api/v1/studies", "/openapi.json", "/no", "/static"])
def test_without_the_token_nothing_is_shown(path: str, locked: Client) -> None:
    answer = locked.get(path)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "digits-mcts" not in answer.text
    assert "archsmith serve" in answer.text


@pytest.mark.parametrize("path", ["/static/archsmith.css", "/static/live.js"])
def test_the_style_of_the_refusal_needs_no_token(path: str, locked: Client) -> None:
    assert locked.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/static/../studies", "/static/%2e%2e/studies", "//static/x", "/Static/live.js"])
def test_no_path_dresses_up_as_a_style_sheet(path: str, locked: Client) -> None:
    assert "digits-mcts" not in locked.get(path).text


def test_the_token_in_the_address_becomes_a_cookie_and_leaves_the_address(locked: Client) -> None:
    answer = locked.get(f"/studies/4?state=raised&token={quote(TOKEN)}&order=value")
    cookie = answer.headers["set-cookie"]

    assert answer.status_code == 303
    assert answer.headers["location"] == "/studies/4?state=raised&order=value"
    assert re.search(r"; HttpOnly; Path=/; SameSite=strict$", cookie)
    assert TOKEN not in cookie
    assert locked.get(answer.headers["location"]).status_code == 200
    assert locked.get("/api/v1/studies").status_code == 200


def test_the_cookie_is_secure_where_the_address_is(locked: Client) -> None:
    secure = locked.get(f"https://localhost/?token={quote(TOKEN)}").headers["set-cookie"]
    plain = locked.get(f"http://localhost/?token={quote(TOKEN)}").headers["set-cookie"]

    assert secure == f"{plain}; Secure"


@pytest.mark.parametrize(
    "path",
    ["//evil.example/", "/\\evil.example", "///evil.example/x", "/%2Fevil.example", "/%5Cevil.example"],
)
def test_the_redirect_never_leads_to_another_host(path: str, locked: Client) -> None:
    answer = locked.get(f"http://localhost{path}?token={quote(TOKEN)}")

    assert answer.status_code == 303
    assert re.match(r"/[^/\\]", answer.headers["location"])


@pytest.mark.parametrize("token", ["", "correct", TOKEN + "x", TOKEN.upper(), "\N{SNOWMAN}"])
def test_a_wrong_token_is_refused_however_it_comes(token: str, locked: Client) -> None:
    in_address = locked.get(f"/studies?token={quote(token)}")
    in_header = locked.get("/api/v1/studies", {"authorization": f"Bearer {quote(token)}"})
    locked.cookies.set("archsmith-00000000", quote(token))
    in_cookie = locked.get("/studies")

    assert {answer.status_code for answer in (in_address, in_header, in_cookie)} == {401}
    assert "set-cookie" not in in_address.headers


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_programs_bring_the_token_in_a_header(scheme: str, locked: Client) -> None:
    answer = locked.get("/api/v1/studies", {"authorization": f"{scheme} {TOKEN}"})

    assert answer.status_code == 200
    assert len(answer.json()["items"]) == 4


def test_another_scheme_is_no_bearer(locked: Client) -> None:
    assert locked.get("/api/v1/studies", {"authorization": f"Basic {TOKEN}"}).status_code == 401


def test_the_cookie_of_another_token_opens_nothing(locked: Client, filled: World) -> None:
    other = Client(create_app(filled.url, clock=filled.clock, token="another"))
    other.get("/?token=another")
    locked.cookies = other.cookies

    assert other.get("/studies").status_code == 200
    assert locked.get("/studies").status_code == 401


def test_a_strange_host_is_refused_before_its_token_is_looked_at(locked: Client) -> None:
    answer = locked.get(f"/?token={quote(TOKEN)}", with_host("evil.example"))

    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers


def test_an_empty_token_is_refused(filled: World) -> None:
    with pytest.raises(UserError, match="must not be empty"):
        create_app(filled.url, clock=filled.clock, token=" ")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/studies/4",
        "/nothing",
        "/studies/4?order=weight",
        "/api/v1/studies",
        "/static/live.js",
        "/openapi.json",
    ],
)
def test_every_answer_carries_the_security_headers(path: str, client: Client) -> None:
    headers = client.get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; ")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "server" not in headers


def test_refusals_carry_them_too(locked: Client) -> None:
    assert locked.get("/").headers["content-security-policy"] == POLICY
    assert locked.get("/", with_host("evil.example")).headers["content-security-policy"] == POLICY


def test_only_pages_with_a_chart_allow_style_attributes(client: Client) -> None:
    pages = ("/", "/studies", "/studies/4", "/studies/4/trials/7", "/campaigns/1", "/findings", "/findings/1")
    allowing = [path for path in pages if "'unsafe-inline'" in client.get(path).headers["content-security-policy"]]

    assert allowing == ["/studies/4", "/studies/4/trials/7"]
    assert "script-src 'self';" in client.get("/studies/4").headers["content-security-policy"]
