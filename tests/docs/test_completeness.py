"""Nothing that a user can name is left out of the pages, and no link leads nowhere."""

import re
from pathlib import Path

import pytest

from archsmith.evaluate.tasks import TASKS
from archsmith.fuzz.generate import SETTINGS
from archsmith.fuzz.oracles import ORACLES
from archsmith.fuzz.oracles.protocol import KINDS
from archsmith.graph.ops import DECLARED
from archsmith.search.searchers import SEARCHERS
from archsmith.spaces import nodes
from tests.docs.pages import DOCS, ROOT, pages, prose, title
from tools.build_docs import FAMILIES, ROOMS, modules

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
BUILT = {f"{room}.md" for room in ROOMS}
"""Pages of docs/api/ that exist only in a build."""


def text(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("searchers.md", SEARCHERS),
        ("evaluating.md", TASKS),
        ("fuzzing.md", ORACLES),
        ("fuzzing.md", SETTINGS),
        ("operators.md", DECLARED.operators),
    ],
    ids=["searchers", "tasks", "oracles", "fuzz settings", "operators"],
)
def test_every_name_has_its_row(page: str, names: object) -> None:
    rows = set(re.findall(r"^\| `([^`]+)` \|", text(page), re.MULTILINE))

    assert set(names) - rows == set()  # type: ignore[call-overload]


def test_every_word_of_the_language_has_its_row_and_its_paragraph() -> None:
    page = text("spaces.md")
    rows = re.findall(r"^\| \[?`(\w+)`", page, re.MULTILINE)

    assert set(re.findall(r"^\*\*`(\w+)\(", page, re.MULTILINE)) == set(nodes.__all__)
    assert set(rows) == {*nodes.__all__, "search_space"}
    assert len(rows) == len(nodes.__all__) + 1


def test_every_kind_of_failure_is_named() -> None:
    told = {
        kind for row in re.findall(r"^\| ([a-z, ]+) \|", text("fuzzing.md"), re.MULTILINE) for kind in row.split(", ")
    }

    assert set(KINDS) - told == set()


def test_every_operator_belongs_to_a_family() -> None:
    assert [entry for family in FAMILIES.values() for entry in family] == list(DECLARED.operators.values())


def test_every_room_is_in_the_reference_and_in_the_readme() -> None:
    rooms = {path.name for path in (ROOT / "src/archsmith").iterdir() if path.is_dir()}
    listed = set(re.findall(r"^(\w+)$", text("api/index.md"), re.MULTILINE))

    assert set(ROOMS) == rooms
    assert listed == rooms
    assert all(f"[`{room}/`]({room})" in (ROOT / "README.md").read_text(encoding="utf-8") for room in rooms)
    assert "archsmith.fuzz.oracles.protocol" in modules("fuzz")


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = set(re.findall(r"^([\w/-]+)$", text("index.md"), re.MULTILINE))

    assert {path.stem for path in DOCS.glob("*.md")} - {"index"} == listed - {"api/index"}


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_broken(page: Path, link: str) -> bool:
    if "://" in link:
        return False
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if target.parent == DOCS / "api" and target.name in BUILT:
        return False
    return not target.exists() or bool(anchor and anchor not in anchors(target))


@pytest.mark.parametrize("page", pages(), ids=title)
def test_links_lead_somewhere(page: Path) -> None:
    assert [link for link in LINK.findall(prose(page)) if is_broken(page, link)] == []


def test_a_broken_link_would_be_found() -> None:
    page = DOCS / "spaces.md"

    assert not is_broken(page, "decisions-and-traces.md#dead-ends")
    assert is_broken(page, "decisions-and-traces.md#no-such-heading")
    assert is_broken(page, "no-such-page.md")


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 180
