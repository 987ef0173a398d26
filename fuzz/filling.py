"""Tensors made from their types: values come out of fixed pools, so that making one costs a few microseconds.

The same type, fill and place always give the same elements, on every machine of one PyTorch version.
"""

import math
from functools import cache

import torch

from archsmith.fuzz.call import TensorValue
from archsmith.fuzz.fills import LARGEST

_PERIOD = 4099
_FIRST = 1 << 14
_LARGEST_KEPT = 1 << 20
_OF_SHAPE = frozenset({"ascending", "definite"})
_COMPARED = frozenset({torch.float32, torch.float64, torch.float16, torch.bfloat16})
_WHOLE_LARGEST = (1 << 63) - 1


class Unmakeable(Exception):
    """No tensor, or other value, is like this."""


class TooLarge(Exception):
    """The tensor would have more than ``LARGEST`` bytes."""


def made_tensor(value: TensorValue, fill: str, place: int) -> tuple[torch.Tensor, torch.Tensor | None]:
    """A tensor of that type, and one that is equal, in other memory, where that costs nothing.

    Tensors at other ``place`` s have other elements.

    Raises:
        Unmakeable: no tensor has this type, as with a negative size or one element that is both 0 and 3.
        TooLarge: it would need too much memory.
    """
    dtype = _dtype(value.dtype)
    span = _span(value)
    if span * dtype.itemsize > LARGEST:
        raise TooLarge(f"{span} elements of {value.dtype}")
    if value.low is not None and value.high is not None and dtype is not torch.bool:
        return _shaped(_between(value, dtype, span, fill), value), None
    if fill in _OF_SHAPE:
        return _shaped(_special(value, dtype, span, fill), value), None
    flat = _pool(dtype, fill, span).narrow(0, 97 * place % _PERIOD, span)
    if value.strides is not None:
        return _shaped(flat.clone(), value), None
    like = flat.view(value.shape)
    return like.clone(), like if dtype in _COMPARED else None


def _span(value: TensorValue) -> int:
    """How many elements of storage it covers."""
    if value.shape and min(value.shape) < 0:
        raise Unmakeable(f"a size cannot be negative: {value.shape}")
    count = math.prod(value.shape)
    if value.strides is None or not count:
        return count
    if len(value.strides) != len(value.shape) or min(value.strides, default=0) < 0:
        raise Unmakeable(f"strides {value.strides} do not fit the shape {value.shape}")
    return 1 + sum((size - 1) * stride for size, stride in zip(value.shape, value.strides, strict=True))


def _shaped(flat: torch.Tensor, value: TensorValue) -> torch.Tensor:
    return flat.view(value.shape) if value.strides is None else flat.as_strided(value.shape, value.strides)


@cache
def _dtype(name: str) -> torch.dtype:
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise Unmakeable(f"PyTorch {torch.__version__} has no dtype {name!r}")
    return dtype


_POOLS: dict[tuple[torch.dtype, str], torch.Tensor] = {}


def _pool(dtype: torch.dtype, fill: str, span: int) -> torch.Tensor:
    """At least ``span`` elements from any place in its first period on; it is periodic, so growing changes none."""
    pool = _POOLS.get((dtype, fill))
    if pool is None or len(pool) < span + _PERIOD:
        times = math.ceil(max(_FIRST, span + _PERIOD) / _PERIOD)
        pool = _converted(_period(dtype, fill), dtype).repeat(times)
        if span <= _LARGEST_KEPT:
            _POOLS[dtype, fill] = pool
    return pool


def _period(dtype: torch.dtype, fill: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(20)
    if dtype.is_floating_point or dtype.is_complex:
        kind = torch.complex128 if dtype.is_complex else torch.float64
        normal = torch.randn(_PERIOD, dtype=kind, generator=generator)
        even = torch.rand(_PERIOD, dtype=torch.float64, generator=generator)
        return {"positive": 0.5 + 1.5 * even, "unit": 0.05 + 0.9 * even}.get(fill, normal)
    if dtype is torch.bool:
        return torch.rand(_PERIOD, generator=generator) < 0.5
    low, above = {"positive": (1, 5), "unit": (0, 2), "wide": (0, 1 << 31)}.get(fill, (0, 4))
    return torch.randint(low, above, (_PERIOD,), generator=generator)


def _converted(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    try:
        return tensor.to(dtype)
    except (RuntimeError, NotImplementedError) as error:
        raise Unmakeable(f"PyTorch cannot make tensors of {dtype}") from error


def _between(value: TensorValue, dtype: torch.dtype, span: int, fill: str) -> torch.Tensor:
    """Whole numbers of which the first is the least and the last is the greatest."""
    low, high = value.low or 0, value.high or 0
    _check_extremes(value, dtype, span, low, high)
    if fill == "ascending":
        flat = torch.linspace(low, high, span, dtype=torch.float64).to(torch.int64)
    elif high - low < 1 << 31:
        flat = _pool(torch.int64, "wide", span).narrow(0, 0, span).remainder(high - low + 1).add_(low)
    else:
        flat = torch.full((span,), low)
    if span:
        flat[0] = low
        flat[-1] = high
    return _converted(flat, dtype)


def _check_extremes(value: TensorValue, dtype: torch.dtype, span: int, low: int, high: int) -> None:
    if dtype.is_floating_point or dtype.is_complex:
        raise Unmakeable(f"only whole numbers have a least and a greatest, not {value.dtype}")
    limits = torch.iinfo(dtype)
    least, greatest = limits.min, min(limits.max, _WHOLE_LARGEST)
    if not least <= low <= high <= greatest or (span < 2 and low != high) or (not span and low != 0):
        raise Unmakeable(f"no {value.dtype} tensor of shape {value.shape} has {low} and {high} as extremes")


def _special(value: TensorValue, dtype: torch.dtype, span: int, fill: str) -> torch.Tensor:
    """Elements that depend on the shape; as they come, where the shape is none that the fill is about."""
    shape = value.shape
    if not dtype.is_floating_point and not dtype.is_complex:
        return _converted(_ascending_whole(span) if fill == "ascending" else torch.ones(span), dtype)
    if fill == "ascending":
        flat = torch.linspace(-1, 1, span, dtype=torch.float64)
    elif fill == "definite" and len(shape) > 1 and shape[-1] == shape[-2] and value.strides is None:
        distance = torch.arange(shape[-1], dtype=torch.float64)
        matrix = torch.pow(0.5, (distance[:, None] - distance).abs())
        flat = matrix.expand(shape).flatten()
    else:
        flat = _pool(torch.float64, "positive", span).narrow(0, 0, span)
    return _converted(flat, dtype).clone()


def _ascending_whole(span: int) -> torch.Tensor:
    return torch.arange(span).clamp(max=100)
