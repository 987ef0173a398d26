"""``archsmith rules collect`` and ``infer``: from a file of traced calls to a book that other commands read."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

from archsmith.cli.collect import collect
from archsmith.cli.infer import infer
from archsmith.cli.rules import list_rules
from archsmith.fuzz.call import Call, CallRecord, Returned, TensorValue
from archsmith.fuzz.collect.files import RecordWriter
from archsmith.graph.errors import UserError
from archsmith.storage.store import open_store


def relu(*shape: int, torch: str) -> CallRecord:
    tensor = TensorValue(shape)
    return CallRecord(Call("torch.relu", (("input", tensor),), 1), Returned((tensor,), (None,)), torch, "me")


@pytest.fixture
def traced(tmp_path: Path) -> Path:
    """Calls of the installed PyTorch."""
    file = tmp_path / "mine.jsonl.gz"
    with RecordWriter(file) as writer:
        writer.write(relu(2, 3, torch=version("torch")))
        writer.write(relu(4, torch=version("torch")))
    return file


def test_traced_calls_become_a_book(traced: Path, tmp_path: Path) -> None:
    store, book = f"sqlite:///{tmp_path / 'calls.db'}", tmp_path / "mine.json.gz"
    collected = CliRunner().invoke(collect, [str(traced), "--store", store, "--json"], catch_exceptions=False)
    words = ["--store", store, "--book", str(book), "--json"]
    inferred = CliRunner().invoke(infer, words, catch_exceptions=False)
    again = CliRunner().invoke(infer, ["--store", store], catch_exceptions=False)
    rows = json.loads(CliRunner().invoke(list_rules, ["--book", str(book), "--json"], catch_exceptions=False).stdout)

    assert json.loads(collected.stdout) | {"torch": ""} == {"torch": "", "calls": 2, "new": 2, "skipped": []}
    summary = json.loads(inferred.stdout)
    assert (summary["operators"], summary["looked_at"], summary["lost"]) == (1, 1, [])
    assert "1 operators" in again.stdout
    assert [(row["operator"], row["provenance"]) for row in rows] == [("torch.relu", "confirmed")]
    assert rows[0]["signatures"] == summary["rules"] >= 2


def test_a_store_without_calls_is_told_of(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'empty.db'}"
    open_store(store).close()

    with pytest.raises(UserError, match=r"has no calls .* `archsmith rules collect` records some"):
        CliRunner().invoke(infer, ["--store", store], catch_exceptions=False)


def test_a_source_that_does_not_exist_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="sources are op_db, module_db, docs, architectures; got hub"):
        CliRunner().invoke(
            collect, ["--source", "hub", "--store", f"sqlite:///{tmp_path / 'new.db'}"], catch_exceptions=False
        )
