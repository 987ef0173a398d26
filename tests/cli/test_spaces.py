"""``archsmith spaces`` as a user runs it."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from random import Random
from typing import Any

import pytest

from archsmith.graph.text import digest, from_json
from archsmith.spaces.checking import check_space
from archsmith.spaces.decisions import Space, Trace, replay
from archsmith.spaces.loading import load_space
from archsmith.spaces.space import TreeSpace
from archsmith.spaces.space import digest as space_digest
from archsmith.spaces.text import to_json
from tests.cli.test_commands import ROOT, imported_by, run
from tests.cli.test_errors import mistake
from tests.jobs.files import SPACE

HEAVY = {"torch", "sklearn", "numpy", "sqlalchemy", "fastapi", "rich", "z3"}

FURTHER = """
from archsmith.spaces.nodes import optional
doubled = search_space(chain(op("conv2d", out=choose(1, 2), kernel=choose(1, 3), padding=choose("same", 1)),
                             op("relu")), input=(1, 4, 4))
lopsided = search_space(any_of(op("relu"), op("linear", out=choose(*range(1, 9)))), input=(4,))
"""

CLOSED = """
from archsmith.spaces.nodes import chain, choose, op
from archsmith.spaces.space import search_space
print("a space may print")
tree = chain(op("conv2d", out=choose(1, 2), kernel=3), op("max_pool2d", kernel=9))
space = search_space(tree, input=(1, 8, 8))
"""

BARE = """
from archsmith.graph.builder import Builder
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.spaces.decisions import Decision

class Funnel:
    def walk(self):
        width = yield Decision("width", (1, 2))
        builder = Builder(DECLARED)
        return builder.finish(builder.add("linear", builder.input(TensorType((1, 4))), out=width))

    def text(self):
        return "a funnel"

class Broken(Funnel):
    def walk(self):
        yield Decision("width", (1, 2))
        raise KeyError("oops")

space, broken = Funnel(), Broken()
"""


POOLS = """
from archsmith.graph.builder import Builder
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.spaces.decisions import Decision
from archsmith.spaces.nodes import choose, op
from archsmith.spaces.space import search_space

space = search_space(op("max_pool2d", kernel=choose(2, 9), stride=choose(1, 2)), input=(1, 8, 8))

class Bare:
    def walk(self):
        kernel = yield Decision("kernel", (2, 9))
        builder = Builder(DECLARED)
        return builder.finish(builder.add("max_pool2d", builder.input(TensorType((1, 1, 8, 8))), kernel=kernel))

    def text(self):
        return "pools"

bare = Bare()
"""

BLIND_MISTAKE = """
from archsmith.spaces.nodes import call, chain, choose, op
from archsmith.spaces.space import search_space

def fragile(builder, x):
    if len(builder) == 2:
        raise KeyError("only with two nodes")
    return builder.add("relu", x)

