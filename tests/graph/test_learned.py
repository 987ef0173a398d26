"""Books of learned rules as files: read operator by operator, damaged ones refused, equal ones of equal bytes."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from archsmith.graph import learned
from archsmith.graph.book import RuleBook
from archsmith.graph.errors import UserError
from archsmith.graph.learned import (
    LearnedBook,
    book_bytes,
    book_from_bytes,
    learned_book,
    learned_operator,
    learned_operators,
    load_book,
    shipped,
    write_book,
)
from archsmith.graph.ops import DECLARED
from tests.learned_rules import operators, roll, softplus, written

GOLDEN = Path(__file__).parent.parent / "golden" / "rulebook.jsonl"


def book() -> LearnedBook:
    return book_from_bytes(book_bytes(operators(), pytorch="2.13.0", built="by hand"), name="a book")


def test_a_book_is_read_back() -> None:
    read = book()

    assert list(read.operators()) == sorted(operators(), key=lambda entry: entry.name)
    assert list(read.names) == sorted(entry.name for entry in operators())
    assert (read.header.pytorch, read.header.built) == ("2.13.0", "by hand")
    assert (read.header.operators, read.header.rules) == (len(operators()), sum(len(e.rules) for e in operators()))


def test_a_book_is_the_same_to_the_letter() -> None:
    """The golden file is what ``gunzip`` makes of the book; a changed form needs a new ``FORMAT``."""
    text = gzip.decompress(book_bytes(operators(), pytorch="2.13.0", built="by hand")).decode()
    header, *lines = text.splitlines()
    expected, *others = GOLDEN.read_text(encoding="utf-8").splitlines()
    parts = json.loads(header).pop("parts")

    assert json.loads(header) == json.loads(expected) | {"parts": parts}
    assert [name for _, *names in parts for name in names] == [json.loads(line)["operator"] for line in lines]
    assert lines == others


def test_equal_books_have_equal_bytes() -> None:
    shuffled = operators()
    Random(0).shuffle(shuffled)

    assert book_bytes(shuffled, pytorch="1", built="") == book_bytes(operators(), pytorch="1", built="")


def test_an_operator_is_read_without_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learned, "PART", 1)  # a part for each operator
    data = book_bytes(operators(), pytorch="2.13.0", built="")
    places = [place for place in range(len(data)) if data.startswith(b"\x1f\x8b\x08\x00", place)]
    damaged = data[: places[-1] + 12] + b"\xff" * (len(data) - places[-1] - 12)
    read = book_from_bytes(damaged, name="some.gz")

    assert len(places) == len(operators()) + 1
    assert read.operator("torch.roll").rules
    with pytest.raises(UserError, match=r"some\.gz: torch\.sum: it is no gzip file, or a damaged one"):
        read.operator("torch.sum")


def test_a_name_that_is_not_there_is_a_mistake() -> None:
    assert "torch.roll" in book()
    assert "torch.rol" not in book()
    with pytest.raises(UserError, match=r"no operator 'torch\.rol' in a book"):
        book().operator("torch.rol")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "its end is missing"),
        (b"no gzip", "it is no gzip file"),
        (gzip.compress(b"not json"), "must be a book that `archsmith rules infer` wrote; Expecting value"),
        (gzip.compress(b"[" * 100_000), "must be a book that"),
        (gzip.compress(b"[1, 2]"), "its first line says kind, format"),
        (gzip.compress(b'{"kind": "archsmith rule book", "format": 7}'), "of format 7, and archsmith reads"),
        (gzip.compress(b'{"kind": "rows", "format": 1}'), "this is rows of format 1"),
        (gzip.compress(b'{"kind": "archsmith rule book", "format": 1, "rules": NaN}'), "NaN is no number in JSON"),
    ],
)  # fmt: skip
def test_a_foreign_file_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(UserError, match=f"other.gz must be .*{message}|{message}"):
        book_from_bytes(data, name="other.gz")


def test_a_book_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = path.read_bytes()
    for length in (len(whole) - 1, len(whole) // 2, len(whole) + 1):
        path.write_bytes((whole + b"x")[:length])

        with pytest.raises(UserError, match="is damaged: it should have|its end is missing"):
            load_book(path)


def test_a_line_that_is_wrong_is_said_with_its_place() -> None:
    entry = roll(2, 1)
    data = book_bytes([learned_operator("torch.roll", [entry])], pytorch="1", built="")
    header, line = gzip.decompress(data).decode().splitlines()
    packed = gzip.compress(line.replace('["R0","input_0","input_1"]', '["R0","input_0 input_1"]').encode() + b"\n")
    head = json.loads(header) | {"parts": [[len(packed), "torch.roll"]]}
    spoiled = book_from_bytes(gzip.compress(json.dumps(head).encode()) + packed, name="b.gz")

    with pytest.raises(UserError, match=r"b\.gz: torch\.roll: rules\[0\]\.outputs\[0\]: not an expression"):
        spoiled.operator("torch.roll")


def test_rules_are_written_as_a_book_by_their_operators(tmp_path: Path) -> None:
    rules = [softplus(2), roll(2, 0), roll(2, 1)]
    path = tmp_path / "book.gz"
    write_book(
        path, rules, torch="2.13.0", built=datetime(2026, 3, 1, tzinfo=UTC), defaults=lambda name: {"threshold": 20.0}
    )
    read = load_book(path)

    assert list(read.names) == ["torch.nn.functional.softplus", "torch.roll"]
    assert read.operator("torch.roll").rules == (roll(2, 0), roll(2, 1))
    assert read.operator("torch.roll").defaults == (("threshold", 20.0),)
    assert read.header.built == "2026-03-01T00:00:00+00:00"


def test_a_book_cannot_be_written_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must be a file that can be written"):
        write_book(tmp_path / "none" / "book.gz", [], torch="1", built=datetime(2026, 3, 1, tzinfo=UTC))


def test_a_book_holds_learned_operators_each_once() -> None:
    twice = operators()[:1] * 2
    for wrong in (twice, [DECLARED.operator("relu")]):
        with pytest.raises(ValueError, match="operators that were learned, each once"):
            book_bytes(wrong, pytorch="1", built="")
    for rules in ([], [roll(2, 1)], list(DECLARED.operator("relu").rules)):
        with pytest.raises(ValueError, match="has learned rules, all of torch.sum"):
            learned_operator("torch.sum", rules)
    assert [entry.name for entry in learned_operators([roll(2, 1), softplus(2), roll(2, 0)])] == [
        "torch.nn.functional.softplus",
        "torch.roll",
    ]


def test_the_book_that_comes_along_is_found_by_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learned, "RULEBOOKS", tmp_path)

    assert shipped().names == ()
    with pytest.raises(UserError, match=r"there are books for PyTorch \(none\); got 2\.13"):
        learned_book()
    written(tmp_path)
    assert len(shipped().names) == len(operators())
    assert learned_book().operator("torch.roll").rules
    with pytest.raises(UserError, match=r"there are books for PyTorch 2\.13; got 1\.0"):
        learned_book("1.0")


def test_declared_operators_need_no_book() -> None:
    def unread() -> LearnedBook:
        raise AssertionError("the book was opened")

    found = RuleBook(DECLARED.operators.values(), further=unread)

    assert found.operator("relu").name == "relu"
    with pytest.raises(UserError, match="did you mean one of: relu"):
        found.operator("relo")
