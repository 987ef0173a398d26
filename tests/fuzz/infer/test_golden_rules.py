"""Rules of the shipped book that were learned from calls alone, against what PyTorch's documentation says of them.

For all small numbers Z3, or trying them all, shows that a rule accepts the calls that the documentation allows, no more
and no fewer, and that it gives their results the documented sizes. What cannot be decided counts as a failure.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from types import MappingProxyType

import pytest

from archsmith.fuzz.infer.solver import domain, equivalent, implied
from archsmith.graph.expr import Apply, Expr, Lit, parse, symbols
from archsmith.graph.learned import shipped
from archsmith.graph.rule_text import show_rule
from archsmith.graph.rules import Rule
from archsmith.graph.signature import DtypeSlot, Fixed, IntegerSlot, ListSlot, RealSlot, Slot, TensorSlot
from tests.fuzz.infer import documented
from tests.fuzz.infer.documented import Argument, Formula, Truth
from tests.learned_rules import learned_rule, tensor

FUNCTIONAL = "torch.nn.functional"

GOLDEN: Mapping[str, tuple[Formula, int]] = MappingProxyType(
    {
        f"{FUNCTIONAL}.conv1d": (documented.convolution(1), 3),
        f"{FUNCTIONAL}.conv2d": (documented.convolution(2), 2),
        f"{FUNCTIONAL}.conv_transpose2d": (documented.conv_transpose2d, 3),
        f"{FUNCTIONAL}.max_pool1d": (documented.max_pool(1), 4),
        f"{FUNCTIONAL}.max_pool2d": (documented.max_pool(2), 4),
        f"{FUNCTIONAL}.avg_pool1d": (documented.avg_pool(1), 4),
        f"{FUNCTIONAL}.avg_pool2d": (documented.avg_pool(2), 4),
        f"{FUNCTIONAL}.adaptive_avg_pool1d": (documented.adaptive_avg_pool(1), 2),
        f"{FUNCTIONAL}.adaptive_avg_pool2d": (documented.adaptive_avg_pool(2), 4),
        "torch.matmul": (documented.matmul, 4),
        "torch.mm": (documented.mm, 1),
        "torch.bmm": (documented.bmm, 1),
        "torch.cat": (documented.cat, 4),
        "torch.stack": (documented.stack, 4),
        "torch.reshape": (documented.reshape, 3),
        "torch.Tensor.reshape": (documented.reshaped, 3),
        "torch.Tensor.view": (documented.viewed, 3),
        "torch.flatten": (documented.flatten, 3),
        f"{FUNCTIONAL}.interpolate": (documented.interpolate, 4),
        f"{FUNCTIONAL}.unfold": (documented.unfold, 4),
        f"{FUNCTIONAL}.fold": (documented.fold, 1),
        f"{FUNCTIONAL}.pad": (documented.pad, 4),
        "torch.narrow": (documented.narrow, 4),
        "torch.select": (documented.select, 4),
        "torch.index_select": (documented.index_select, 2),
        "torch.gather": (documented.gather, 4),
        f"{FUNCTIONAL}.embedding": (documented.embedding, 2),
        "torch.sum": (documented.reduction(of_empty=True), 4),
        "torch.mean": (documented.reduction(of_empty=True), 4),
        "torch.amax": (documented.reduction(of_empty=False), 4),
        "torch.transpose": (documented.transpose, 4),
        "torch.permute": (documented.permute, 3),
        f"{FUNCTIONAL}.pixel_shuffle": (documented.pixel_shuffle, 1),
        f"{FUNCTIONAL}.pixel_unshuffle": (documented.pixel_unshuffle, 1),
        "torch.add": (documented.add, 4),
        f"{FUNCTIONAL}.linear": (documented.linear, 3),
        f"{FUNCTIONAL}.layer_norm": (documented.layer_norm, 3),
        f"{FUNCTIONAL}.group_norm": (documented.group_norm, 3),
        f"{FUNCTIONAL}.batch_norm": (documented.batch_norm, 4),
        "torch.Tensor.expand": (documented.expand, 3),
        "torch.Tensor.repeat": (documented.repeat, 4),
        "torch.tril": (documented.tril, 2),
        "torch.diagonal": (documented.diagonal, 3),
        f"{FUNCTIONAL}.one_hot": (documented.one_hot, 3),
    }
)
"""The documented truth, and how many rules at least must be proved to say the same."""

NARROWER: Mapping[str, str] = MappingProxyType(
    {
        f"{FUNCTIONAL}.conv1d": "some rules take one group only",
        f"{FUNCTIONAL}.conv2d": "some rules take one group only, or as many as channels",
        f"{FUNCTIONAL}.interpolate": "by area, a rule refuses results without elements",
        "torch.diagonal": "with a negative offset, rules refuse empty tensors",
        "torch.mean": "of one dimension, a rule refuses empty tensors",
    }
)
"""Operators of which some rules refuse calls that are allowed, and which; they accept none that are not."""

AMISS: Mapping[str, str] = MappingProxyType(
    {
        f"{FUNCTIONAL}.batch_norm": "in training, one value in each channel is not refused",
        f"{FUNCTIONAL}.conv_transpose2d": "rules take results without elements, or one group only",
        f"{FUNCTIONAL}.fold": "the number of blocks, a product of two quotients, is not found in a demand",
        f"{FUNCTIONAL}.group_norm": "with three dimensions and more, one value in each group is not refused",
    }
)
"""Operators that are not learned well enough, and why: whoever mends that is told by a test that passes."""

EACH = 6
"""So many rules of an operator are looked at."""


def written(slot: Slot) -> Argument:
    """What stands in a slot, as the documented functions take it."""
    match slot:
        case TensorSlot():
            return slot.sizes
        case IntegerSlot(name) | RealSlot(name) | DtypeSlot(name):
            return name
        case Fixed(value):
            return value
        case ListSlot(entries):
            return tuple(map(written, entries))


def told(rules: tuple[Rule, ...], formula: Formula) -> Iterator[tuple[Rule, Truth]]:
    """The rules about whose calls the documentation says something, and what."""
    for rule in rules:
        assert rule.learned is not None
        signature = rule.learned.signature
        truth = formula(**{name: written(slot) for name, slot in signature.arguments})
        if truth is not None and named(truth) <= set(signature.symbols):
            yield rule, truth


def named(truth: Truth) -> frozenset[str]:
    return frozenset().union(*(symbols(parse(str(text))) for text in (*truth.sizes, *truth.requires, *truth.given)))


def picked(found: Iterable[tuple[Rule, Truth]]) -> list[tuple[Rule, Truth]]:
    """``EACH`` of them, in turn of each combination of ranks and flags."""
    alike: dict[tuple[object, ...], list[tuple[Rule, Truth]]] = defaultdict(list)
    for rule, truth in found:
        flags = [value for _, value in rule.constants if isinstance(value, bool)]
        alike[rule.ranks, tuple(flags)].append((rule, truth))
    turns = zip_longest(*alike.values())
    return [one for turn in turns for one in turn if one is not None][:EACH]


def accepted(rule: Rule) -> tuple[Expr, ...]:
    """What a call that the rule accepts meets: its sizes have values, too, and none below 0."""
    sizes = (size for output in rule.outputs for size in output.dims)
    return (*rule.requires, *(Apply(">=", (size, Lit(0))) for size in sizes))


def unlike(rule: Rule, truth: Truth, *, narrower: bool) -> str:
    """In what the rule is not proved to say what is documented; ``narrower``: it may refuse calls that are allowed."""
    assert rule.learned is not None
    numbers = domain(rule.learned.signature)
    numbers = replace(numbers, always=(*numbers.always, *map(parse, truth.given)))
    requires, takes = tuple(map(parse, truth.requires)), accepted(rule)
    sizes = tuple(parse(str(size)) for size in truth.sizes)
    if [output.rank for output in rule.outputs] != [len(sizes)]:
        return "has other results"
    if not all(implied(takes, one, numbers) for one in requires):
        return "is not proved to refuse all that is not allowed"
    if not all(equivalent(*pair, numbers, assuming=takes) for pair in zip(rule.outputs[0].dims, sizes, strict=True)):
        return "is not proved to give the sizes"
    if not narrower and not all(implied(requires, one, numbers) for one in takes):
        return "is not proved to accept all that is allowed"
    return ""


def cases() -> Iterator[object]:
    for operator in GOLDEN:
        marks = [pytest.mark.xfail(strict=True, reason=AMISS[operator])] if operator in AMISS else []
        yield pytest.param(operator, marks=marks)


@pytest.mark.parametrize("operator", list(cases()))
def test_what_was_learned_is_what_is_documented(operator: str) -> None:
    formula, least = GOLDEN[operator]
    found = picked(told(shipped().operator(operator).rules, formula))
    answers = [(rule, truth, unlike(rule, truth, narrower=False)) for rule, truth in found]
    wrong = [
        f"{show_rule(rule)}\n  {answer}: {truth}"
        for rule, truth, answer in answers
        if answer and (operator not in NARROWER or unlike(rule, truth, narrower=True))
    ]

    assert not wrong, "\n".join(wrong)
    assert len([answer for _, _, answer in answers if not answer]) >= least


@pytest.mark.parametrize(
    ("result", "requires", "narrower", "said"),
    [
        (("input_0", "mat2_1"), ("input_1 == mat2_0",), False, ""),
        (("input_0", "mat2_1"), ("input_1 == mat2_0", "mat2_1 >= 1"), True, ""),
        (("input_0", "mat2_1"), ("input_1 == mat2_0", "mat2_1 >= 1"), False, "accept all"),
        (("input_0", "mat2_1*input_1//input_1"), ("input_1 == mat2_0",), False, "accept all"),
        (("input_0", "mat2_1"), ("input_1 <= mat2_0",), True, "refuse all"),
        (("input_0", "mat2_1"), (), True, "refuse all"),
        (("input_0", "max(mat2_1, 1)"), ("input_1 == mat2_0",), True, "sizes"),
        (("input_0",), ("input_1 == mat2_0",), True, "results"),
    ],
)
def test_a_rule_that_is_a_little_off_is_told(
    result: tuple[str, ...], requires: tuple[str, ...], narrower: bool, said: str
) -> None:
    off = learned_rule("torch.mm", (tensor("input", 2), tensor("mat2", 2)), (result,), requires)
    ((rule, truth),) = told((off,), documented.mm)
    answer = unlike(rule, truth, narrower=narrower)

    assert said in answer
    assert bool(said) == bool(answer)
