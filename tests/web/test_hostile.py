"""Whatever strings the store holds, pages show them as text."""

import shutil
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest

from archsmith.graph.graph import INPUT, Graph, Node, Value
from archsmith.graph.types import TensorType
from archsmith.storage.facts import Epoch, NewFinding, Progress, TrialResult, TrialState
from archsmith.storage.goals import Constraint, Direction, Objective
from archsmith.storage.store import Transaction, open_store
from archsmith.web.app import create_app
from tests.web.world import CAMPAIGN, LEASE, NOW, SPEC, Client, new_finding

EVIL = "</pre></title>\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{13*7777}}<!--"


class Reader(HTMLParser):
    """Collects what a browser would run or load: scripts, and elements with handlers or foreign addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script":
            self.scripts.append(given.get("src") or "inline")
        if tag in ("img", "iframe", "object", "base"):
            self.found.append(tag)
        self.found += [f"{tag} {name}" for name in given if name.startswith("on")]
        address = given.get("href") or given.get("src") or "/"
        if not address.startswith(("/", "#")):
            self.found.append(f"{tag} {address}")


@pytest.fixture(scope="module")
def evil(empty_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """A client of the dashboard over a store in which every free text is hostile."""
    url = f"sqlite:///{shutil.copy(empty_file, tmp_path_factory.mktemp('evil'))}"
    with closing(open_store(url)) as store, store.begin() as tx:
        fill_with_evil(tx)
    return Client(create_app(url, clock=lambda: NOW))


def fill_with_evil(tx: Transaction) -> None:
    image = TensorType((1, 3, 8, 8))
    node = Node(EVIL, (Value(0),), (("mode", EVIL),), (image,))
    graph = Graph((Node(INPUT, (), (), (image,)), node), (Value(1),))
    spec = replace(SPEC, space=EVIL, space_text=EVIL, task=EVIL, searcher=EVIL, settings={EVIL: [EVIL]})
    objectives = (Objective(EVIL), Objective(f"{EVIL} again", Direction.MIN))
    spec = replace(spec, objectives=objectives, constraints=(Constraint(EVIL, "<=", 0.1),))
    digest = tx.graphs.put(graph)
    study = tx.studies.create(spec, EVIL, EVIL, NOW, LEASE).id
    for number in range(2):
        tx.trials.start(study, number, {EVIL: EVIL, "list": [EVIL]}, digest, NOW)
    good = TrialResult(TrialState.COMPLETE, 0.5, {EVIL: EVIL, "parameters": EVIL}, others=(0.1,), violation=4.0)
    tx.trials.finish(study, 0, good, [Epoch(1, {EVIL: 1.0})], NOW)
    tx.trials.finish(study, 1, TrialResult(TrialState.RAISED, None, {}, EVIL), [], NOW)
    tx.studies.explain(study, EVIL)
    asked = replace(CAMPAIGN, oracles=(EVIL,), settings={EVIL: EVIL}, versions={EVIL: EVIL})
    campaign = tx.campaigns.create(asked, EVIL, EVIL, NOW, LEASE).id
    counters = {"cases": 3, EVIL: 2, "operators": {EVIL: 1}, "odd": EVIL, "ran": EVIL}
    tx.campaigns.advance(campaign, EVIL, Progress(3, (), counters, 1.0), NOW)
    tx.findings.record(campaign, evil_finding(digest), NOW)
    tx.findings.mark(1, EVIL)
    tx.events.append(EVIL, "study/1", {EVIL: EVIL}, NOW)


def evil_finding(digest: str) -> NewFinding:
    return replace(
        new_finding(0, digest),
        oracle=EVIL,
        kind=EVIL,
        where=EVIL,
        summary=EVIL,
        detail=EVIL,
        script=EVIL,
        bucket=EVIL,
        case={EVIL: EVIL},
    )


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/studies",
        "/studies/1",
        "/studies/1?state=raised",
        "/studies/1/trials/0",
        "/studies/1/trials/1",
        "/campaigns",
        "/campaigns/1",
        "/findings",
        "/findings/1",
    ],
)
def test_a_page_shows_hostile_strings_as_text(path: str, evil: Client) -> None:
    answer = evil.get(path)
    reader = Reader()
    reader.feed(answer.text)

    assert answer.status_code == 200
    assert "&lt;script&gt;alert(1)" in answer.text
    assert str(13 * 7777) not in answer.text
    assert reader.found == []
    assert all(script.startswith("/static/") for script in reader.scripts)


@pytest.mark.parametrize("path", ["/findings/1/graph.svg", "/studies/1/trials/0/graph.svg", "/studies/1/space.svg"])
def test_a_drawing_shows_hostile_names_as_text(path: str, evil: Client) -> None:
    text = evil.get(f"/api/v1{path}").text

    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/studies/1", "application/json"),
        ("/studies/1/trials", "application/json"),
        ("/studies/1/curve", "application/json"),
        ("/studies/1/values", "application/json"),
        ("/studies/1/trials/0/epochs", "application/json"),
        ("/findings/1", "application/json"),
        ("/findings/1/script", "text/plain; charset=utf-8"),
        ("/events", "application/json"),
    ],
)
def test_the_api_never_says_that_its_answers_are_pages(path: str, kind: str, evil: Client) -> None:
    answer = evil.get(f"/api/v1{path}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("query", ["state", "order", "campaign", "oracle", "kind"])
def test_what_the_address_says_is_shown_as_text(query: str, client: Client) -> None:
    path = "/studies/4" if query in ("state", "order") else "/findings"
    text = client.get(f"{path}?{query}={quote(EVIL)}").text

    assert "<script>alert" not in text
    assert "<img" not in text


def test_a_path_that_is_not_there_is_not_repeated_as_markup(client: Client) -> None:
    assert "<script>alert" not in client.get("/<script>alert(1)</script>").text
