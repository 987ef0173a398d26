"""Families of operators: ``torch.add``, ``torch.Tensor.add`` and ``torch.Tensor.add_`` are learned one after another.

Their calls are written alike and mostly have the same rules, so each is tried with those of its elders first; and all
with those of a few operators that many others are like.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from archsmith.fuzz.call import CallRecord
from archsmith.fuzz.infer.learn import Learnt, learn_operator
from archsmith.fuzz.infer.probe import Ask, Effort
from archsmith.graph.rules import Rule

PIONEERS = (
    *("abs", "add", "sum", "amax", "matmul", "cat", "softmax", "cumsum", "flip", "where", "gather"),
    *("conv1d", "conv2d", "avg_pool2d", "max_pool2d", "max_pool1d", "conv_transpose2d"),
)
"""Stems of operators that many others are like: their families are learned before all others."""


def stem(operator: str) -> str:
    """The name that the operators of a family have in common.

    >>> [stem(name) for name in ("torch.add", "torch.Tensor.add_", "torch.Tensor.__add__", "torch.nn.Conv2d")]
    ['add', 'add', 'add', 'conv2d']
    """
    return operator.rpartition(".")[2].strip("_").lower()


def families(operators: Sequence[str]) -> dict[str, list[str]]:
    """The operators by their stems, pioneers first; in each family functions before methods, plain before in place."""
    found: dict[str, list[str]] = {}
    for operator in sorted(operators, key=lambda name: (name.startswith("torch.Tensor."), name.endswith("_"), name)):
        found.setdefault(stem(operator), []).append(operator)
    return {name: found[name] for name in sorted(found, key=lambda name: (name not in PIONEERS, name))}


@dataclass(frozen=True, slots=True)
class Family:
    """What is learned in one go: operators with their records, and the rules of others that are tried first."""

    operators: Sequence[tuple[str, Sequence[CallRecord]]]
    known: Sequence[Rule]
    seed: int
    effort: Effort


@dataclass(frozen=True, slots=True)
class Broken:
    """An operator on which the learner itself failed, and how."""

    operator: str
    problem: str


def learn_family(family: Family, ask: Ask) -> Iterator[Learnt | Broken]:
    """What is learned of each operator, in order; the rules of one are tried first for the next."""
    known = list(family.known)
    for operator, records in family.operators:
        rng = Random(f"{family.seed}/{operator}")
        try:
            learnt = learn_operator(records, ask, rng, family.effort, known=known)
        except Exception as error:  # noqa: BLE001 (the boundary: one operator must not take a thousand others with it)
            yield Broken(operator, f"{type(error).__name__}: {error}")
            continue
        known += learnt.rules
        yield learnt