space = search_space(chain(op("tanh"), call(fragile), op("dropout", rate=choose(0.1, 0.5))), input=(3,))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good space, one of dead ends alone, and spaces without a tree."""
    place = tmp_path_factory.mktemp("spaces")
    for name, text in (("net", SPACE + FURTHER), ("closed", CLOSED), ("bare", BARE), ("pools", POOLS)):
        (place / f"{name}.py").write_text(text, encoding="utf-8")
    return place


def document(*arguments: str, cwd: Path) -> Any:
    """The JSON that a command prints, checked to be all that it says."""
    done = run("spaces", *arguments, "--json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def text_of(space: Space) -> str:
    assert isinstance(space, TreeSpace)
    return to_json(space)


def test_a_space_is_shown_as_its_text_and_digest(folder: Path) -> None:
    space = load_space(str(folder / "net.py"))
    shown = run("spaces", "show", "net.py", cwd=folder)

    assert shown.stdout == f"{space.text()}\n\ndigest {space_digest(space)}\n"
    assert document("show", "net.py", cwd=folder) == {
        "text": space.text(),
        "digest": space_digest(space),
        "input": {"shape": [1, 1, 4, 4], "dtype": "float32"},
        "space": json.loads(text_of(space)),
        "needs": [],
    }
    bare = document("show", "bare.py", cwd=folder)
    assert (bare["input"], bare["space"], bare["needs"]) == (None, None, None)


def test_a_space_is_exported_as_json_and_taken_as_a_space(folder: Path, tmp_path: Path) -> None:
    space, out = load_space(str(folder / "net.py")), tmp_path / "net.json"
    told = {"out": str(out), "digest": space_digest(space), "needs": []}
    done = run("spaces", "export", "net.py", "--out", str(out), cwd=folder)

    assert done.stdout == f"wrote space {space_digest(space)} to {out}\n"
    assert document("export", "net.py", "--out", str(out), cwd=folder) == told
    assert out.read_text(encoding="utf-8") == f"{text_of(space)}\n"
    assert document("show", str(out), cwd=tmp_path) == document("show", "net.py", cwd=folder)
    assert document("sample", str(out), cwd=tmp_path) == document("sample", "net.py", cwd=folder)


def test_what_a_space_needs_is_told_and_never_run_from_json(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "vit.json"
    needed = "archsmith.spaces.catalog.vit:attend"
    done = run("spaces", "export", "autoformer-tiny", "--out", str(out), cwd=folder)

    assert done.stdout.endswith(f"it needs {needed}: load it in Python, with from_json(text, trusted=True)\n")
    assert document("show", "autoformer-tiny", cwd=folder)["needs"] == [needed]
    assert f"the space needs code that is not part of it: {needed}" in mistake("spaces", "count", str(out), cwd=folder)


def test_a_count_is_of_traces_and_of_different_graphs(folder: Path) -> None:
    assert document("count", "net.py", cwd=folder) == {"size": 60, "unique": 60}
    assert document("count", "net.py:doubled", cwd=folder) == {"size": 8, "unique": 6}
    assert document("count", "net.py:doubled", "--unique-up-to", "7", cwd=folder) == {"size": 8, "unique": None}
    assert run("spaces", "count", "net.py:doubled", cwd=folder).stdout == "8 architectures, 6 different networks\n"
    told = run("spaces", "count", "net.py", "--unique-up-to", "0", cwd=folder).stdout
    assert told == "60 architectures, not compared, being more than 0\n"


def test_architectures_differ_by_the_spaces_own_rule_where_it_has_one(tmp_path: Path) -> None:
    assert document("count", "nas-bench-201", cwd=tmp_path) == {"size": 15_625, "unique": 6_466}
    told = run("spaces", "count", "nas-bench-201", cwd=tmp_path).stdout
    assert told == "15,625 architectures, 6,466 different networks by the space's own rule\n"


def test_a_space_without_architectures_counts_none(folder: Path) -> None:
    done = run("spaces", "count", "closed.py", "--json", cwd=folder)

    assert json.loads(done.stdout) == {"size": 0, "unique": 0}


def test_uniform_samples_are_as_likely_as_each_other(folder: Path) -> None:
    """Of nine architectures, the branch without choices holds one and is drawn as every other one is."""
    words = ("sample", "net.py:lopsided", "--number", "200")
    plain = document(*words, cwd=folder)
    uniform = document(*words, "--uniform", cwd=folder)

    assert 80 <= sum(row["trace"]["any_of"] == "relu()" for row in plain) <= 120
    assert 10 <= sum(row["trace"]["any_of"] == "relu()" for row in uniform) <= 35
    assert document(*words, "--uniform", cwd=folder) == uniform


def test_samples_are_architectures_of_the_space(folder: Path) -> None:
    space = load_space(str(folder / "net.py"))
    rows = document("sample", "net.py", "--number", "5", "--seed", "3", cwd=folder)

    assert [row["number"] for row in rows] == [0, 1, 2, 3, 4]
    for row in rows:
        graph = replay(space, Trace.of(row["trace"])).graph
        assert graph is not None
        assert row["digest"] == digest(graph)
        assert from_json(json.dumps(row["graph"])) == graph
    assert document("sample", "net.py", "--number", "2", "--seed", "3", cwd=folder) == rows[:2]
    assert document("sample", "net.py", "--number", "5", "--seed", "4", cwd=folder) != rows


def test_samples_are_listed_for_people(folder: Path) -> None:
    (row,) = document("sample", "net.py", cwd=folder)
    first, *answers = run("spaces", "sample", "net.py", cwd=folder).stdout.splitlines()

    assert first == f"0  {row['digest']}  {row['parameters']:,} parameters, {row['macs']:,} MACs"
    assert answers == [f"   {name} = {label!r}" for name, label in row["trace"].items()]


def test_source_runs_without_archsmith(folder: Path) -> None:
    done = run("spaces", "sample", "net.py", "--number", "2", "--source", cwd=folder)
    rows = document("sample", "net.py", "--number", "2", "--source", cwd=folder)
    scopes: list[dict[str, Any]] = [{}, {}, {}]
    for text, scope in zip([done.stdout, rows[0]["source"], rows[1]["source"]], scopes, strict=True):
        assert "archsmith" not in text
        exec(text, scope)  # our own output: source is meant to be run

    assert {"Network", "Network1"} <= scopes[0].keys()
    for row, scope, name in zip(rows, scopes[1:], ("Network", "Network1"), strict=True):
        assert sum(weights.numel() for weights in scope[name]().parameters()) == row["parameters"]


def test_a_picture_of_a_space_is_a_file_by_itself(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "space.svg"
    done = run("spaces", "draw", "net.py", "--out", str(out), cwd=folder)
    name = space_digest(load_space(str(folder / "net.py")))

    assert done.stdout == f"wrote space {name} to {out}\n"
    assert document("draw", "net.py", "--out", str(out), cwd=folder) == {"out": str(out), "digest": name}
    root = ET.fromstring(out.read_text(encoding="utf-8"))
    assert (root.get("aria-label") or "").startswith("Search space of ")
    assert root.find("{http://www.w3.org/2000/svg}style") is not None


def test_a_picture_of_an_architecture_is_a_file_by_itself(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.svg"
    (row,) = document("sample", "net.py", "--seed", "2", cwd=folder)
    drawn = document("draw", "net.py", "--seed", "2", "--out", str(out), cwd=folder)

    assert drawn == {"out": str(out), "digest": row["digest"], "trace": row["trace"]}
    root = ET.fromstring(out.read_text(encoding="utf-8"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.find("{http://www.w3.org/2000/svg}style") is not None


def test_a_trace_can_be_drawn_as_it_is_or_in_its_sample(folder: Path, tmp_path: Path) -> None:
    (row,) = document("sample", "net.py", "--seed", "2", cwd=folder)
    pictures = []
    for name, content in (("trace", row["trace"]), ("sample", row)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        out = tmp_path / f"{name}.svg"
        done = run("spaces", "draw", "net.py", "--trace", str(tmp_path / f"{name}.json"), "--out", str(out), cwd=folder)
        pictures.append(out.read_text(encoding="utf-8"))
        assert done.stdout == f"wrote architecture {row['digest']} to {out}\n"

    assert pictures[0] == pictures[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "must be JSON that maps decision names to answers"),
        ("[1]", "maps decision names to answers; got a list"),
        ("3", "maps decision names to answers; got 3"),
        ('{"0/conv2d.out": 99}', "the trace says 99 to 0/conv2d.out"),
        ('{"0/conv2d.out": [2]}', "the trace says [2] to 0/conv2d.out"),
        (
            '{"0/conv2d.out": 2, "0/conv2d.kernel": 1, "1/any_of": "relu()", "depth": 3}',
            "answers depth, which this space does not ask",
        ),
    ],
)
def test_a_trace_that_is_none_of_the_space(content: str, message: str, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    path.write_text(content, encoding="utf-8")

    assert message in mistake("spaces", "draw", "net.py", "--trace", str(path), "--out", "x.svg", cwd=folder)


def test_a_dead_end_cannot_be_drawn(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    path.write_text('{"0/conv2d.out": 1}', encoding="utf-8")
    message = mistake_after_print("draw", "closed.py", "--trace", str(path), "--out", "x.svg", cwd=folder)

    assert "trace.json leads to a dead end: at 1: max_pool2d requires H + 2*padding >= kernel" in message


def mistake_after_print(*arguments: str, cwd: Path) -> str:
    """What a mistaken command says after what the space printed, which goes to standard error too."""
    done = run("spaces", *arguments, cwd=cwd)
    assert (done.returncode, done.stdout) == (2, "")
    printed, said = done.stderr.strip().splitlines()
    assert printed == "a space may print"
    return said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "missing.py"), "missing.py must be a Python file that exists"),
        (("show", "missing.json"), "missing.json must be a file that can be read; No such file or directory"),
        (("export", "net.py", "--out", "net.txt"), "a space is exported to a file ending in .json; got net.txt"),
        (("export", "net.py", "--out", "no/net.json"), "no/net.json must be a file that can be written"),
        (("export", "bare.py", "--out", "bare.json"), "bare.py must be a tree, made by search_space(...); got Funnel"),
        (("draw", "net.py", "--out", "x.png"), "a file ending in .svg; got x.png"),
        (("draw", "net.py", "--out", "no/x.svg"), "no/x.svg must be a file that can be written; No such file"),
        (("draw", "net.py", "--trace", "no.json", "--out", "x.svg"), "no.json must be a file that can be read"),
        (("draw", "net.py", "--trace", "no.json", "--seed", "1", "--out", "x.svg"), "give one of them"),
        (("count", "bare.py"), "search_space(...) to be counted; got Funnel"),
        (("sample", "bare.py", "--uniform"), "search_space(...) to be counted; got Funnel"),
        (("check", "bare.py:broken"), "a walk of its space raised KeyError: 'oops'"),
        (("sample", "bare.py:broken"), "a walk of its space raised KeyError: 'oops'"),
    ],
)
def test_mistakes_are_one_line(words: tuple[str, ...], message: str, folder: Path) -> None:
    assert message in mistake("spaces", *words, cwd=folder)


def test_a_check_reports_what_the_library_finds(folder: Path) -> None:
    found = document("check", "net.py", "--samples", "300", "--seed", "5", cwd=folder)
    report = check_space(load_space(str(folder / "net.py")), Random(5), walks=300)

    assert found["walks"] == 300
    assert found["architectures"] == report.architectures == 60
    assert found["dead_end_share"] == 0
    assert report.parameters is not None
    assert found["parameters"] == {
        "least": report.parameters.least,
        "median": report.parameters.median,
        "most": report.parameters.most,
    }


def test_a_check_tells_both_shares_of_dead_ends(folder: Path) -> None:
    """Of walks that take any option, and of those that look ahead, which a space without a tree cannot."""
    for name, looks_ahead in (("pools.py", True), ("pools.py:bare", False)):
        found = document("check", name, "--samples", "200", "--seed", "5", cwd=folder)
        said = run("spaces", "check", name, "--samples", "200", "--seed", "5", cwd=folder).stdout.splitlines()
        report = check_space(load_space(f"{folder}/{name}"), Random(5), walks=200)

        assert (found["dead_ends"], found["dead_ends_met"]) == (report.dead_ends, report.dead_ends_met)
        assert 0.3 < found["dead_end_share"] == found["dead_ends"] / 200 < 0.7
        assert (found["dead_end_share_met"] == 0) == looks_ahead
        assert found["dead_end_share_met"] == found["dead_ends_met"] / 200
        assert said[0].startswith(f"200 walks as a search takes them: {200 - found['dead_ends_met']} valid, of ")
        assert said[0].endswith(f"{found['dead_ends_met']} dead ends ({found['dead_end_share_met']:.1%})")
        assert said[1] == (
            f"200 walks that take any option: {found['dead_ends']} dead ends ({found['dead_end_share']:.1%})"
        )
        assert "most frequent dead ends of walks that take any option" in said


def test_what_only_a_blind_walk_comes_to_is_the_users_mistake_too(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(BLIND_MISTAKE, encoding="utf-8")

    said = mistake("spaces", "check", "own.py", cwd=tmp_path)

    assert said.startswith("error: own.py: ")
    assert "KeyError: 'only with two nodes'" in said


def test_a_check_that_finds_no_architecture_fails(folder: Path) -> None:
    done = run("spaces", "check", "closed.py", "--samples", "50", cwd=folder)
    asked = run("spaces", "check", "closed.py", "--samples", "50", "--json", cwd=folder)

    assert (done.returncode, asked.returncode) == (1, 1)
    assert done.stderr == "a space may print\n"
    assert "50 dead ends (100.0%)" in done.stdout
    assert "     50  max_pool2d requires H + 2*padding >= kernel\n" in done.stdout
    assert "such as got H=6, kernel=9, padding=0" in done.stdout
    assert json.loads(asked.stdout)["parameters"] is None


def test_a_space_without_a_tree_can_be_checked_sampled_and_drawn(folder: Path, tmp_path: Path) -> None:
    assert document("check", "bare.py", "--samples", "20", cwd=folder)["architectures"] == 2
    assert document("sample", "bare.py", cwd=folder)[0]["trace"].keys() == {"width"}
    for words in ((), ("--seed", "1")):
        out = tmp_path / f"{len(words)}.svg"
        assert run("spaces", "draw", "bare.py", *words, "--out", str(out), cwd=folder).returncode == 0
        assert out.read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize(
    "words",
    [
        ("show", "net.py"),
        ("sample", "net.py", "--source"),
        ("draw", "net.py", "--out", "heavy.svg"),
        ("draw", "net.py", "--seed", "0", "--out", "heavy.svg"),
    ],
    ids=["show", "sample", "draw", "draw an architecture"],
)
def test_looking_at_a_space_needs_no_heavy_library(words: tuple[str, ...], folder: Path) -> None:
    code = f"{ROOT}.main({['spaces', *words]!r}, standalone_mode=False)"

    assert imported_by(code, folder) & HEAVY == set()


def test_checking_a_space_needs_rich_alone(folder: Path) -> None:
    code = f"try:\n {ROOT.replace(chr(10), chr(10) + ' ')}.main(['spaces', 'check', 'net.py'], standalone_mode=False)"

    assert imported_by(f"{code}\nexcept SystemExit:\n pass", folder) & HEAVY <= {"rich"}


@pytest.mark.parametrize("words", [("count",), ("sample", "--uniform")])
def test_what_a_users_function_raises_while_counting_is_one_line(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from archsmith.spaces.nodes import call\n"
        "from archsmith.spaces.space import search_space\n"
        "def broken(builder, x):\n"
        "    raise KeyError('mine')\n"
        "space = search_space(call(broken), input=(3,))\n"
    )
    assert "KeyError: 'mine'" in mistake("spaces", words[0], "own.py", *words[1:], cwd=tmp_path)
