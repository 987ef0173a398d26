"""Comparing what two runs of one network returned, and telling rounding from wrong."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch

from archsmith.fuzz.attempt import Values
from archsmith.fuzz.oracles.protocol import Note
from archsmith.fuzz.oracles.rounding import Evidence

TOLERANCE: Mapping[torch.dtype, tuple[float, float]] = MappingProxyType(
    {torch.float32: (1e-4, 1e-5), torch.float64: (1e-9, 1e-9)}
)
"""Relative and absolute differences that nobody calls wrong, by the least precise dtype on the way."""

FACTOR = 8
"""How many times the error that the witnesses of rounding show is allowed."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A difference; ``output`` None: in their number; ``element`` and ``allowed`` only for values."""

    kind: str
    message: str
    output: int | None = None
    element: tuple[int, ...] | None = None
    allowed: float | None = None


def compare(
    expected: Values,
    actual: Values,
    *,
    precisions: Sequence[torch.dtype],
    witnesses: Callable[[], Evidence],
    note: Note,
) -> Disagreement | None:
    """The gravest difference between the two, if there is any: types before values, values before strides.

    ``precisions`` has the least precise floating-point dtype on the way to each output; ``witnesses`` are heard
    only about values that are not alike at first sight.
    """
    return (
        _types(expected, actual)
        or _values(expected, actual, precisions, witnesses, note)
        or _strides(expected, actual, note)
    )


def _types(expected: Values, actual: Values) -> Disagreement | None:
    if len(expected) != len(actual):
        return Disagreement("wrong shape", f"{len(expected)} outputs expected, {len(actual)} returned")
    for output, (e, a) in enumerate(zip(expected, actual, strict=True)):
        if e.dtype != a.dtype:
            return Disagreement("wrong dtype", f"output {output}: {e.dtype} expected, {a.dtype} returned", output)
        if e.shape != a.shape:
            return Disagreement("wrong shape", f"output {output}: {[*e.shape]} expected, {[*a.shape]} returned", output)
    return None


def _strides(expected: Values, actual: Values, note: Note) -> Disagreement | None:
    """Strides of dimensions of size 1 mean nothing, nor do those of empty tensors."""
    for output, (e, a) in enumerate(zip(expected, actual, strict=True)):
        long = [dim for dim, size in enumerate(e.shape) if size > 1 and e.numel() > 0]
        wanted, given = [e.stride(dim) for dim in long], [a.stride(dim) for dim in long]
        if wanted == given:
            continue
        if _has_gaps(e) and _order(wanted) == _order(given):
            note("gaps")  # a view into a larger tensor: the compiler promises the order of its strides, no more
            continue
        text = f"output {output} of shape {[*e.shape]}: {e.stride()} expected, {a.stride()} returned"
        return Disagreement("wrong stride", text, output)
    return None


def _has_gaps(tensor: torch.Tensor) -> bool:
    reach = 1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return reach > tensor.numel()


def _order(strides: Sequence[int]) -> list[int]:
    return sorted(range(len(strides)), key=strides.__getitem__)


def _values(
    expected: Values,
    actual: Values,
    precisions: Sequence[torch.dtype],
    witnesses: Callable[[], Evidence],
    note: Note,
) -> Disagreement | None:
    for output, (e, a) in enumerate(zip(expected, actual, strict=True)):
        tolerance = TOLERANCE[precisions[output]]
        suspects = ~_alike(e, a, tolerance)
        if not suspects.any():
            continue
        evidence = witnesses()
        seen = _Output(e, a, evidence.reference[output], [values[output] for values in evidence.shaken])
        explained, allowed = _floats(seen, tolerance) if e.is_floating_point() else _discrete(seen)
        for name, mask in explained.items():
            if (suspects & mask).any():
                note(name)
            suspects = suspects & ~mask
        if suspects.any():
            return _wrong(seen, output, suspects, allowed)
    return None


@dataclass(frozen=True, slots=True)
class _Output:
    """One output as eager, the compiler, the float64 reference and the shaken runs see it."""

    expected: torch.Tensor
    actual: torch.Tensor
    reference: torch.Tensor
    shaken: Sequence[torch.Tensor]


Explained = Mapping[str, torch.Tensor]
"""Filters by name, each with the elements that it explains."""


def _discrete(seen: _Output) -> tuple[Explained, torch.Tensor]:
    """Whole numbers and booleans are exact, unless they come from floats whose last bits decide."""
    unstable = seen.expected != seen.reference
    for values in seen.shaken:
        unstable = unstable | (values != seen.expected)
    return {"unstable": unstable}, torch.zeros(seen.expected.shape, dtype=torch.float64)


def _floats(seen: _Output, tolerance: tuple[float, float]) -> tuple[Explained, torch.Tensor]:
    e, a, r = seen.expected.double(), seen.actual.double(), seen.reference.double()
    spread = torch.zeros_like(e)
    unstable = torch.zeros_like(e, dtype=torch.bool)
    for values in seen.shaken:
        unstable = unstable | (_category(values) != _category(e))
        spread = torch.maximum(spread, _finite((values.double() - e).abs()))
    near = _near(e, tolerance)
    allowed = near + FACTOR * (_finite((e - r).abs()) + spread)
    explained = {
        "overflow": _category(e) != _category(r),
        "unstable": unstable,
        "rounding": ((e - a).abs() <= allowed) | ((a - r).abs() <= near),
    }
    return explained, allowed


def _alike(expected: torch.Tensor, actual: torch.Tensor, tolerance: tuple[float, float]) -> torch.Tensor:
    if not expected.is_floating_point():
        return expected == actual
    e, a = expected.double(), actual.double()
    return (e == a) | (e.isnan() & a.isnan()) | ((e - a).abs() <= _near(e, tolerance))


def _near(expected: torch.Tensor, tolerance: tuple[float, float]) -> torch.Tensor:
    """The difference that is allowed at each element; none where the value is infinite or not a number."""
    relative, absolute = tolerance
    return absolute + relative * _finite(expected.abs())


def _finite(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)


def _category(tensor: torch.Tensor) -> torch.Tensor:
    """0 for finite numbers, 1 and -1 for the infinities, 2 for what is not a number."""
    return tensor.isposinf().int() - tensor.isneginf().int() + 2 * tensor.isnan().int()


def _wrong(seen: _Output, output: int, wrong: torch.Tensor, allowed: torch.Tensor) -> Disagreement:
    excess = (seen.expected.double() - seen.actual.double()).abs() / (allowed + 1e-300)
    worst = int(torch.where(wrong, excess.nan_to_num(nan=torch.inf), -1.0).argmax())
    element = tuple(int(place) for place in torch.unravel_index(torch.tensor(worst), wrong.shape))
    eager, compiled, exact = (side[element].item() for side in (seen.expected, seen.actual, seen.reference))
    text = (
        f"output {output}, {seen.expected.dtype} of shape {[*wrong.shape]}: beyond rounding differ "
        f"{int(wrong.sum())} of {wrong.numel()} elements; at {[*element]} eager gives {eager!r}, the compiled "
        f"network {compiled!r}, float64 {exact!r}; rounding explains {allowed[element].item():.3g}"
    )
    return Disagreement("wrong value", text, output, element, allowed[element].item())
