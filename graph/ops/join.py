"""Operators that join several tensors: one rule per number of inputs, rank and dimension."""

from archsmith.graph.book import Attribute, Operator
from archsmith.graph.ops.dims import dims, replaced, tensor
from archsmith.graph.rules import Rule, rule

_DIM = Attribute("dim", int, 1, (0, 1, 2, 3))
_COUNTS = (2, 3, 4)


def _cat() -> tuple[Rule, ...]:
    rules = []
    for count in _COUNTS:
        for rank in (1, 2, 3, 4):
            for dim in range(rank):
                lengths = dims(count, "n")
                inputs = [tensor("Any", replaced(dims(rank), dim, length)) for length in lengths]
                joined = tensor("Any", replaced(dims(rank), dim, " + ".join(lengths)))
                rules.append(rule("cat", inputs, [joined], constants={"dim": dim}))
    return tuple(rules)


def _stack() -> tuple[Rule, ...]:
    rules = []
    for count in _COUNTS:
        for rank in (0, 1, 2, 3):
            for dim in range(rank + 1):
                sizes = dims(rank)
                stacked = tensor("Any", [*sizes[:dim], str(count), *sizes[dim:]])
                rules.append(rule("stack", [tensor("Any", sizes)] * count, [stacked], constants={"dim": dim}))
    return tuple(rules)


JOIN = (
    Operator("cat", "tensors laid end to end along a dimension", (_DIM,), _cat()),
    Operator("stack", "tensors of one shape along a new dimension", (_DIM,), _stack()),
)
