"""The rule book: what it accepts, what it refuses and in which words."""

from collections.abc import Mapping, Sequence
from math import inf, nan

import pytest

from archsmith.graph.book import Attribute, Operator, RuleBook
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Scalar
from archsmith.graph.ops import DECLARED
from archsmith.graph.rules import Rule, rule
from archsmith.graph.types import TensorType

IMAGE = TensorType((1, 4, 8, 8))
COUNT = Attribute("count", int, 1, (1, 2))


def refusal(name: str, attributes: dict[str, Scalar], *inputs: TensorType) -> str:
    """The message with which the declared book refuses the call."""
    with pytest.raises((Infeasible, UserError)) as caught:
        DECLARED.apply(name, inputs or (IMAGE,), attributes)
    return str(caught.value)


def test_a_call_gets_defaults_and_types() -> None:
    call = DECLARED.apply("conv2d", [IMAGE], {"out": 6, "kernel": 3})

    assert call.types == (TensorType((1, 6, 6, 6)),)
    assert dict(call.attributes) == {
        "bias": True, "dilation": 1, "groups": 1, "kernel": 3, "out": 6, "padding": 0, "stride": 1,
    }  # fmt: skip


def test_words_stand_for_numbers_of_the_call() -> None:
    given: dict[str, Scalar] = {"out": 8, "kernel": 3, "dilation": 2, "padding": "same", "groups": "depthwise"}
    call = DECLARED.apply("conv2d", [IMAGE], given)

    assert call.types == (TensorType((1, 8, 8, 8)),)
    assert dict(call.attributes)["padding"] == 2
    assert dict(call.attributes)["groups"] == 4
    assert call.bound["groups"] == 4


def test_whole_numbers_serve_where_fractions_are_wanted() -> None:
    call = DECLARED.apply("elu", [IMAGE], {"alpha": 2})

    assert repr(call.attributes) == "(('alpha', 2.0),)"


def test_zero_has_one_sign() -> None:
    call = DECLARED.apply("leaky_relu", [IMAGE], {"slope": -0.0})

    assert repr(call.attributes) == "(('slope', 0.0),)"


def test_a_remembered_call_does_not_excuse_an_argument_of_another_kind() -> None:
    DECLARED.apply("linear", [IMAGE], {"out": 1, "bias": True})

    assert refusal("linear", {"out": 1, "bias": 1}) == "linear wants bias as bool; got 1"
    assert refusal("linear", {"out": True}) == "linear wants out as int; got True"


@pytest.mark.parametrize(
    ("name", "attributes", "message"),
    [
        ("conv2", {}, "no operator 'conv2' in the rule book; did you mean one of: conv"),
        ("conv2d", {"out": 4}, "conv2d needs kernel: give it a value"),
        ("conv2d", {"out": 4, "kernal": 3}, "conv2d takes out, kernel, stride, padding, dilation, groups, bias; "),
        ("relu", {"slope": 0.1}, "relu takes no attributes; got slope"),
        ("conv2d", {"out": 4, "kernel": "3"}, "conv2d wants kernel as int; got '3'"),
        ("conv2d", {"out": 4, "kernel": 3.0}, "conv2d wants kernel as int; got 3.0"),
        ("conv2d", {"out": 4, "kernel": [1, 3]}, "conv2d wants kernel as int; got [1, 3]"),
        ("conv2d", {"out": 4, "kernel": 3, "padding": "valid"}, "conv2d wants padding as int or 'same'; got 'valid'"),
        ("cast", {"dtype": 3}, "cast wants dtype as str; got 3"),
        ("leaky_relu", {"slope": True}, "leaky_relu wants slope as float; got True"),
        ("leaky_relu", {"slope": inf}, "leaky_relu wants slope from -3.40282e+38 to 3.40282e+38; got inf"),
        ("leaky_relu", {"slope": nan}, "leaky_relu wants slope from -3.40282e+38 to 3.40282e+38; got nan"),
        ("leaky_relu", {"slope": 10**400}, "leaky_relu wants slope from -3.40282e+38 to 3.40282e+38; got 1000"),
        ("dropout", {"rate": 1.5}, "dropout wants rate from 0 to 1; got 1.5"),
        ("hardtanh", {"low": 0.5}, "hardtanh wants low from -3.40282e+38 to 0; got 0.5"),
    ],
)
def test_a_mistake_in_the_call_is_the_callers(name: str, attributes: dict[str, Scalar], message: str) -> None:
    assert refusal(name, attributes).startswith(message)


@pytest.mark.parametrize(
    ("name", "attributes", "message"),
    [
        ("conv2d", {"out": 4, "kernel": 9}, "conv2d requires H + 2*padding >= dilation*(kernel - 1) + 1; got H=8, "),
        ("conv2d", {"out": 4, "kernel": 1, "groups": 3}, "conv2d requires C % groups == 0; got C=4, groups=3"),
        ("conv2d", {"out": 4, "kernel": 0}, "conv2d requires kernel >= 1; got kernel=0"),
        ("conv2d", {"out": 4, "kernel": 1, "groups": 0}, "conv2d requires groups >= 1; got groups=0"),
    ],
)
def test_a_call_that_no_rule_accepts_says_which_constraint_broke(
    name: str, attributes: dict[str, Scalar], message: str
) -> None:
    assert refusal(name, attributes).startswith(message)


