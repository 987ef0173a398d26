"""What a value is, without holding it: tensors by their types, the rest as it is, or by a word.

Meant for the inside of a tracer: nothing here raises, whatever it is given, and nothing is kept alive.
"""

from math import isfinite

import torch

from archsmith.fuzz.call import Argument, TensorValue
from archsmith.graph.signature import Word

LONGEST = 512
"""Entries of a list; a longer one, which no rule can be about, is opaque."""

_DEEPEST = 8
_MOST_ELEMENTS = 1 << 18
_WHOLE = frozenset(
    {torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.uint32, torch.uint64}
)
_NO_MINIMUM = frozenset({torch.uint16, torch.uint32, torch.uint64})
_DTYPES = frozenset(value for value in vars(torch).values() if isinstance(value, torch.dtype))
_NAMES = {dtype: str(dtype).removeprefix("torch.") for dtype in _DTYPES}


def describe(value: object, *, extremes: bool = True) -> Argument:
    """The value as an argument of a call; what has no form there is an opaque word with its class's name.

    Without ``extremes``, whole-number tensors are described like others, without their least and greatest element.
    """
    return _described(value, _DEEPEST, extremes=extremes)


def dtype_name(dtype: torch.dtype) -> str:
    """``float32`` for ``torch.float32``."""
    return _NAMES[dtype]


def opaque(value: object) -> Word:
    """The word for something that was seen and cannot be made again."""
    return Word("opaque", type(value).__name__)


def _described(value: object, deep: int, *, extremes: bool) -> Argument:
    if isinstance(value, torch.Tensor):
        return _tensor(value, extremes=extremes)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, list | tuple):
        return _list(value, deep, extremes=extremes)
    return _plain(value)


def _list(value: list[object] | tuple[object, ...], deep: int, *, extremes: bool) -> Argument:
    if deep == 0 or len(value) > LONGEST:
        return opaque(value)
    return tuple([_described(entry, deep - 1, extremes=extremes) for entry in value])


def _plain(value: object) -> Argument:
    match value:
        case str():
            return str(value)
        case int():
            return int(value)
        case float():
            return float(value) if isfinite(value) else Word("float", repr(float(value)))
        case complex():
            return Word("complex", repr(complex(value)))
        case torch.dtype():
            return Word("dtype", _NAMES[value])
        case torch.layout() | torch.memory_format():
            return Word(type(value).__name__, str(value).removeprefix("torch."))
        case torch.device():
            return Word("device", str(value))
        case slice():
            return _slice(value)
        case _ if value is Ellipsis:
            return Word("ellipsis", "...")
        case _:
            return opaque(value)


def _slice(value: slice) -> Word:
    ends = (value.start, value.stop, value.step)
    if not all(end is None or type(end) is int for end in ends):
        return opaque(value)
    return Word("slice", ":".join("" if end is None else str(end) for end in ends))


def _tensor(tensor: torch.Tensor, *, extremes: bool) -> TensorValue | Word:
    try:
        return _dense(tensor, extremes=extremes)
    except (RuntimeError, NotImplementedError, TypeError):
        return opaque(tensor)  # a subclass, or a tensor inside vmap or of unknown sizes, that has no such thing to say


def _dense(tensor: torch.Tensor, *, extremes: bool) -> TensorValue | Word:
    if tensor.layout is not torch.strided or tensor.is_nested or tensor.is_quantized:
        return Word("opaque", f"{str(tensor.layout).removeprefix('torch.')} {type(tensor).__name__}")
    shape, dtype = tuple(map(int, tensor.shape)), tensor.dtype
    strides = None if tensor.is_contiguous() else tuple(map(int, tensor.stride()))
    if not extremes or dtype not in _WHOLE:
        return TensorValue(shape, _NAMES[dtype], strides)
    return TensorValue(shape, _NAMES[dtype], strides, *_extremes(tensor))


def _extremes(tensor: torch.Tensor) -> tuple[int, int] | tuple[None, None]:
    count = tensor.numel()
    if count == 0:
        return 0, 0
    if count > _MOST_ELEMENTS or tensor.device.type != "cpu":
        return None, None
    try:
        if tensor.dtype in _NO_MINIMUM:
            entries = tensor.flatten().tolist()
            return min(entries), max(entries)
        low, high = torch.aminmax(tensor.detach())
        return int(low), int(high)
    except (RuntimeError, NotImplementedError):
        return None, None  # inside vmap, or a tensor that only pretends, there are no elements to look at
