"""Bounds that a person sets, checked before anything is written."""

from math import isfinite

from archsmith.graph.errors import UserError


def check_limits(seconds: float, memory: float) -> None:
    """``UserError`` unless both are numbers above 0."""
    for word, unit, bound in (("time", "seconds", seconds), ("memory", "bytes", memory)):
        if not isfinite(bound) or bound <= 0:
            raise UserError(f"a limit of {word} must be a number of {unit} above 0; got {bound:g}")


def check_bounds(**bounds: float | None) -> None:
    """``UserError`` unless each that is given is a finite number above 0."""
    for word, bound in bounds.items():
        if bound is not None and not (isfinite(bound) and bound > 0):
            demanded = "at least 1" if isinstance(bound, int) else "above 0"
            raise UserError(f"{word} must be {demanded}; got {bound:g}")
