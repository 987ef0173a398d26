"""Rules of the shipped book that were learned from calls alone, against what PyTorch's documentation says of them.

For all small numbers Z3, or trying them all, shows that a rule accepts the calls that the documentation allows, no more
and no fewer, and that it gives their results the documented sizes. "Unknown" is a failure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest

from archsmith.fuzz.infer.solver import Domain, alike, domain, equivalent
from archsmith.graph.expr import Expr, parse, symbols
from archsmith.graph.learned import learned_book
from archsmith.graph.rule_text import show_rule
from archsmith.graph.rules import Rule
from archsmith.graph.signature import DtypeSlot, Fixed, IntegerSlot, ListSlot, RealSlot, Signature, Slot, TensorSlot
from tests.fuzz.infer import documented
from tests.fuzz.infer.documented import Argument, Formula, Truth

FUNCTIONAL = "torch.nn.functional"

GOLDEN: Mapping[str, tuple[Formula, int]] = MappingProxyType(
    {
        f"{FUNCTIONAL}.conv1d": (documented.convolution(1), 4),
        f"{FUNCTIONAL}.conv2d": (documented.convolution(2), 4),
        f"{FUNCTIONAL}.conv_transpose2d": (documented.conv_transpose2d, 3),
        f"{FUNCTIONAL}.max_pool1d": (documented.max_pool(1), 4),
        f"{FUNCTIONAL}.max_pool2d": (documented.max_pool(2), 4),
        f"{FUNCTIONAL}.avg_pool1d": (documented.avg_pool(1), 4),
        f"{FUNCTIONAL}.avg_pool2d": (documented.avg_pool(2), 4),
        f"{FUNCTIONAL}.adaptive_avg_pool1d": (documented.adaptive_avg_pool(1), 2),
        f"{FUNCTIONAL}.adaptive_avg_pool2d": (documented.adaptive_avg_pool(2), 4),
        "torch.matmul": (documented.matmul, 10),
        "torch.mm": (documented.mm, 1),
        "torch.bmm": (documented.bmm, 1),
        "torch.cat": (documented.cat, 10),
        "torch.stack": (documented.stack, 10),
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
        "torch.sum": (documented.reduction(of_empty=True), 10),
        "torch.mean": (documented.reduction(of_empty=True), 10),
        "torch.amax": (documented.reduction(of_empty=False), 10),
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
"""The documented truth, and of how many rules at least it must be that."""


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


def small(signature: Signature, truth: Truth) -> Domain:
    """The small numbers of which the documentation speaks."""
    numbers = domain(signature)
    return replace(numbers, always=(*numbers.always, *map(parse, truth.given)))


def disagreement(rule: Rule, truth: Truth) -> str:
    """In what the rule is not proved to say the same as the documentation; nothing if it is proved."""
    assert rule.learned is not None
    numbers = small(rule.learned.signature, truth)
    requires: tuple[Expr, ...] = tuple(map(parse, truth.requires))
    if alike(rule.requires, requires, numbers) is not True:
        return f"requires {truth.requires}"
    (output,) = rule.outputs
    sizes = tuple(parse(str(size)) for size in truth.sizes)
    assuming = (*requires, *map(parse, truth.given))
    if len(sizes) == output.rank:
        pairs = zip(output.dims, sizes, strict=True)
        if all(equivalent(one, other, numbers, assuming=assuming) is True for one, other in pairs):
            return ""
    return f"sizes {truth.sizes}"


@pytest.mark.parametrize("operator", GOLDEN)
def test_what_was_learned_is_what_is_documented(operator: str) -> None:
    formula, least = GOLDEN[operator]
    found = list(told(learned_book().operator(operator).rules, formula))
    wrong = [f"{show_rule(rule)}\n  documented: {said}" for rule, truth in found if (said := disagreement(rule, truth))]

    assert len(found) >= least
    assert not wrong, "\n".join(wrong)
