"""What changed between two books is told rule by rule, and nothing else is."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.book import Operator
from archsmith.graph.expr import parse
from archsmith.graph.learned import learned_operator
from archsmith.graph.rule_diff import Change, compared
from archsmith.graph.rules import DtypeRow
from tests.learned_rules import ANY, operators, reshape, roll, softplus, unfold


def only(name: str) -> Operator:
    return next(entry for entry in operators() if entry.name == name)


@given(order=st.permutations(operators()))
def test_a_book_does_not_differ_from_itself(order: list[Operator]) -> None:
    found = compared(operators(), order)

    assert list(found.lines()) == ["no rule differs"]
    assert not any(found.document().values())


def test_how_often_a_rule_was_seen_is_no_difference() -> None:
    seen = learned_operator("torch.roll", [replace(rule, support=9) for rule in only("torch.roll").rules])

    assert list(compared([only("torch.roll")], [seen]).lines()) == ["no rule differs"]


def test_operators_and_signatures_that_one_book_has_alone() -> None:
    before = [learned_operator("torch.roll", [roll(2, 0), roll(2, 1)]), only("torch.sum")]
    after = [learned_operator("torch.roll", [roll(2, 1), roll(4, 1)]), only("torch.add")]
    found = compared(before, after)

    assert (found.added, found.removed, found.changed) == (("torch.add",), ("torch.sum",), ())
    assert list(found.lines()) == [
        "+ torch.add",
        "- torch.sum",
        "+ torch.roll(input[input_0, input_1, input_2, input_3], shifts, 1)",
        "- torch.roll(input[input_0, input_1], shifts, 0)",
    ]


def test_what_a_rule_says_otherwise() -> None:
    rule = unfold(1)
    assert rule.learned is not None
    stricter = replace(
        rule,
        requires=(*rule.requires[:1], parse("step >= 2")),
        learned=replace(rule.learned, dtypes=(*ANY[1:], DtypeRow(("int8",), ("int8",))), aliases=(None,)),
    )
    found = compared([learned_operator(rule.operator, [rule])], [learned_operator(rule.operator, [stricter])])

    assert list(found.lines()) == [
        "  torch.Tensor.unfold(self[self_0, self_1, self_2], 1, size, step)",
        "    - requires step >= 1",
        "    + requires step >= 2",
        "    - dtypes float32 -> float32",
        "    + dtypes int8 -> int8",
        "    - shares storage 0",
        "    + shares storage None",
    ]
    ((_, _, changes),) = found.changed
    assert changes[0] == Change("requires", ("size <= self_1", "step >= 1"), ("size <= self_1", "step >= 2"))
    assert found.document()["changed"][0]["changes"][0]["after"] == ["size <= self_1", "step >= 2"]


def test_other_results_and_other_bounds_are_changes() -> None:
    plain, bounded = reshape(), softplus(2)
    assert bounded.learned is not None
    turned = replace(plain, outputs=(replace(plain.outputs[0], dims=plain.outputs[0].dims[::-1]),))
    looser = replace(bounded, learned=replace(bounded.learned, reals=()))
    before = [learned_operator(rule.operator, [rule]) for rule in (plain, bounded)]
    after = [learned_operator(rule.operator, [rule]) for rule in (turned, looser)]
    lines = list(compared(before, after).lines())

    assert "    - returns [shape_0, shape_1]" in lines
    assert "    + returns [shape_1, shape_0]" in lines
    assert "    - takes beta from 0.5 to 1e+06" in lines


def test_two_rules_of_one_signature_are_told_apart_by_their_order() -> None:
    rule = roll(2, 1)
    other = replace(rule, requires=(parse("input_0 >= 2"),))
    both = [learned_operator("torch.roll", [rule, other])]

    assert list(compared(both, [learned_operator("torch.roll", [rule, rule])]).lines()) == [
        "  torch.roll(input[input_0, input_1], shifts, 1) #2",
        "    - requires input_0 >= 2",
    ]
