"""``archsmith rules`` and ``archsmith ops``: what is known about operators, from the command line."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from archsmith.cli import ops, rules
from archsmith.graph import learned
from archsmith.graph.errors import UserError
from archsmith.graph.learned import learned_operator
from archsmith.graph.ops import DECLARED
from archsmith.graph.rule_json import rule_from_json
from tests.cli.test_commands import ROOT, imported_by, run
from tests.cli.test_errors import mistake
from tests.learned_rules import added, learned_rule, operators, roll, softplus, tensor, written


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return written(tmp_path)


def output(command: object, arguments: Sequence[str]) -> str:
    """What a command prints, in this process."""
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)  # type: ignore[arg-type]
    assert done.exit_code == 0
    return done.stdout


def test_the_operators_of_a_book_are_listed(book: Path) -> None:
    lines = output(rules.list_rules, ["--book", str(book), "--provenance"]).splitlines()
    rows = json.loads(output(rules.list_rules, ["--book", str(book), "--json"]))

    assert lines[0].split() == ["operator", "signatures", "provenance", "support", "precision", "recall"]
    assert next(line.split() for line in lines if line.startswith("torch.roll")) == [
        "torch.roll", "5", "confirmed", "200", "1.0000", "0.9980",
    ]  # fmt: skip
    assert [row["operator"] for row in rows] == sorted(entry.name for entry in operators())
    assert next(row for row in rows if row["operator"] == "torch.roll") == {
        "operator": "torch.roll",
        "signatures": 5,
        "provenance": "confirmed",
        "support": 200,
        "counter_examples": 0,
        "precision": 1.0,
        "recall": 0.998,
    }


def test_declared_rules_are_listed_too() -> None:
    rows = json.loads(output(rules.list_rules, ["--declared", "--json"]))

    assert [row["operator"] for row in rows] == list(DECLARED.operators)
    assert {row["provenance"] for row in rows} == {"declared"}


def test_the_least_certain_rule_says_how_an_operator_is_known() -> None:
    assert rules.weakest({"confirmed", "learned"}) == "learned"
    assert rules.weakest({"confirmed"}) == "confirmed"
    assert rules.weakest(()) is None


def test_the_rules_of_an_operator_are_shown(book: Path) -> None:
    shown = output(rules.show, ["torch.roll", "--book", str(book)])
    document = json.loads(output(rules.show, ["torch.roll", "--book", str(book), "--json"]))

    assert shown.startswith("torch.roll(input[input_0, input_1], shifts, 0) -> [input_0, input_1]\n    dtypes float32")
    assert "confirmed on PyTorch 2.13.0: support 40, precision 1.000, recall 0.998" in shown
    assert rule_from_json(document["rules"][0]) == roll(2, 0)
    assert output(rules.show, ["torch.sum", "--book", str(book)]).startswith("torch.sum: sum of elements\n\n")


def test_declared_rules_are_shown_by_the_same_command() -> None:
    document = json.loads(output(rules.show, ["max_pool2d", "--json"]))

    assert "requires 2*padding <= kernel\n" in output(rules.show, ["max_pool2d"])
    assert tuple(map(rule_from_json, document["rules"])) == DECLARED.operator("max_pool2d").rules


def test_books_are_compared(tmp_path: Path, book: Path) -> None:
    (tmp_path / "old").mkdir()
    old = written(tmp_path / "old", [learned_operator("torch.roll", [roll(2, 0)]), operators()[-1]])
    told = output(rules.diff, [str(old), str(book)]).splitlines()
    document = json.loads(output(rules.diff, [str(old), str(book), "--json"]))

    assert told[0] == "PyTorch 2.13.0 -> 2.13.0"
    assert "+ torch.sum" in told
    assert "+ torch.roll(input[input_0, input_1], shifts, 1)" in told
    assert document["operators_removed"] == []
    assert len(document["signatures_added"]) == 4
    assert "no rule differs" in output(rules.diff, [str(book), str(book)])


def test_a_bad_book_is_one_line_and_exit_code_2(tmp_path: Path, book: Path) -> None:
    (tmp_path / "text.gz").write_text("no book", encoding="utf-8")
    (tmp_path / "short.gz").write_bytes(book.read_bytes()[:-9])
    for words, said in (
        (("rules", "list", "--book", "none.gz"), "none.gz must be a book of rules that can be read; No such file"),
        (("rules", "show", "torch.roll", "--book", "text.gz"), "text.gz must be a book that `archsmith rules infer`"),
        (("rules", "diff", "short.gz", "short.gz"), "short.gz is damaged: it should have"),
        (("rules", "show", "torch.rol"), "did you mean"),
        (("ops", "show", "conv4d"), "did you mean one of: conv"),
    ):
        assert said in mistake(*words, cwd=tmp_path)


def test_looking_at_rules_imports_nothing_heavy(tmp_path: Path, book: Path) -> None:
    for words in (["rules", "list", "--book", str(book)], ["rules", "show", "relu"], ["ops", "list"]):
        assert imported_by(f"{ROOT}.main({words!r}, standalone_mode=False)", tmp_path) == set()


def test_operators_are_listed_with_their_attributes(monkeypatch: pytest.MonkeyPatch, book: Path) -> None:
    monkeypatch.setattr(learned, "RULEBOOKS", book.parent)
    plain = json.loads(output(ops.list_ops, ["--json"]))
    both = json.loads(output(ops.list_ops, ["--learned", "--json"]))

    assert [row["operator"] for row in plain] == list(DECLARED.operators)
    assert len(both) == len(plain) + len(operators())
    assert next(row for row in both if row["operator"] == "torch.roll")["attributes"] == [
        "shifts", "dims", "shifts_0", "shifts_1", "dims_0", "dims_1",
    ]  # fmt: skip
    line = next(line for line in output(ops.list_ops, []).splitlines() if line.startswith("conv2d "))
    assert "out, kernel, stride, padding, dilation, groups, bias" in line


def test_an_operator_is_shown_with_its_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = output(ops.show, ["conv2d"])
    softplus_only = learned_operator("torch.nn.functional.softplus", [softplus(2)], defaults={"beta": 1.0})

    assert "  out: int; must be given\n" in shown
    assert "  padding: int, or 'same'; 0 by default\n" in shown
    assert "written as nn.Conv2d({C}, {out}" in shown
    assert json.loads(output(ops.show, ["elu", "--json"]))["arguments"] == [
        {"name": "alpha", "kind": "float", "default": 1.0, "words": []}
    ]
    monkeypatch.setattr(type(DECLARED), "operator", lambda book, name: softplus_only)
    assert "  beta, 1.0 by default\n  threshold\n1 signatures" in output(ops.show, ["torch.nn.functional.softplus"])


def test_a_space_with_a_learned_operator_from_the_command_line(tmp_path: Path, book: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from pathlib import Path\n"
        "from archsmith.graph import learned\n"
        f"learned.RULEBOOKS = Path({str(book.parent)!r})\n"
        "from archsmith.spaces.nodes import chain, choose, op\n"
        "from archsmith.spaces.space import search_space\n"
        "body = op('torch.roll', shifts=choose(1, 2), dims=1), op('linear', out=2)\n"
        "space = search_space(chain(*body), input=(4,))\n",
        encoding="utf-8",
    )
    drawn = run("spaces", "sample", "net.py", "--seed", "1", "--source", cwd=tmp_path)
    checked = run("spaces", "check", "net.py", "--samples", "20", "--json", cwd=tmp_path)

    assert drawn.returncode == 0, drawn.stderr
    assert "v1 = torch.roll(x0, " in drawn.stdout
    assert json.loads(checked.stdout)["architectures"] == 2


def test_a_missing_book_is_a_mistake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(learned, "RULEBOOKS", tmp_path)
    with pytest.raises(UserError, match=r"there are books for PyTorch \(none\)"):
        rules.opened(None)


def test_rules_are_tried_on_the_installed_pytorch(tmp_path: Path) -> None:
    wrong = replace(added(), requires=())
    gone = learned_rule("torch.no_such", (tensor("input", 1),), (("input_0",),))
    known = [learned_operator(rule.operator, [rule]) for rule in (roll(2, 1), wrong, gone)]
    path = written(tmp_path, known)
    good = run("rules", "check", "torch.roll", "--book", str(path), cwd=tmp_path)
    every = run("rules", "check", "--book", str(path), cwd=tmp_path)
    document = json.loads(run("rules", "check", "torch.add", "--book", str(path), "--json", cwd=tmp_path).stdout)

    assert good.returncode == 0, good.stderr
    assert ": 1 rules, 0 broken; 19 calls inside, 0 outside, 0 of them" in good.stdout
    assert every.returncode == 1
    assert every.stdout.startswith("missing  torch.no_such\nbroken  torch.add(input[input_0, input_1], other[")
    assert "by the rule, RuntimeError: The size of tensor a" in every.stdout
    assert document["rules"][0]["broken"] is True
    assert "no operator 'torch.rol'" in mistake("rules", "check", "torch.rol", "--book", str(path), cwd=tmp_path)
