"""Observed calls are kept once, and what was inferred of an operator is replaced."""

from dataclasses import replace
from datetime import datetime

from archsmith.storage.facts import Inference, NewCall
from archsmith.storage.store import Store

ADD = NewCall("torch.add", "2.13.0", "op_db", {"arguments": [["input", {"tensor": [2]}]], "returned": []})
ROLL = NewCall("torch.roll", "2.13.0", "docs", {"arguments": [], "refused": ["TypeError", "\0 and \ud800"]})
RULES = Inference("torch.add", "2.13.0", "ab12", 2, {"rules": [{}, {}]}, 1.5)


def test_a_call_is_kept_once_whoever_saw_it(store: Store) -> None:
    with store.begin() as tx:
        assert tx.calls.add([ADD, ROLL, replace(ADD, source="docs")]) == 2
    with store.begin() as tx:
        assert tx.calls.add([replace(ADD, source="tests"), replace(ADD, torch="2.14.0")]) == 1

    with store.read() as tx:
        assert list(tx.calls.of("2.13.0", "torch.add")) == [ADD]
        assert [call.document for call in tx.calls.of("2.13.0", "torch.roll")] == [ROLL.document]


def test_operators_come_page_by_page_with_their_counts(store: Store) -> None:
    with store.begin() as tx:
        tx.calls.add([replace(ADD, operator=f"torch.{name}", document={"n": n}) for name in "cab" for n in range(3)])

    with store.read() as tx:
        assert tx.calls.operators("2.13.0", limit=2) == [("torch.a", 3), ("torch.b", 3)]
        assert tx.calls.operators("2.13.0", limit=2, after="torch.b") == [("torch.c", 3)]
        assert tx.calls.operators("2.12.0") == []


def test_calls_come_in_the_same_order_however_they_were_recorded(store: Store) -> None:
    calls = [replace(ADD, document={"n": n}) for n in range(1200)]
    with store.begin() as tx:
        tx.calls.add(calls[600:])
        tx.calls.add(calls[:600])
    with store.read() as tx:
        first = list(tx.calls.of("2.13.0", "torch.add"))
    with store.begin() as tx:
        tx.calls.add([replace(call, torch="2.14.0") for call in calls])

    with store.read() as tx:
        assert sorted(call.document["n"] for call in first) == list(range(1200))
        assert first == list(tx.calls.of("2.13.0", "torch.add"))


def test_a_later_inference_takes_the_place_of_an_earlier_one(store: Store, noon: datetime) -> None:
    with store.begin() as tx:
        tx.inferences.put(RULES, noon)
        tx.inferences.put(replace(RULES, operator="torch.sub", rules=0), noon)
        tx.inferences.put(replace(RULES, rules=3, evidence="cd34"), noon)

    with store.read() as tx:
        assert tx.inferences.get("2.13.0", "torch.add") == replace(RULES, rules=3, evidence="cd34")
        assert tx.inferences.get("2.14.0", "torch.add") is None
        assert [found.operator for found in tx.inferences.page("2.13.0")] == ["torch.add", "torch.sub"]
        assert [found.operator for found in tx.inferences.page("2.13.0", after="torch.add")] == ["torch.sub"]
