"""Rules are shown as a person would write them down."""

from dataclasses import replace

from archsmith.graph.ops import DECLARED
from archsmith.graph.rule_text import ROWS, show_rule
from archsmith.graph.rules import DtypeRow, Provenance
from archsmith.graph.types import ITEM_BYTES
from tests.learned_rules import added, added_in_place, halves, is_nonzero, learned_rule, roll, softplus, tensor


def test_a_rule_is_shown_line_by_line() -> None:
    assert show_rule(added(), pytorch="2.13.0").splitlines() == [
        "torch.add(input[input_0, input_1], other[other_0, other_1], alpha=alpha)"
        " -> [broadcast(input_0, other_0), broadcast(input_1, other_1)]",
        "    requires input_0 == other_0 or input_0 == 1 or other_0 == 1",
        "    requires input_1 == other_1 or input_1 == 1 or other_1 == 1",
        "    dtypes float32 float32 -> float32 | float32 int64 -> float32 | int64 float64 -> float64",
        "    confirmed on PyTorch 2.13.0: support 40",
    ]


def test_results_and_effects_are_said() -> None:
    shown = show_rule(halves()), show_rule(added_in_place()), show_rule(is_nonzero()), show_rule(softplus(0))

    assert "-> ([input_0, (input_1 + 1)//2, input_2], [input_0, input_1//2, input_2])" in shown[0]
    assert "    result 1 shares storage with input" in shown[0]
    assert "    writes to self" in shown[1]
    assert "-> no tensor" in shown[2]
    assert "    takes beta from 0.5 to 1e+06" in shown[3]


def test_how_a_rule_is_known_is_said() -> None:
    rule = roll(2, 1)
    learnt = replace(rule, provenance=Provenance.LEARNED, counter_examples=2)
    positive = learned_rule("torch.log", (tensor("input", 1),), (("input_0",),), fill="positive")

    assert show_rule(rule).endswith("confirmed: support 40, precision 1.000, recall 0.998 (from op_db)")
    assert "unconfirmed: support 40, counter-examples 2, precision 1.000" in show_rule(learnt)
    assert "on values that are positive" in show_rule(positive)
    assert show_rule(DECLARED.operator("relu").rules[0]).endswith("declared")


def test_long_tables_are_cut() -> None:
    rows = tuple(DtypeRow((dtype,), ("bool",)) for dtype in ITEM_BYTES)
    shown = show_rule(learned_rule("torch.isnan", (tensor("input", 0),), ((),), dtypes=rows))

    assert f"| {len(rows) - ROWS} more" in shown
    assert "dtypes float32 -> bool | float64 -> bool" in shown