def test_wrong_inputs_are_told_the_right_ones() -> None:
    given = TensorType((3,), "int64")

    assert refusal("conv2d", {"out": 4, "kernel": 3}, given) == (
        "conv2d(int64[3], out=4, kernel=3, stride=1, padding=0, dilation=1, groups=1, bias=True) "
        "has no rule: it takes float32[N, C, H, W]"
    )
    assert refusal("relu", {}, IMAGE, IMAGE) == (
        "relu(float32[1, 4, 8, 8], float32[1, 4, 8, 8]) has no rule: "
        "it takes Number[]; or Number[d0]; or Number[d0, d1]; or Number[d0, d1, d2]; or 2 more"
    )


def test_a_wrong_constant_of_right_inputs_is_told_the_right_ones() -> None:
    assert refusal("softmax", {"dim": 4}).endswith("dim=4) has no rule: it takes dim=0; or dim=1; or dim=2; or dim=3")


@pytest.mark.parametrize("dtype", ["float32); import os", "__class__", "int64", "", "float32\n"])
def test_a_word_that_no_rule_holds_constant_is_refused(dtype: str) -> None:
    assert refusal("cast", {"dtype": dtype}) == (
        f"cast(float32[1, 4, 8, 8], dtype={dtype!r}) has no rule: "
        "it takes dtype='float32'; or dtype='float64'; or dtype='bool'"
    )


def test_the_first_rule_that_accepts_counts_and_the_first_reason_is_told() -> None:
    few = rule("tile", ["Any[N]"], ["Any[N*count]"], requires=["count <= 2"])
    many = rule("tile", ["Any[N]"], ["Any[N*count]"], requires=["count >= 9"])
    book = RuleBook([Operator("tile", "repeats", (COUNT,), (few, many))])

    assert book.apply("tile", [TensorType((2,))], {"count": 2}).rule is few
    assert book.apply("tile", [TensorType((2,))], {"count": 9}).rule is many
    with pytest.raises(Infeasible, match="tile requires count <= 2; got count=5"):
        book.apply("tile", [TensorType((2,))], {"count": 5})


def test_two_operators_of_one_name_are_refused() -> None:
    relu = DECLARED.operator("relu")

    with pytest.raises(ValueError, match="'relu' is given twice"):
        RuleBook([relu, Operator("relu", "another", (), ())])


def test_a_rule_has_to_belong_to_its_operator() -> None:
    stray = rule("tile", ["Any[N]"], ["Any[N]"], constants={"dim": 0})

    with pytest.raises(ValueError, match="a rule of tile must speak of it and its attributes; .* with dim"):
        RuleBook([Operator("tile", "repeats", (COUNT,), (stray,))])
    with pytest.raises(ValueError, match="a rule of flip must speak of it .* is of tile"):
        RuleBook([Operator("flip", "reverses", (), (rule("tile", ["Any[N]"], ["Any[N]"]),))])


def test_every_declared_operator_has_a_summary_and_every_attribute_is_worth_trying() -> None:
    for operator in DECLARED.operators.values():
        assert operator.summary
        for attribute in operator.attributes:
            assert attribute.examples
            assert all(type(value) is attribute.kind for value in attribute.examples)


def test_an_operator_without_rules_is_asked_once_for_each_different_call() -> None:
    asked: list[tuple[object, ...]] = []

    def infer(inputs: Sequence[TensorType], attributes: Mapping[str, Scalar]) -> Rule:
        asked.append((*inputs, attributes["out"]))
        if attributes["out"] == 3:
            raise Infeasible("never three")
        return rule("mine:Layer", ["float32[N, C]"], [f"float32[N, {attributes['out']}]"])

    book = DECLARED.extended([Operator("mine:Layer", "asked about", (Attribute("out", int, 2),), infer=infer)])
    narrow, wide = TensorType((1, 4)), TensorType((1, 5))

    assert [book.apply("mine:Layer", [x], {}).types for x in (narrow, narrow, wide)] == [(TensorType((1, 2)),)] * 3
    assert asked == [(narrow, 2), (wide, 2)]
    with pytest.raises(Infeasible, match="never three"):
        book.apply("mine:Layer", [narrow], {"out": 3})


def test_a_book_is_extended_by_what_it_has_not() -> None:
    relu, own = DECLARED.operator("relu"), Operator("mine:Layer", "of one's own", ())

    assert DECLARED.extended([relu]) is DECLARED
    assert DECLARED.extended([own, relu, own]).operators.keys() == {*DECLARED.operators, "mine:Layer"}
    with pytest.raises(ValueError, match="'relu' is given twice"):
        DECLARED.extended([Operator("relu", "another", ())])
