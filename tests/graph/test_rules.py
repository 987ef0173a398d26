"""A rule's text is read as written, and a rule that could never be met is refused."""

import pytest

from archsmith.graph.errors import Infeasible
from archsmith.graph.expr import parse
from archsmith.graph.ops import DECLARED
from archsmith.graph.rules import Provenance, Rule, check, pattern, result_types, rule, unify
from archsmith.graph.types import TensorType

HALVE = rule("halve", ["Float[N, W]"], ["Float[N, W//by]"], requires=["by >= 1", "W % by == 0"])


@pytest.mark.parametrize("text", ["Float[N, C, H, W]", "bool[d0]", "Float", "int64[max(a, b), H*2 - 1]"])
def test_a_pattern_is_written_as_it_was_read(text: str) -> None:
    assert str(pattern(text)).removesuffix("[]") == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "reads like Float"),
        ("Float[", "reads like Float"),
        ("Float[]", "reads like Float"),
        ("Float[N", "reads like Float"),
        ("Float(N)", "reads like Float"),
        ("[N, C]", "reads like Float"),
        ("Float[" + "-" * 9_999 + "N]", "reads like Float"),
        ("Float[N:2]", "not an expression: 'N:2'"),
        ("Float[N, C/2]", "'C / 2' is not integer arithmetic"),
        ("Flaot[N]", r"dtype must be one of Float, Int, Number, Any, float32, .*; got 'Flaot\[N\]'"),
    ],
)
def test_text_that_is_no_pattern_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        pattern(text)


def test_an_input_of_a_computed_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"halve takes Float\[2\*N\]: sizes must be symbols"):
        rule("halve", ["Float[2*N]"], ["Float[N]"])


def test_a_returned_dtype_has_to_be_known_from_an_input() -> None:
    with pytest.raises(ValueError, match=r"invent returns Any\[N\]; no input says which Any that is"):
        rule("invent", ["Float[N]"], ["Any[N]"])


def test_a_symbol_is_one_size_wherever_it_occurs() -> None:
    entries = [pattern("Float[M, K]"), pattern("Float[K, L]")]

    assert unify(entries, [TensorType((2, 3)), TensorType((3, 4))]) == {"Float": 0, "M": 2, "K": 3, "L": 4}
    assert unify(entries, [TensorType((2, 3)), TensorType((2, 4))]) is None


def test_a_dtype_class_is_one_dtype_wherever_it_occurs() -> None:
    entries = [pattern("Number[M]"), pattern("Number[M]")]

    assert unify(entries, [TensorType((2,), "int64"), TensorType((2,), "int64")]) is not None
    assert unify(entries, [TensorType((2,), "int64"), TensorType((2,), "int32")]) is None
    assert unify(entries, [TensorType((2,), "bool"), TensorType((2,), "bool")]) is None


@pytest.mark.parametrize("given", [(), (TensorType((2,)),), (TensorType((2, 3, 4)),), (TensorType((2, 3)),) * 2])
def test_other_ranks_and_other_counts_do_not_unify(given: tuple[TensorType, ...]) -> None:
    assert unify(HALVE.inputs, given) is None


def test_the_first_broken_constraint_is_named_with_its_values() -> None:
    with pytest.raises(Infeasible, match=r"^halve requires W % by == 0; got W=5, by=2$"):
        check(HALVE, {"N": 1, "W": 5, "by": 2})
    with pytest.raises(Infeasible, match=r"^halve requires by >= 1; got by=0$"):
        check(HALVE, {"N": 1, "W": 5, "by": 0})


def test_a_constraint_on_an_unknown_symbol_does_not_hold() -> None:
    with pytest.raises(Infeasible, match=r"^halve requires by >= 1; got $"):
        check(HALVE, {"N": 1, "W": 4})


def test_results_are_never_empty() -> None:
    shrink = rule("shrink", ["Any[N]"], ["Any[N - by]"])

    assert result_types(shrink, {"Any": 4, "N": 5, "by": 2}) == (TensorType((3,), "bool"),)
    with pytest.raises(Infeasible, match=r"shrink would return Any\[0\]; sizes must be at least 1"):
        result_types(shrink, {"Any": 4, "N": 5, "by": 5})
    with pytest.raises(Infeasible, match="the divisor must be positive"):
        result_types(HALVE, {"Float": 0, "N": 1, "W": 4, "by": 0})


def test_free_symbols_are_the_attributes() -> None:
    assert HALVE.free == {"by"}
    assert DECLARED.operator("conv2d").rules[0].free == {
        "out", "kernel", "stride", "padding", "dilation", "groups",
    }  # fmt: skip


def test_a_rule_is_shown_with_its_constants_and_constraints() -> None:
    softmax = DECLARED.operator("softmax").rules[1]

    assert str(softmax) == "softmax(Float[d0, d1], dim=0) -> Float[d0, d1]"
    assert str(HALVE).splitlines() == [
        "halve(Float[N, W]) -> Float[N, W//by]",
        "    requires by >= 1",
        "    requires W % by == 0",
    ]


def test_a_declared_rule_says_so() -> None:
    assert {entry.provenance for operator in DECLARED.operators.values() for entry in operator.rules} == {
        Provenance.DECLARED
    }


def test_rules_of_the_same_text_are_equal() -> None:
    again = Rule(
        "halve",
        (pattern("Float[N, W]"),),
        (pattern("Float[N, W//by]"),),
        (parse("by >= 1"), parse("W % by == 0")),
    )

    assert again == HALVE
