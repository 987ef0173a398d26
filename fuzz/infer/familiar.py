"""Rules of other operators: most operators behave as another one does, up to the names of the arguments.

``torch.sub`` takes what ``torch.add`` takes. A rule that is known already is tried first wherever the tensors' ranks
and the number of integers are the same, its symbols read as those in the same places.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from archsmith.fuzz.infer.hypothesis import Hypothesis
from archsmith.graph.expr import Apply, Expr, Lit, Sym, fold
from archsmith.graph.rules import Rule
from archsmith.graph.signature import Signature

Structure = tuple[tuple[tuple[int, bool], ...], int]
"""Rank of each tensor, whether its extremes are symbols, and the number of integers."""


def structure(signature: Signature) -> Structure:
    return tuple((tensor.rank, tensor.valued) for tensor in signature.tensors), len(signature.integers)


def renamed(expr: Expr, names: Mapping[str, str]) -> Expr:
    """The expression with other names for its symbols; one that is not in ``names`` keeps its own."""
    return fold(
        expr,
        literal=lambda value: _expr(Lit(value)),
        symbol=lambda name: Sym(names.get(name, name)),
        apply=lambda operation, parts: Apply(operation, tuple(parts)),
    )


def _expr(literal: Lit) -> Expr:
    return literal


@dataclass(slots=True)
class Familiar:
    """What was learnt so far, by structure; symbols are called by their places: ``s0``, ``s1``, ..."""

    by_structure: dict[Structure, dict[Hypothesis, int]]

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.by_structure = {}
        for rule in rules:
            self.add(rule)

    def add(self, rule: Rule) -> None:
        """Remember a learned rule; a declared one has no signature and is not remembered."""
        if rule.learned is None:
            return
        signature = rule.learned.signature
        names = {name: f"s{place}" for place, name in enumerate(signature.symbols)}
        outputs = tuple(tuple(renamed(size, names) for size in output.dims) for output in rule.outputs)
        requires = tuple(renamed(constraint, names) for constraint in rule.requires)
        counts = self.by_structure.setdefault(structure(signature), {})
        hypothesis = Hypothesis(outputs, requires)
        counts[hypothesis] = counts.get(hypothesis, 0) + 1

    def candidates(self, signature: Signature, ranks: Sequence[int]) -> Iterator[Hypothesis]:
        """Hypotheses with results of these ranks, in the signature's own words, those met most often first."""
        names = {f"s{place}": name for place, name in enumerate(signature.symbols)}
        counts = self.by_structure.get(structure(signature), {})
        for hypothesis, _ in sorted(counts.items(), key=lambda entry: -entry[1]):
            if [len(output) for output in hypothesis.outputs] == list(ranks):
                outputs = tuple(tuple(renamed(size, names) for size in output) for output in hypothesis.outputs)
                yield Hypothesis(outputs, tuple(renamed(constraint, names) for constraint in hypothesis.requires))
