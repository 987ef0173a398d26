"""Rules as JSON: what is written is read back, and what is no rule is said with its place."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from archsmith.graph.book import Operator
from archsmith.graph.expr import Sym, parse
from archsmith.graph.ops import DECLARED
from archsmith.graph.rule_json import (
    operator_from_json,
    operator_to_json,
    rule_from_json,
    rule_to_json,
    table_from_json,
    table_to_json,
)
from archsmith.graph.rules import Bounds, DtypeRow, Learned, Provenance, Rule, TensorPattern
from archsmith.graph.signature import (
    DtypeSlot,
    Fixed,
    IntegerSlot,
    ListSlot,
    Plain,
    RealSlot,
    Signature,
    Slot,
    TensorSlot,
    Word,
)
from archsmith.graph.slot_json import WORD_KINDS
from archsmith.graph.types import ITEM_BYTES
from tests.learned_rules import operators, reshape, roll

NAMES = st.sampled_from(["input", "other", "from", "size", "x1", "weight", "dim", "p"])
DTYPES = st.sampled_from(sorted(ITEM_BYTES))
NUMBERS = st.floats(allow_nan=False)
EXPRS = st.sampled_from(
    list(map(parse, ["a", "7", "-3", "(a + 2*b - 1)//c + 1", "broadcast(a, b)", "a == b or a == 1", "a % 2", "not a"]))
)
"""That all expressions are read back is tested where they are."""


def plain() -> SearchStrategy[Plain]:
    words = st.builds(Word, st.sampled_from(sorted(WORD_KINDS)), st.text(max_size=5))
    return st.none() | st.booleans() | st.integers() | NUMBERS | st.text(max_size=5) | words


def slots(name: str) -> SearchStrategy[Slot]:
    """Slots of one argument, named as calls name them, or otherwise."""
    usual = f"{name}_" if name == "from" else name
    one: SearchStrategy[Slot] = st.one_of(
        st.builds(TensorSlot, st.just(usual), st.integers(0, 3), st.booleans()),
        st.builds(TensorSlot, st.just(f"{name}__t"), st.just(1)),
        st.builds(IntegerSlot, st.sampled_from([usual, f"{name}__n"])),
        st.builds(RealSlot, st.just(usual)),
        st.builds(DtypeSlot, st.just(usual)),
        st.builds(Fixed, plain()),
    )
    lists = st.sampled_from(
        [
            ListSlot(()),
            ListSlot((IntegerSlot(f"{usual}_0"), Fixed(-1), IntegerSlot(f"{usual}_2"))),
            ListSlot((ListSlot((TensorSlot(f"{usual}_0_0", 2),)), Fixed(None))),
        ]
    )
    return one | lists


@st.composite
def rules(draw: st.DrawFn, operator: str = "torch.some") -> Rule:
    """Learned rules of any form: they need not be true of anything."""
    names = draw(st.lists(NAMES, max_size=4, unique=True))
    arguments = tuple((name, draw(slots(name))) for name in names)
    signature = Signature(operator, arguments, draw(st.integers(0, len(arguments))))
    inputs = tuple(TensorPattern(f"T{k}", tuple(map(Sym, t.sizes))) for k, t in enumerate(signature.tensors))
    sizes = st.lists(EXPRS, max_size=3).map(tuple)
    outputs = draw(st.lists(st.builds(TensorPattern, st.sampled_from(["R0", "T1", "int64"]), sizes), max_size=2))
    row = st.builds(
        DtypeRow,
        st.tuples(*[DTYPES] * len(signature.dtypes)),
        st.tuples(*[DTYPES] * len(outputs)),
    )
    learned = Learned(
        signature,
        tuple(draw(st.lists(row, max_size=3))),
        tuple(Bounds(name, draw(NUMBERS), draw(NUMBERS)) for name in signature.reals),
        tuple(draw(st.lists(st.none() | st.integers(0, 3), max_size=2))),
        tuple(draw(st.lists(st.integers(0, 3), max_size=2))),
        draw(st.sampled_from(["normal", "unit"])),
        draw(st.none() | st.floats(0, 1)),
        draw(st.none() | st.floats(0, 1)),
        draw(st.text(max_size=9)),
        draw(st.sampled_from(["", "(t,)"])),
    )
    return Rule(
        operator,
        inputs,
        tuple(outputs),
        tuple(draw(st.lists(EXPRS, max_size=3))),
        (),
        (),
        draw(EXPRS),
        draw(st.sampled_from(Provenance)),
        draw(st.integers(0, 10**6)),
        draw(st.integers(0, 9)),
        learned,
    )


def through_text(document: dict[str, Any]) -> Any:
    return json.loads(json.dumps(document, allow_nan=False))


@given(rule=rules())
def test_a_learned_rule_is_read_back(rule: Rule) -> None:
    assert rule_from_json(through_text(rule_to_json(rule))) == rule


@given(rules=st.lists(rules(), min_size=1, max_size=2), defaults=st.dictionaries(NAMES, plain(), max_size=3))
def test_an_operator_is_read_back(rules: list[Rule], defaults: dict[str, Plain]) -> None:
    operator = Operator("torch.some", "a summary", (), tuple(rules), defaults=tuple(sorted(defaults.items())))

    assert operator_from_json(through_text(operator_to_json(operator))) == operator


@given(rows=st.lists(st.builds(DtypeRow, st.lists(DTYPES).map(tuple), st.lists(DTYPES).map(tuple)), max_size=5))
def test_a_table_is_read_back(rows: list[DtypeRow]) -> None:
    assert table_from_json(table_to_json(rows)) == tuple(rows)


@pytest.mark.parametrize("name", ["conv2d", "add", "topk", "layer_norm"])
def test_declared_rules_are_written_too(name: str) -> None:
    for rule in DECLARED.operator(name).rules:
        assert rule_from_json(through_text(rule_to_json(rule))) == rule


def test_whole_numbers_floats_and_booleans_stay_apart() -> None:
    values = (True, 1, 1.0, False, 0, 0.0)
    arguments = tuple((f"a{place}", Fixed(value)) for place, value in enumerate(values))
    rule = Rule("torch.some", (), (), learned=Learned(Signature("torch.some", arguments, 0), ()))
    read = rule_from_json(through_text(rule_to_json(rule))).learned

    assert read is not None
    assert [type(slot.value) for slot in read.signature.slots() if isinstance(slot, Fixed)] == list(map(type, values))


def test_what_is_usual_is_not_written() -> None:
    assert rule_to_json(reshape()) == {
        "operator": "torch.reshape",
        "call": [["input", "tensor 3"], ["shape", ["integer", "integer"]]],
        "positional": 2,
        "dtypes": "f32 > f32; i64 > i64; b8 > b8; bf16 > bf16",
        "outputs": [["R0", "shape_0", "shape_1"]],
        "requires": ["input_0*input_1*input_2 == shape_0*shape_1"],
        "aliases": [0],
        "support": 40,
    }


def test_rules_of_an_operator_share_their_tables() -> None:
    document = operator_to_json(next(entry for entry in operators() if entry.name == "torch.roll"))

    assert len(document["rules"]) == 5
    assert document["tables"] == ["f32 > f32; i64 > i64; b8 > b8; bf16 > bf16"]
    assert {rule["dtypes"] for rule in document["rules"]} == {0}


WRONG: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda rule: rule.update(outputs=3), "outputs: must be a list; got 3"),
    (lambda rule: rule.update(outputs=[["R0", "a /"]]), r"outputs\[0\]: not an expression: 'a /'"),
    (lambda rule: rule.update(outputs=[["R0", "__import__('os')"]]), r"outputs\[0\]: in .* is not integer arithmetic"),
    (lambda rule: rule.update(outputs=[[]]), r"outputs\[0\]: a tensor reads"),
    (lambda rule: rule.update(requires=["a", 3]), r"requires\[1\]: must be text; got 3"),
    (lambda rule: rule.update(call=[["input", "tensor x"]]), r"call\[0\]: a slot is tensor 2, .*; got 'tensor x'"),
    (lambda rule: rule.update(call=[["input"]]), r"call\[0\]: an argument reads"),
    (lambda rule: rule.update(call=[["a", {"is": {"code": "1"}}]]), r"call\[0\]: a constant is a number"),
    (lambda rule: rule.update(call=[["a", "integer"], ["a", "real"]]), "every slot of a signature needs a name"),
    (lambda rule: rule.update(positional=9), "positional: at most the 3 arguments; got 9"),
    (lambda rule: rule.update(dtypes="f32"), "dtypes: a row of dtypes reads"),
    (lambda rule: rule.update(dtypes="f32 f32 > f32"), "dtypes: a row takes one for each of input"),
    (lambda rule: rule.update(support=-1), "support: must be a whole number of at least 0; got -1"),
    (lambda rule: rule.update(precision=1.5), "precision: must be a number from 0 to 1"),
    (lambda rule: rule.update(provenance="guessed"), "provenance: must be one of declared, learned, confirmed"),
    (lambda rule: rule.update(reals=[["p", "low", 1]]), r"reals\[0\]: must be a number; got 'low'"),
    (lambda rule: rule.update(code="1 + 1"), "code is no field here"),
    (lambda rule: rule.pop("outputs"), "outputs must be there"),
    (lambda rule: rule.update(inputs=[["T0", "a + 1"]]), "sizes must be symbols"),
]


@pytest.mark.parametrize(("spoil", "message"), WRONG)
def test_what_is_no_rule_is_said_with_its_place(spoil: Callable[[dict[str, Any]], object], message: str) -> None:
    document = deepcopy(rule_to_json(roll(2, 1)))
    spoil(document)

    with pytest.raises(ValueError, match=message):
        rule_from_json(document)


def test_an_operator_says_which_of_its_rules_is_wrong() -> None:
    document = operator_to_json(operators()[0])
    document["rules"][3]["dtypes"] = 7

    with pytest.raises(ValueError, match=r"rules\[3\].dtypes: one of 1 tables, by its place from 0; got 7"):
        operator_from_json(document)


@given(
    document=st.recursive(st.none() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3))
)
def test_anything_else_is_refused(document: object) -> None:
    for read in (rule_from_json, operator_from_json):
        with pytest.raises(ValueError, match="must be an object"):
            read(document)
