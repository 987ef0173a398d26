"""Trying hypotheses on both sides of their boundaries."""

from random import Random

import pytest

from archsmith.fuzz.call import Call, Verdict
from archsmith.fuzz.infer.confirm import challenge, inside, settle
from archsmith.fuzz.infer.explore import Explorer, explore
from archsmith.fuzz.infer.familiar import Familiar
from archsmith.fuzz.infer.hypothesis import Failed, Hypothesis, is_right, narrowed, predicted
from archsmith.fuzz.infer.probe import Effort, Probe
from archsmith.fuzz.infer.split import grouped
from archsmith.graph.expr import parse, show
from archsmith.graph.rules import Rule
from tests.fuzz.infer.planted import (
    NO,
    QUICK,
    Planted,
    Truth,
    added,
    call,
    convolved,
    learned,
    returned,
    summed,
    tensor,
)


def explorer_of(truth: Truth, calls: int = 120) -> Explorer:
    seen = call(a=tensor(3, 4), b=tensor(3, 4))
    if truth is convolved:
        seen = call(input=tensor(2, 3, 16), weight=tensor(5, 3, 3), stride=2, padding=1)
    (group,) = grouped([seen])
    probe = Probe(Planted(truth), group.signature, "normal", (), ("float32", "float32"))
    explorer = Explorer(probe, Random(0))
    explore(explorer, [group.points[0].values], calls)
    return explorer


def hypothesis(outputs: list[str], requires: list[str]) -> Hypothesis:
    return Hypothesis((tuple(map(parse, outputs)),), tuple(map(parse, requires)))


TRUE = hypothesis(
    ["broadcast(a_0, b_0)", "broadcast(a_1, b_1)"],
    ["a_0 == b_0 or a_0 == 1 or b_0 == 1", "a_1 == b_1 or a_1 == 1 or b_1 == 1"],
)
NARROW = hypothesis(["a_0", "a_1"], ["a_0 == b_0", "a_1 == b_1"])
WIDE = hypothesis(["broadcast(a_0, b_0)", "broadcast(a_1, b_1)"], ["a_0 == b_0 or a_0 == 1 or b_0 == 1"])


def test_a_true_hypothesis_survives_every_challenge() -> None:
    explorer = explorer_of(added)
    asked = challenge(explorer, TRUE, set())

    assert len(asked) > 40
    assert all(is_right(TRUE, explorer.probe, values) for values in asked)


@pytest.mark.parametrize("wrong", [NARROW, WIDE])
def test_a_hypothesis_that_is_too_narrow_or_too_wide_is_found_out(wrong: Hypothesis) -> None:
    explorer = explorer_of(added)
    asked = challenge(explorer, wrong, set())

    assert not all(is_right(wrong, explorer.probe, values) for values in asked)


def test_calls_inside_are_new_and_accepted() -> None:
    explorer = explorer_of(added)
    before = set(explorer.probe.seen)
    made = inside(explorer.probe, TRUE, explorer, 20)

    assert len(made) == 20
    assert not before & set(made)
    assert all(predicted(TRUE, explorer.probe.signature.symbols, values) for values in made)


def test_counter_examples_mend_a_rule_until_none_is_left() -> None:
    explorer = explorer_of(convolved, calls=40)
    settled = settle(explorer, Familiar(), Effort())

    assert not isinstance(settled, Failed)
    assert settled.wrong == 0
    assert settled.precision == settled.recall == 1
    assert "input_1 == weight_1" in map(show, settled.hypothesis.requires)


def test_what_has_no_formula_fails_with_the_reason() -> None:
    def strange(entry: Call) -> Verdict:
        first, second = (len(one.shape) and one.shape[0] for one in entry.tensors())
        return returned(((first * 7919 + second * 104729) % 31,))

    settled = settle(explorer_of(strange), Familiar(), Effort(rounds=2))

    assert isinstance(settled, Failed)
    assert settled.why == "size 0 of result 0 could not be expressed"


def test_a_hypothesis_is_narrowed_where_it_is_wrong_about_empty_tensors_only() -> None:
    def fussy(entry: Call) -> Verdict:
        return NO if entry.tensors()[0].shape[0] == 0 else added(entry)

    explorer = explorer_of(fussy)
    explorer.probe.see([(0, 4, 0, 4), (0, 4, 1, 4), (3, 0, 3, 0)])
    after = narrowed(TRUE, explorer.probe)

    assert [show(demand) for demand in after.requires[2:]] == ["a_0 >= 1"]


def oddly_convolved(entry: Call) -> Verdict:
    """A convolution that returns an empty tensor if the number of channels is odd, and else refuses to."""
    verdict = convolved(entry)
    data, weight = entry.tensors()
    given = dict(entry.arguments)
    padding, stride = given["padding"], given["stride"]
    assert isinstance(padding, int)
    assert isinstance(stride, int)
    empty = data.shape[2] + 2 * padding == weight.shape[2] - 1 and stride == 1
    if verdict != NO or not empty or data.shape[1] % 2 == 0 or weight.shape[1] != data.shape[1]:
        return verdict
    return returned((data.shape[0], weight.shape[0], 0), dtype=data.dtype)


def test_empty_results_that_come_as_it_happens_make_no_rule_wrong() -> None:
    calls = [call(input=tensor(2, 3, 8), weight=tensor(4, 3, 3), stride=2, padding=1)]
    (rule,) = [rule for rule in learned(oddly_convolved, calls).rules if len(rule.inputs[0].dims) == 3]

    assert rule.learned is not None
    assert rule.counter_examples == 0
    assert [show(size) for size in rule.outputs[0].dims][2] == "(input_2 + 2*padding - weight_2)//stride + 1"


def test_sizes_that_could_not_be_expressed_are_given_up_early() -> None:
    def wild(entry: Call) -> Verdict:
        (data,) = entry.tensors()
        return returned([(data.shape[0] * 7919 + data.shape[1] * 104729) % 127 % 11 + 1])

    explorer = Explorer(
        Probe(Planted(wild), grouped([call(a=tensor(3, 4))])[0].signature, "normal", (), ("float32",)), Random(0)
    )
    explore(explorer, [(3, 4)], 120)
    outcome = settle(explorer, Familiar(), Effort())

    assert isinstance(outcome, Failed)
    assert not outcome.expressed
    assert len(explorer.probe.seen) < 900


def test_rules_of_other_operators_are_tried_in_this_ones_words() -> None:
    rules: tuple[Rule, ...] = learned(summed, [call(x=tensor(3, 4), dim=0, keepdim=False)], effort=QUICK).rules
    familiar = Familiar(rules)
    (group,) = grouped([call(y=tensor(3, 4), dim=1, keepdim=False)])
    found = {show(size) for entry in familiar.candidates(group.signature, [1]) for size in entry.outputs[0]}

    assert found == {"y_0", "y_1"}
    assert list(familiar.candidates(group.signature, [3])) == []
