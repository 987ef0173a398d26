"""Operators that move elements and compute nothing: views, permutations, padding."""

from archsmith.graph.book import Attribute, Operator
from archsmith.graph.ops.dims import RANKS, dims, replaced, tensor
from archsmith.graph.rules import Rule, rule

_DIM = Attribute("dim", int, None, (0, 1, 2, 3, 4))
_FIRST = Attribute("first", int, None, (0, 1, 2, 3))
_SECOND = Attribute("second", int, None, (1, 2, 3, 4))
_START = Attribute("start", int, 0, (0, 1, 2))
_LENGTH = Attribute("length", int, None, (1, 2, 3, 4))
_FACTOR = Attribute("factor", int, None, (1, 2, 3))
_SHIFT = Attribute("shift", int, 1, (1, 2, -1))
_AMOUNT = Attribute("amount", int, 1, (1, 2))
_SIZE = Attribute("size", int, None, (1, 2, 3))


def _flatten() -> tuple[Rule, ...]:
    return tuple(
        rule(
            "flatten",
            [tensor("Any", ["N", *dims(rank - 1)])],
            [f"Any[N, {'*'.join(dims(rank - 1))}]"],
        )
        for rank in (2, 3, 4, 5)
    )


def _transpose() -> tuple[Rule, ...]:
    rules = []
    for rank in RANKS:
        for first in range(rank):
            for second in range(first + 1, rank):
                sizes = dims(rank)
                swapped = replaced(replaced(sizes, first, sizes[second]), second, sizes[first])
                fixed = {"first": first, "second": second}
                rules.append(rule("transpose", [tensor("Any", sizes)], [tensor("Any", swapped)], constants=fixed))
    return tuple(rules)


def _at(name: str, change: str, requires: str = "", *, room: int = 0) -> tuple[Rule, ...]:
    """One rule per rank and dimension; ``change`` is the text of what replaces ``{d}``: sizes with commas.

    ``room`` 1 lets the dimension stand behind the last one, where an operator adds a dimension.
    """
    rules = []
    for rank in RANKS[: len(RANKS) - room]:
        for dim in range(rank + room):
            sizes = dims(rank)
            new = [part.strip() for part in change.format(d=f"d{dim}").split(",") if part.strip()]
            changed = [*sizes[:dim], *new, *sizes[dim:]] if room else replaced(sizes, dim, *new)
            requirements = [requires.format(d=f"d{dim}")] if requires else []
            rules.append(
                rule(
                    name,
                    [tensor("Any", sizes)],
                    [tensor("Any", changed)],
                    requires=requirements,
                    constants={"dim": dim},
                )
            )
    return tuple(rules)


def _chunk() -> tuple[Rule, ...]:
    rules = []
    for rank in RANKS:
        for dim in range(rank):
            sizes = dims(rank)
            rules.append(
                rule(
                    "split_in_two",
                    [tensor("Any", sizes)],
                    [
                        tensor("Any", replaced(sizes, dim, "size")),
                        tensor("Any", replaced(sizes, dim, f"d{dim} - size")),
                    ],
                    requires=["size >= 1", f"size < d{dim}"],
                    constants={"dim": dim},
                )
            )
    return tuple(rules)


SHAPE = (
    Operator("flatten", "everything behind the first dimension as one", (), _flatten()),
    Operator("transpose", "two dimensions swapped", (_FIRST, _SECOND), _transpose()),
    Operator("unsqueeze", "a dimension of size 1 added", (_DIM,), _at("unsqueeze", "1", room=1)),
    Operator("squeeze", "a dimension of size 1 dropped", (_DIM,), _at("squeeze", "", "{d} == 1")),
    Operator(
        "narrow",
        "a run of a dimension",
        (_DIM, _START, _LENGTH),
        _at("narrow", "length", "start >= 0 and length >= 1 and start + length <= {d}"),
    ),
    Operator(
        "unflatten",
        "a dimension split in two, the second of the given factor",
        (_DIM, _FACTOR),
        tuple(
            r
            for r in _at("unflatten", "{d}//factor, factor", "factor >= 1 and {d} % factor == 0")
            if r.inputs[0].rank < 5
        ),
    ),
    Operator("flip", "a dimension reversed", (_DIM,), _at("flip", "{d}")),
    Operator("roll", "a dimension rotated", (_DIM, _SHIFT), _at("roll", "{d}")),
    Operator(
        "repeat",
        "a dimension repeated end to end",
        (_DIM, _FACTOR),
        _at("repeat", "{d}*factor", "factor >= 1"),
    ),
    Operator("split_in_two", "a dimension cut at the given size: both parts", (_DIM, _SIZE), _chunk()),
    Operator(
        "zero_pad2d",
        "zeros around an image",
        (_AMOUNT,),
        (
            rule(
                "zero_pad2d",
                ["Number[N, C, H, W]"],
                ["Number[N, C, H + 2*amount, W + 2*amount]"],
                requires=["amount >= 0"],
            ),
        ),
    ),
)
