"""A small book of learned rules, written by hand: a few operators with everything that a book may hold."""

from pathlib import Path

from archsmith.graph.book import Operator
from archsmith.graph.expr import parse
from archsmith.graph.learned import VERSION, book_bytes, learned_operator
from archsmith.graph.rules import Bounds, DtypeRow, Learned, Provenance, Rule, TensorPattern
from archsmith.graph.signature import (
    DtypeSlot,
    Fixed,
    IntegerSlot,
    ListSlot,
    Plain,
    RealSlot,
    Signature,
    Slot,
    TensorSlot,
    Word,
)

FLOATS = tuple(DtypeRow((dtype,), (dtype,)) for dtype in ("float32", "float64", "float16"))
ANY = tuple(DtypeRow((dtype,), (dtype,)) for dtype in ("float32", "int64", "bool", "bfloat16"))


def tensor(name: str, rank: int) -> tuple[str, Slot]:
    return name, TensorSlot(name, rank)


def integer(name: str) -> tuple[str, Slot]:
    return name, IntegerSlot(name)


def fixed(name: str, value: Plain) -> tuple[str, Slot]:
    return name, Fixed(value)


def learned_rule(
    operator: str,
    arguments: tuple[tuple[str, Slot], ...],
    outputs: tuple[tuple[str, ...], ...],
    requires: tuple[str, ...] = (),
    *,
    dtypes: tuple[DtypeRow, ...] = FLOATS,
    positional: int = 9,
    support: int = 40,
    **further: object,
) -> Rule:
    """A confirmed rule; its inputs are those of the signature, its outputs sizes as text."""
    signature = Signature(operator, arguments, min(positional, len(arguments)))
    inputs = tuple(
        TensorPattern(f"T{place}", tuple(map(parse, slot.sizes))) for place, slot in enumerate(signature.tensors)
    )
    results = tuple(TensorPattern(f"R{place}", tuple(map(parse, sizes))) for place, sizes in enumerate(outputs))
    learned = Learned(signature, dtypes, **further)  # type: ignore[arg-type]
    return Rule(
        operator, inputs, results, tuple(map(parse, requires)),
        provenance=Provenance.CONFIRMED, support=support, learned=learned,
    )  # fmt: skip


def roll(rank: int, dim: int) -> Rule:
    sizes = tuple(f"input_{place}" for place in range(rank))
    arguments = (tensor("input", rank), integer("shifts"), fixed("dims", dim))
    return learned_rule("torch.roll", arguments, (sizes,), dtypes=ANY, precision=1.0, recall=0.998, source="op_db")


def roll_two(rank: int) -> Rule:
    sizes = tuple(f"input_{place}" for place in range(rank))
    shifts = ListSlot((IntegerSlot("shifts_0"), IntegerSlot("shifts_1")))
    arguments = (tensor("input", rank), ("shifts", shifts), ("dims", ListSlot((Fixed(2), Fixed(3)))))
    return learned_rule("torch.roll", arguments, (sizes,), dtypes=ANY)


def softplus(rank: int) -> Rule:
    sizes = tuple(f"input_{place}" for place in range(rank))
    arguments = (tensor("input", rank), ("beta", RealSlot("beta")), ("threshold", RealSlot("threshold")))
    bounds = (Bounds("beta", 0.5, 1e6), Bounds("threshold", -2.0, 1e6))
    return learned_rule("torch.nn.functional.softplus", arguments, (sizes,), reals=bounds)


def total(rank: int, dim: int | None) -> Rule:
    """``torch.sum`` along one dimension or all of them, in a dtype that is given or not."""
    kept = tuple(f"input_{place}" for place in range(rank) if dim is not None and place != dim)
    arguments = (tensor("input", rank), fixed("dim", dim), fixed("keepdim", False), ("dtype", DtypeSlot("dtype")))
    rows = tuple(DtypeRow((taken, wide), (wide,)) for taken in ("float32", "bool") for wide in ("float64", "int64"))
    return learned_rule("torch.sum", arguments, (kept,), dtypes=rows, positional=1)


def unfold(dim: int) -> Rule:
    """``torch.Tensor.unfold`` of rank 3 along a dimension: a view."""
    size = f"(self_{dim} - size)//step + 1"
    sizes = tuple(size if place == dim else f"self_{place}" for place in range(3))
    arguments = (tensor("self", 3), fixed("dimension", dim), integer("size"), integer("step"))
    requires = (f"size <= self_{dim}", "step >= 1")
    return learned_rule("torch.Tensor.unfold", arguments, ((*sizes, "size"),), requires, dtypes=ANY, aliases=(0,))


