"""Rules are tried on PyTorch itself: true ones hold, and wrong ones are found on either side of their constraints."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from archsmith.fuzz.call import Point, Verdict, concrete
from archsmith.fuzz.perform import perform
from archsmith.fuzz.rule_check import check_rule
from archsmith.graph.errors import UserError
from archsmith.graph.expr import parse
from archsmith.graph.ops import DECLARED
from archsmith.graph.rules import Bounds, DtypeRow, Rule
from archsmith.graph.signature import RealSlot, Signature
from tests.learned_rules import FLOATS, added, learned_rule, operators, picked, roll, tensor, total, unfold


def ask(signature: Signature, points: Sequence[Point], fill: str) -> list[Verdict]:
    """PyTorch in this process: the calls of these tests are harmless."""
    return [perform(concrete(signature, point), fill=fill) for point in points]


@pytest.mark.parametrize("rule", [rule for entry in operators() for rule in entry.rules], ids=lambda rule: str(rule))
def test_true_rules_hold(rule: Rule) -> None:
    found = check_rule(rule, ask, Random(0))

    assert not found.broken
    assert (found.wrong_inside, found.wrong_outside, found.examples) == (0, 0, ())
    assert found.inside >= len(rule.learned.dtypes if rule.learned else ())
    assert (found.outside > 0) == bool(rule.requires)


@pytest.mark.parametrize(
    ("rule", "side"),
    [
        (replace(added(), requires=added().requires[:1]), "inside"),
        (replace(unfold(1), requires=(*unfold(1).requires, parse("size >= 3"))), "outside"),
        (replace(picked(), requires=picked().requires[:1]), "inside"),
        (replace(roll(2, 1), outputs=(replace(roll(2, 1).outputs[0], dims=(parse("1"), parse("input_1"))),)), "inside"),
    ],
)  # fmt: skip
def test_wrong_rules_are_broken(rule: Rule, side: str) -> None:
    found = check_rule(rule, ask, Random(0))

    assert found.broken
    assert (found.wrong_inside > 0, found.wrong_outside > 0) == (side == "inside", side == "outside")
    assert found.examples


def test_a_wrong_call_is_told_as_it_was_made() -> None:
    rule = total(3, 1)
    assert rule.learned is not None
    rows = (DtypeRow(("float32", "float64"), ("float32",)),)
    found = check_rule(replace(rule, learned=replace(rule.learned, dtypes=rows)), ask, Random(0))
    wrong = found.examples[0]

    assert wrong.call.startswith("torch.sum(float32[")
    assert wrong.call.endswith("dim=1, keepdim=False, dtype=float64)")
    assert (wrong.said.partition("[")[0], wrong.came.partition("[")[0]) == ("float32", "float64")


def test_errors_and_floats_are_told_too() -> None:
    arguments = (tensor("input", 1), ("p", RealSlot("p")), ("training", RealSlot("training")))
    rule = learned_rule("torch.dropout", arguments, (("input_0",),), reals=(Bounds("p", 2.0, 3.0),), dtypes=FLOATS[:1])
    found = check_rule(rule, ask, Random(0))

    assert found.wrong_inside == found.inside
    assert "2.0, 0.5" in found.examples[0].call
    assert "Error: " in found.examples[0].came


def test_calls_depend_on_the_seed_alone() -> None:
    rule = replace(added(), requires=())
    first, again, other = (check_rule(rule, ask, Random(seed)) for seed in (1, 1, 2))

    assert first == again
    assert first.examples != other.examples


def test_only_learned_rules_of_operators_that_there_are_can_be_checked() -> None:
    with pytest.raises(ValueError, match="only learned rules are checked"):
        check_rule(DECLARED.operator("relu").rules[0], ask, Random(0))
    with pytest.raises(UserError, match="must be a public one of PyTorch"):
        check_rule(learned_rule("torch.no_such", (tensor("input", 1),), (("input_0",),)), ask, Random(0))
