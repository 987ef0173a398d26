"""Calls are collected into the store, become rules there, and the rules a book; nothing is done twice."""

import os
import signal
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from archsmith.fuzz.call import Call, CallRecord, Returned, TensorValue
from archsmith.fuzz.collect.files import RecordWriter
from archsmith.fuzz.infer.probe import Effort
from archsmith.graph.errors import UserError
from archsmith.graph.expr import show
from archsmith.graph.learned import load_book
from archsmith.graph.rules import Provenance
from archsmith.jobs.collection import collect_calls, new_call, record_of
from archsmith.jobs.inference import infer_rules, rules_of, write_rules
from archsmith.jobs.learners import Learners
from archsmith.jobs.progress import CallsCollected, InferenceStarted, Message, OperatorInferred
from archsmith.storage.store import open_store

EFFORT = Effort(signatures=4, found=2, calls=300)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Message]]:
    """A store with the calls of two entries, and what was told meanwhile."""
    url = f"sqlite:///{tmp_path_factory.mktemp('calls') / 'calls.db'}"
    told: list[Message] = []
    collect_calls(sources=("op_db",), entries=("ldexp", "nn_functional_relu"), store=url, listen=told.append)
    return url, told


@pytest.fixture(scope="module")
def inferred(collected: tuple[str, list[Message]]) -> tuple[str, list[Message]]:
    told: list[Message] = []
    infer_rules(operators=("torch.ldexp", "torch.Tensor.ldexp*"), store=collected[0], effort=EFFORT, listen=told.append)
    return collected[0], told


def test_calls_of_the_chosen_entries_are_collected(collected: tuple[str, list[Message]]) -> None:
    url, told = collected
    last = [message for message in told if isinstance(message, CallsCollected)][-1]
    with closing(open_store(url)) as store, store.read() as tx:
        seen = dict(tx.calls.operators("2.13.0+cpu")) or dict(tx.calls.operators("2.13.0"))

    assert {"torch.ldexp", "torch.Tensor.ldexp_", "torch.nn.functional.relu"} <= set(seen)
    assert (last.done, last.total) == (last.total, last.total)
    assert last.new == sum(seen.values())


def test_what_was_collected_is_not_new_again(collected: tuple[str, list[Message]]) -> None:
    again = collect_calls(sources=("op_db",), entries=("ldexp",), store=collected[0])

    assert again.seen > 0
    assert again.new == 0


def test_rules_come_of_the_calls(inferred: tuple[str, list[Message]]) -> None:
    url, told = inferred
    started, *rest = told
    with closing(open_store(url)) as store:
        torch = started.torch if isinstance(started, InferenceStarted) else ""
        found = {inference.operator: rules for inference, rules in rules_of(store, torch)}
    sizes = {show(size) for rule in found["torch.ldexp"] for size in rule.outputs[0].dims}

    assert started == InferenceStarted(torch, 3)
    assert [message.done for message in rest if isinstance(message, OperatorInferred)] == [1, 2, 3]
    assert set(found) == {"torch.ldexp", "torch.Tensor.ldexp", "torch.Tensor.ldexp_"}
    assert all(rule.provenance is Provenance.CONFIRMED for rules in found.values() for rule in rules)
    assert any(size.startswith("broadcast(input_") for size in sizes)


def test_the_same_calls_are_not_learned_from_again(
    inferred: tuple[str, list[Message]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("nothing is to be learned")

    monkeypatch.setattr(Learners, "submit", refuse)
    ended = infer_rules(operators=("torch.ldexp", "torch.Tensor.ldexp*"), store=inferred[0], effort=EFFORT)

    assert (ended.operators, ended.lost) == (3, ())
    with pytest.raises(AssertionError, match="nothing is to be learned"):
        infer_rules(operators=("torch.ldexp",), store=inferred[0], effort=replace(EFFORT, calls=299))


def test_a_book_has_the_rules_of_the_store(inferred: tuple[str, list[Message]], tmp_path: Path) -> None:
    book = tmp_path / "book.json.gz"
    count = write_rules(book, store=inferred[0])
    read = load_book(book)

    assert sorted(read.names) == ["torch.Tensor.ldexp", "torch.Tensor.ldexp_", "torch.ldexp"]
    assert sum(len(read.operator(name).rules) for name in read.names) == count > 0


def test_a_traced_file_is_collected(tmp_path: Path) -> None:
    record = CallRecord(
        Call("torch.relu", (("input", TensorValue((2, 3))),), 1), Returned((TensorValue((2, 3)),), (None,)), "9.9", "me"
    )
    file, url = tmp_path / "mine.jsonl.gz", f"sqlite:///{tmp_path / 'calls.db'}"
    with RecordWriter(file) as writer:
        writer.write(record)
    collected = collect_calls(sources=(), files=[file], store=url)
    with closing(open_store(url)) as store, store.read() as tx:
        kept = list(tx.calls.of("9.9", "torch.relu"))

    assert (collected.seen, collected.new, collected.skipped) == (1, 1, ())
    assert [record_of(call) for call in kept] == [record]


def test_a_call_is_the_same_wherever_it_was_seen() -> None:
    document = {"operator": "torch.relu", "torch": "9.9", "source": "me", "arguments": [], "lost": "timed out"}

    assert new_call(document).document == new_call(document | {"source": "docs"}).document


def test_unknown_names_are_the_callers_mistake(collected: tuple[str, list[Message]], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="sources are op_db, module_db, docs, architectures; got hub"):
        collect_calls(sources=("hub",), store=f"sqlite:///{tmp_path / 'new.db'}")
    with pytest.raises(UserError, match="no entry of op_db is called rleu"):
        collect_calls(sources=("op_db",), entries=("rleu",), store=f"sqlite:///{tmp_path / 'new.db'}")
    with pytest.raises(UserError, match="the store has no calls of torch.rleu"):
        infer_rules(operators=("torch.rleu",), store=collected[0])
    with pytest.raises(UserError, match="no calls of the installed PyTorch"):
        infer_rules(store=f"sqlite:///{tmp_path / 'new.db'}")


def test_a_learner_that_dies_is_told_of_and_replaced(
    collected: tuple[str, list[Message]], monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = Learners.submit

    def submit_and_kill(learners: Learners, key: str, family: object) -> None:
        submit(learners, key, family)  # type: ignore[arg-type]
        pid = learners._learners[-1].process.pid
        if key == "relu" and pid is not None:
            os.kill(pid, signal.SIGKILL)

    monkeypatch.setattr(Learners, "submit", submit_and_kill)
    ended = infer_rules(operators=("torch.nn.functional.relu", "torch.relu"), store=collected[0], effort=EFFORT)

    assert [line.split(":")[0] for line in ended.lost] == ["torch.nn.functional.relu", "torch.relu"]
    assert all("died" in line for line in ended.lost)