def halves() -> Rule:
    """``torch.chunk`` in two along dimension 1: two tensors, of sizes that differ."""
    sizes = (("input_0", "(input_1 + 1)//2", "input_2"), ("input_0", "input_1//2", "input_2"))
    arguments = (tensor("input", 3), fixed("chunks", 2), fixed("dim", 1))
    rows = tuple(DtypeRow(row.taken, row.returned * 2) for row in ANY)
    return learned_rule("torch.chunk", arguments, sizes, ("input_1 >= 2",), dtypes=rows, aliases=(0, 0), form="(t, t)")


def whole() -> Rule:
    """``torch.chunk`` in one: a tuple of one tensor."""
    sizes = (("input_0", "input_1", "input_2"),)
    arguments = (tensor("input", 3), fixed("chunks", 1), fixed("dim", 1))
    return learned_rule("torch.chunk", arguments, sizes, dtypes=ANY, aliases=(0,), form="(t,)")


def added() -> Rule:
    """``torch.add`` of two matrices that broadcast, scaled by a number."""
    pairs = (("input_0", "other_0"), ("input_1", "other_1"))
    rows = (
        DtypeRow(("float32", "float32"), ("float32",)),
        DtypeRow(("float32", "int64"), ("float32",)),
        DtypeRow(("int64", "float64"), ("float64",)),
    )
    return learned_rule(
        "torch.add",
        (tensor("input", 2), tensor("other", 2), integer("alpha")),
        (tuple(f"broadcast({a}, {b})" for a, b in pairs),),
        tuple(f"{a} == {b} or {a} == 1 or {b} == 1" for a, b in pairs),
        dtypes=rows,
        positional=2,
    )


def reshape() -> Rule:
    shape = ListSlot((IntegerSlot("shape_0"), IntegerSlot("shape_1")))
    product = "input_0*input_1*input_2 == shape_0*shape_1"
    arguments = (tensor("input", 3), ("shape", shape))
    return learned_rule("torch.reshape", arguments, (("shape_0", "shape_1"),), (product,), dtypes=ANY, aliases=(0,))


def picked() -> Rule:
    """``torch.index_select``, which hangs on the values of its indices."""
    index = TensorSlot("index", 1, valued=True)
    arguments = (tensor("input", 2), fixed("dim", 0), ("index", index))
    requires = ("index_low >= 0", "index_high < input_0")
    rows = (DtypeRow(("float32", "int64"), ("float32",)),)
    return learned_rule("torch.index_select", arguments, (("index_0", "input_1"),), requires, dtypes=rows)


def added_in_place() -> Rule:
    arguments = (tensor("self", 1), integer("other"))
    return learned_rule("torch.Tensor.add_", arguments, (("self_0",),), aliases=(0,), mutates=(0,))


def is_nonzero() -> Rule:
    rows = (DtypeRow(("float32",), ()),)
    return learned_rule("torch.is_nonzero", (tensor("input", 0),), (), dtypes=rows)


def contiguous() -> Rule:
    kept = Word("memory_format", "channels_last")
    sizes = ("input_0", "input_1", "input_2", "input_3")
    arguments = (tensor("input", 4), fixed("memory_format", kept))
    return learned_rule("torch.clone", arguments, (sizes,), dtypes=ANY, positional=1)


def operators() -> list[Operator]:
    """A few operators with everything that a book may hold."""
    return [
        learned_operator("torch.roll", [*(roll(rank, dim) for rank in (2, 4) for dim in (0, 1)), roll_two(4)]),
        learned_operator(
            "torch.nn.functional.softplus", map(softplus, (0, 2, 4)), defaults={"beta": 1.0, "threshold": 20.0}
        ),
        learned_operator("torch.sum", [total(3, 1), total(3, 2), total(3, None)], summary="sum of elements"),
        learned_operator("torch.Tensor.unfold", map(unfold, (1, 2)), defaults={"step": 1}),
        learned_operator("torch.chunk", [halves(), whole()]),
        learned_operator("torch.add", [added()], defaults={"alpha": 1}),
        learned_operator("torch.reshape", [reshape()]),
        learned_operator("torch.index_select", [picked()]),
        learned_operator("torch.Tensor.add_", [added_in_place()]),
        learned_operator("torch.is_nonzero", [is_nonzero()]),
        learned_operator("torch.clone", [contiguous()]),
    ]


def written(folder: Path, given: list[Operator] | None = None) -> Path:
    """The file of a book of these operators, by the name of the one that comes with archsmith."""
    path = folder / f"pytorch-{VERSION}.json.gz"
    path.write_bytes(book_bytes(given or operators(), pytorch="2.13.0", built="by hand"))
    return path
