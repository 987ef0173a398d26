"""The whole learner on operators whose truth is planted, and on some of PyTorch's own."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsmith.fuzz.call import Call, Point, Returned, Verdict, concrete
from archsmith.fuzz.infer.hypothesis import Hypothesis, predicted
from archsmith.fuzz.infer.learn import Learnt, learn_operator
from archsmith.fuzz.infer.probe import Effort
from archsmith.fuzz.infer.results import shapes_of
from archsmith.fuzz.infer.solver import domain, equivalent
from archsmith.graph.expr import parse, show
from archsmith.graph.rules import Bounds, Provenance, Rule
from archsmith.graph.signature import Signature
from tests.fuzz.infer.planted import (
    NO,
    Planted,
    Truth,
    added,
    answered,
    call,
    convolved,
    joined,
    learned,
    records,
    returned,
    selected,
    summed,
    tensor,
    viewed,
)

ALL = Effort(signatures=9, found=0)
ONE = Effort(signatures=1, found=0)
"""What learns nothing but the one signature that was recorded."""


def only(learnt: Learnt) -> Rule:
    (rule,) = learnt.rules
    return rule


def sizes(rule: Rule) -> list[str]:
    return [show(size) for output in rule.outputs for size in output.dims]


def signature(rule: Rule) -> Signature:
    assert rule.learned is not None
    return rule.learned.signature


def same(rule: Rule, size: str, truth: str) -> bool:
    """Whether two sizes agree wherever the rule accepts a call."""
    space = domain(signature(rule), most=9)
    return equivalent(parse(size), parse(truth), space, assuming=rule.requires) is True


def test_broadcasting_is_learned_from_one_call_and_confirmed() -> None:
    rule = only(learned(added, [call(a=tensor(3, 4), b=tensor(3, 4))], effort=ONE))

    assert sizes(rule) == ["broadcast(a_0, b_0)", "broadcast(a_1, b_1)"]
    assert {show(demand) for demand in rule.requires} == {
        "a_0 == b_0 or a_0 == 1 or b_0 == 1",
        "a_1 == b_1 or a_1 == 1 or b_1 == 1",
    }
    assert rule.provenance is Provenance.CONFIRMED
    assert rule.counter_examples == 0


def test_a_convolution_has_one_rule_with_its_stride_and_padding_as_symbols() -> None:
    seen = call(input=tensor(2, 3, 16), weight=tensor(5, 3, 3), stride=2, padding=1)
    rule = only(learned(convolved, [seen], effort=ONE))

    assert rule.provenance is Provenance.CONFIRMED
    assert sizes(rule)[:2] == ["input_0", "weight_0"]
    assert same(rule, sizes(rule)[2], "(input_2 + 2*padding - weight_2)//stride + 1")
    assert rule.learned is not None
    assert {row.taken for row in rule.learned.dtypes} == {("float32", "float32"), ("float64", "float64")}


def test_a_dimension_to_join_along_is_held_and_its_siblings_are_found() -> None:
    rules = learned(joined, [call(first=tensor(3, 4), second=tensor(5, 4), dim=0)]).rules

    assert {dict(rule.constants)["dim"]: sizes(rule) for rule in rules} == {
        0: ["first_0 + second_0", "first_1"],
        1: ["first_0", "first_1 + second_1"],
        -1: ["first_0", "first_1 + second_1"],
        -2: ["first_0 + second_0", "first_1"],
    }
    assert all(rule.provenance is Provenance.CONFIRMED for rule in rules)


def test_a_reduction_has_a_rule_for_each_dimension_and_result_dtypes_of_its_own() -> None:
    rules = learned(summed, [call(input=tensor(3, 4, 5), dim=1, keepdim=False)], effort=Effort(found=5)).rules

    assert {dict(rule.constants)["dim"] for rule in rules} == {0, 1, 2, -1, -2, -3}
    middle = next(rule for rule in rules if dict(rule.constants)["dim"] == 1)
    assert sizes(middle) == ["input_0", "input_2"]
    assert middle.learned is not None
    assert {row.taken[0]: row.returned[0] for row in middle.learned.dtypes}["int32"] == "int64"


def test_indices_get_their_extremes_as_symbols() -> None:
    seen = call(table=tensor(6, 3), index=tensor(4, dtype="int64", low=0, high=5))
    rule = only(learned(selected, [seen], effort=ONE))

    assert [slot.valued for slot in signature(rule).tensors] == [False, True]
    assert "index_high < table_0" in map(show, rule.requires)
    assert "index_low >= 0" in map(show, rule.requires)
    assert rule.learned is not None
    assert {row.taken[1] for row in rule.learned.dtypes} == {"int64", "int32"}


def test_a_view_is_learned_with_its_storage() -> None:
    rule = only(learned(viewed, [call(self=tensor(4, 6), shape=(3, 8))], effort=ONE))

    assert sizes(rule) == ["shape_0", "shape_1"]
    assert [show(demand) for demand in rule.requires] == ["self_0*self_1 == shape_0*shape_1"]
    assert rule.learned is not None
    assert rule.learned.aliases == (0,)


def halves(entry: Call) -> Verdict:
    """A real argument that must be between 0 and 1."""
    amount = dict(entry.arguments)["p"]
    assert isinstance(amount, float)
    return returned(entry.tensors()[0].shape) if 0 <= amount <= 1 else NO


def test_real_arguments_get_bounds() -> None:
    rule = only(learned(halves, [call(input=tensor(2, 3), p=0.5)], effort=ONE))

    assert rule.learned is not None
    assert rule.learned.reals == (Bounds("p", 0.0, 1.0),)


def test_the_shapes_of_an_operator_that_looks_at_values_stay_unlearned() -> None:
    def nonzero(entry: Call) -> Verdict:
        (data,) = entry.tensors()
        return returned((1 if data.dtype == "bool" else 2, len(data.shape)))

    learnt = learned(nonzero, [call(input=tensor(3, 4))])

    assert learnt.rules == ()
    assert [(entry.why, entry.calls) for entry in learnt.unlearned] == [
        ("the shapes of results hang on what the tensors hold", 1)
    ]


def test_where_one_rank_looks_at_values_no_other_rank_has_a_rule() -> None:
    def nonzero(entry: Call) -> Verdict:
        (data,) = entry.tensors()
        return returned((1 if data.dtype == "bool" and data.shape else 2, len(data.shape)))

    learnt = learned(nonzero, [call(input=tensor(3, 4)), call(input=tensor())])

    assert learnt.rules == ()


def test_an_integer_that_chooses_among_formulas_is_held_where_nothing_else_helps() -> None:
    def chooses(entry: Call) -> Verdict:
        (data,) = entry.tensors()
        mode = dict(entry.arguments)["mode"]
        first, second = data.shape  # of a matrix only
        return {1: returned((first + 7 * second,)), 2: returned((first * second // 3 + second * second,))}.get(
            mode if isinstance(mode, int) else 0, NO
        )

    rules = learned(chooses, [call(input=tensor(3, 4), mode=1), call(input=tensor(5, 2), mode=2)]).rules

    assert {dict(rule.constants).get("mode") for rule in rules} == {1, 2}


def test_results_of_another_form_get_a_rule_of_their_own() -> None:
    def squeezed(entry: Call) -> Verdict:
        return returned([size for size in entry.tensors()[0].shape if size != 1])

    rules = learned(squeezed, [call(input=tensor(3, 4))], effort=ONE).rules

    by_rank = {rule.outputs[0].rank: rule for rule in rules}
    assert sizes(by_rank[2]) == ["input_0", "input_1"]
    assert {show(demand) for demand in by_rank[2].requires} == {"input_0 != 1", "input_1 != 1"}


def test_a_rule_that_is_known_from_another_operator_costs_no_inference(monkeypatch: pytest.MonkeyPatch) -> None:
    known = learned(added, [call(a=tensor(3, 4), b=tensor(3, 4))]).rules
    monkeypatch.setattr("archsmith.fuzz.infer.confirm.fitted", None)
    rule = only(learned(added, [call(x=tensor(2, 5), y=tensor(2, 5))], known=known, effort=ONE))

    assert sizes(rule) == ["broadcast(x_0, y_0)", "broadcast(x_1, y_1)"]
    assert rule.provenance is Provenance.CONFIRMED


def test_the_same_records_and_seed_give_the_same_rules() -> None:
    seen = [call(first=tensor(3, 4), second=tensor(5, 4), dim=0)]

    assert learned(joined, seen, seed=7, effort=ONE) == learned(joined, seen, seed=7, effort=ONE)


@settings(max_examples=6)
@given(
    seed=st.integers(0, 1000),
    which=st.sampled_from(
        [
            (added, call(a=tensor(3, 4), b=tensor(4))),
            (viewed, call(self=tensor(4, 6), shape=(3, 8))),
            (selected, call(table=tensor(6, 3), index=tensor(4, dtype="int64", low=0, high=5))),
            (joined, call(first=tensor(3, 4), second=tensor(5, 4), dim=0)),
        ]
    ),
)
def test_no_rule_accepts_a_call_that_was_refused_while_it_was_learned(seed: int, which: tuple[Truth, Call]) -> None:
    truth, seen = which
    asked: list[tuple[Signature, Point, Verdict]] = []

    def ask(signature: Signature, points: Sequence[Point], fill: str) -> list[Verdict]:
        verdicts = [answered(truth, concrete(signature, point)) for point in points]
        asked.extend(zip([signature] * len(points), points, verdicts, strict=True))
        return verdicts

    learnt = learn_operator(records(truth, [seen]), ask, Random(seed), ONE)

    assert learnt.rules
    for rule in learnt.rules:
        hypothesis = Hypothesis(tuple(output.dims for output in rule.outputs), rule.requires)
        taken = {row.taken for row in rule.learned.dtypes} if rule.learned else set()
        for where, point, verdict in asked:
            if where == signature(rule) and point.dtypes in taken:
                said = predicted(hypothesis, where.symbols, point.values)
                assert said is None or (isinstance(verdict, Returned) and said == shapes_of(verdict))


def test_more_records_lose_no_rule() -> None:
    few = [call(a=tensor(3, 4), b=tensor(3, 4))]
    more = [
        *few,
        call(a=tensor(1, 4), b=tensor(3, 1)),
        call(a=tensor(2, 2), b=tensor(2)),
        call(a=tensor(7, 1), b=tensor(7, 9)),
    ]
    before, after = learned(added, few, effort=ALL), learned(added, more, effort=ALL)

    assert {str(signature(rule)) for rule in before.rules} <= {str(signature(rule)) for rule in after.rules}
    assert after.unlearned == ()


def test_a_confirmed_rule_that_is_no_longer_found_is_reported() -> None:
    known = learned(added, [call(a=tensor(3, 4), b=tensor(3, 4))], effort=ONE).rules
    learnt = learned(
        lambda entry: NO if len(entry.tensors()[0].shape) == 2 else added(entry),
        [call(a=tensor(3), b=tensor(3))],
        known=known,
        effort=ONE,
    )

    assert learnt.forgotten == known
    assert learned(added, [call(a=tensor(3, 4), b=tensor(3, 4))], known=known, effort=ONE).forgotten == ()


def test_what_is_left_out_is_said() -> None:
    many = [call(a=tensor(*(2,) * rank), b=tensor(*(2,) * rank)) for rank in range(1, 5)]
    learnt = learned(added, many, effort=Effort(signatures=2, found=0))

    assert len(learnt.rules) == 2
    assert [entry.calls for entry in learnt.unlearned] == [1, 1]


def test_records_of_two_operators_are_refused() -> None:
    calls = [call(a=tensor(2), b=tensor(2)), Call("torch.other", (("a", tensor(2)), ("b", tensor(2))), 2)]
    with pytest.raises(ValueError, match=r"one operator; got torch\.other, torch\.planted"):
        learn_operator(records(added, calls), Planted(added), Random(0))
