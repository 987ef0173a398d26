"""What a space needs beside data is named in its JSON, and is run only where the reader asks for it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from archsmith.graph.book import Attribute, Operator
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.rules import Rule
from archsmith.spaces.loading import load_space
from archsmith.spaces.nodes import call, chain, choose, op
from archsmith.spaces.space import search_space
from archsmith.spaces.text import from_json, needs_of, to_json
from tests.spaces.documents import GATE, RELU, depth_of, every_kind, narrow, of
from tests.strategies import WIDTH, gate

CODE = """
from pathlib import Path

Path("ran").touch()


def keep(builder, x):
    return builder.add("relu", x)
"""


def test_code_runs_only_where_the_reader_asks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(CODE, encoding="utf-8")
    name = f"{tmp_path / 'mine.py'}:keep"
    text = of({"call": name}, needs=[name])
    (tmp_path / "space.json").write_text(text, encoding="utf-8")

    with pytest.raises(
        UserError, match=r"needs code that is not part of it: .*mine.py:keep\. It is run only where you"
    ):
        from_json(text)
    with pytest.raises(UserError, match=r"space.json: the space needs code"):
        load_space("space.json")
    assert not (tmp_path / "ran").exists()

    space = from_json(text, trusted=True)
    assert (tmp_path / "ran").exists()
    assert space.text().endswith("call archsmith_user_mine:keep")
    assert from_json(to_json(space), trusted=True) == space
    assert needs_of(space) == (name,)


def test_what_is_needed_may_be_given() -> None:
    space = search_space(chain(call(gate), op("linear", out=WIDTH)), input=(4,), require=narrow, alike=depth_of)
    text = to_json(space)
    here = "tests.spaces.documents"
    needs = {GATE: gate, f"{here}:narrow": narrow, f"{here}:depth_of": depth_of}

    assert json.loads(text)["needs"] == sorted(needs)
    assert from_json(text, needs=needs) == space
    with pytest.raises(UserError, match=f"not part of it: {here}:depth_of, {here}:narrow. It"):
        from_json(text, needs={GATE: gate})
    with pytest.raises(UserError, match=r"root.chain\[0\].call: .* must be a function; got 3"):
        from_json(text, needs={**needs, GATE: 3})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module:f", "no module 'no_such_module' is installed"),
        ("json:nothing", "json must define 'nothing'"),
        ("gate", "what a space needs is named module:name; got 'gate'"),
        ("json:a b", "what a space needs is named module:name"),
        ("tests.strategies:WIDTH", "must be a function"),
    ],
)
def test_what_is_needed_and_not_there_is_named_with_its_path(name: str, message: str) -> None:
    with pytest.raises(UserError, match=f"root.call: .*{message}"):
        from_json(of({"call": name}, needs=[name]), trusted=True)


def test_a_need_that_nothing_uses_is_refused() -> None:
    with pytest.raises(UserError, match="needs: nothing uses tests.strategies:gate"):
        from_json(of(RELU, needs=[GATE]), trusted=True)


def test_a_module_of_ones_own_is_needed_by_its_name() -> None:
    def infer(inputs: object, attributes: object) -> Rule:
        raise Infeasible("it takes nothing")

    own = Operator("mine:Gate", "a gate", (Attribute("size", int, 2),), infer=infer)
    space = search_space(op(own, size=choose(1, 2)), input=(4,))
    named = search_space(op("mine:Gate"), input=(4,), operators=[own])
    text, table = to_json(space), {"mine:Gate": own}

    assert '"own": "mine:Gate"' in text
    assert needs_of(space) == needs_of(named) == ("mine:Gate",)
    again = from_json(text, needs=table)
    assert (again.root, again.text(), again.book.operators) == (space.root, space.text(), space.book.operators)
    assert from_json(to_json(named), needs=table).root == named.root
    with pytest.raises(UserError, match=r"root.op.own: mine:Gate must be an operator, such as module\(MyLayer\)"):
        from_json(text, needs={"mine:Gate": gate})


def test_a_book_of_other_operators_has_no_form() -> None:
    odd = replace(every_kind(), book=every_kind().book.extended([Operator("odd", "none of ours", ())]))

    with pytest.raises(UserError, match="operators: a rule book has the declared operators and modules of your own"):
        to_json(odd)


def test_a_file_of_json_is_a_space(tmp_path: Path) -> None:
    path = tmp_path / "space.json"
    path.write_text(to_json(every_kind()), encoding="utf-8")

    assert load_space(str(path)) == every_kind()


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "must be a file that can be read; No such"), (b"\xff", "UTF-8"), (b"{", "must be JSON")],
)
def test_a_file_that_is_none_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "space.json"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UserError, match=f"space.json.*{message}"):
        load_space(str(path))
