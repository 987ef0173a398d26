"""Operators whose truth is known: PyTorch's stand-ins, written down as functions from a call to a verdict."""

from collections.abc import Callable, Sequence
from random import Random

from archsmith.fuzz.call import (
    Argument,
    Call,
    CallRecord,
    Point,
    Refused,
    Returned,
    TensorValue,
    Verdict,
    concrete,
)
from archsmith.fuzz.infer.learn import Learnt, learn_operator
from archsmith.fuzz.infer.probe import Effort
from archsmith.graph.rules import Rule
from archsmith.graph.signature import Signature

Truth = Callable[[Call], Verdict]

NO = Refused("RuntimeError", "no")

QUICK = Effort(signatures=6, found=3, calls=500)


class Planted:
    """An ``Ask`` that answers by a function, and counts."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.calls = 0

    def __call__(self, signature: Signature, points: Sequence[Point], fill: str) -> list[Verdict]:
        self.calls += len(points)
        return [answered(self.truth, concrete(signature, point)) for point in points]


def answered(truth: Truth, entry: Call) -> Verdict:
    """What the operator says; one that was written for other tensors than these refuses them."""
    try:
        return truth(entry)
    except ValueError:
        return NO


def call(**arguments: Argument) -> Call:
    return Call("torch.planted", tuple(arguments.items()), len(arguments))


def tensor(*shape: int, dtype: str = "float32", low: int | None = None, high: int | None = None) -> TensorValue:
    return TensorValue(shape, dtype, None, low, high)


def returned(*shapes: Sequence[int], aliases: tuple[int | None, ...] = (), dtype: str = "float32") -> Returned:
    return Returned(tuple(TensorValue(tuple(shape), dtype) for shape in shapes), aliases)


def records(truth: Truth, calls: Sequence[Call]) -> list[CallRecord]:
    return [CallRecord(entry, truth(entry), "2.13.0", "test") for entry in calls]


def learned(
    truth: Truth, calls: Sequence[Call], *, seed: int = 0, effort: Effort = QUICK, known: Sequence[Rule] = ()
) -> Learnt:
    return learn_operator(records(truth, calls), Planted(truth), Random(seed), effort, known=known)


def added(entry: Call) -> Verdict:
    """Two tensors, broadcast against each other."""
    first, second = entry.tensors()
    wide = max(len(first.shape), len(second.shape))
    shapes = [(1,) * (wide - len(one.shape)) + one.shape for one in (first, second)]
    if any(a != b and 1 not in (a, b) for a, b in zip(*shapes, strict=True)):
        return NO
    return returned([b if a == 1 else a for a, b in zip(*shapes, strict=True)], dtype=first.dtype)


def convolved(entry: Call) -> Verdict:
    """A one-dimensional convolution with a stride and padding."""
    given = dict(entry.arguments)
    data, weight = entry.tensors()
    stride, padding = given["stride"], given["padding"]
    assert isinstance(stride, int)
    assert isinstance(padding, int)
    if data.dtype != weight.dtype or data.dtype not in ("float32", "float64"):
        return NO
    (batch, channels, length), (out, taken, kernel) = data.shape, weight.shape
    if stride < 1 or padding < 0 or channels != taken or kernel < 1 or length + 2 * padding < kernel:
        return NO
    return returned((batch, out, (length + 2 * padding - kernel) // stride + 1), dtype=data.dtype)


def joined(entry: Call) -> Verdict:
    """Two tensors of one rank, one behind the other along a dimension."""
    given = dict(entry.arguments)
    first, second = entry.tensors()
    rank, dim = len(first.shape), given["dim"]
    assert isinstance(dim, int)
    if len(second.shape) != rank or not -rank <= dim < rank:
        return NO
    dim %= rank
    if any(a != b for place, (a, b) in enumerate(zip(first.shape, second.shape, strict=True)) if place != dim):
        return NO
    shape = [*first.shape]
    shape[dim] += second.shape[dim]
    return returned(shape, dtype=first.dtype)


def summed(entry: Call) -> Verdict:
    """A reduction over one dimension, which stays if ``keepdim``."""
    given = dict(entry.arguments)
    (data,) = entry.tensors()
    rank, dim = len(data.shape), given["dim"]
    assert isinstance(dim, int)
    if not -rank <= dim < rank:
        return NO
    shape = [*data.shape]
    shape[dim % rank : dim % rank + 1] = [1] if given["keepdim"] else []
    return returned(shape, dtype="int64" if data.dtype.startswith("int") else data.dtype)


def selected(entry: Call) -> Verdict:
    """Rows of a table by indices, which must be whole numbers within it."""
    table, indices = entry.tensors()
    if indices.dtype not in ("int64", "int32"):
        return NO
    rows, width = table.shape
    low, high = indices.low or 0, (indices.high if indices.high is not None else 3)
    if 0 not in indices.shape and not 0 <= low <= high < rows:
        return NO
    return returned((*indices.shape, width), dtype=table.dtype)


def viewed(entry: Call) -> Verdict:
    """A tensor seen as a matrix of so many elements."""
    given = dict(entry.arguments)
    (data,) = entry.tensors()
    shape = given["shape"]
    assert isinstance(shape, tuple)
    elements = 1
    for size in data.shape:
        elements *= size
    rows, columns = (size for size in shape if isinstance(size, int))
    if min(rows, columns) < 0 or rows * columns != elements:
        return NO
    return returned((rows, columns), aliases=(0,), dtype=data.dtype)
