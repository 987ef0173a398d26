"""Numbers between two bounds: choices whose options are a grid, evenly spaced in size or in its logarithm.

A space is counted exactly, so a fraction, too, is one of finitely many. The options stand in order and are spaced as
they are to be searched: the distance of two of them is that of their places, whatever the scale.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from archsmith.graph.errors import UserError
from archsmith.spaces.values import Choice

COUNT = 16
"""How many values a grid has unless told otherwise."""

MOST = 10_000
"""The most values of one grid: all of them are kept, and looked through by whoever answers."""

FEWEST_DIGITS = 3
NEAR = 20
"""Values are rounded to as few digits as move them by at most one part in so many of the way to a neighbour."""


def integers(
    low: int, high: int, *, step: int = 1, log: bool = False, count: int | None = None, name: str | None = None
) -> Choice:
    """The whole numbers from ``low`` to ``high``, both included: every ``step``-th, or about ``count`` of them.

    ``count`` are evenly spaced, with ``log`` in the logarithm, and rounded; those that become equal are one. With
    ``log`` it is 16 unless told otherwise.

    Raises:
        UserError: the bounds are no range, the steps do not end at ``high``, or the values are too many.
    """
    if not all(map(_whole, (low, high))):
        raise UserError(f"integers takes two whole numbers, the least and the greatest; got {low!r} and {high!r}")
    _demand_range("integers", low, high, log=log)
    if not _whole(step) or step < 1:
        raise UserError(f"integers takes a step of at least 1; got {step!r}")
    if count is None and not log:
        return _stepped(low, high, step, name)
    if step != 1:
        raise UserError(f"integers takes a step, or a count of values (as with log=True), not both; got step={step}")
    count = _checked_count("integers", COUNT if count is None else count)
    options = tuple(dict.fromkeys((low, *map(round, _between(low, high, count, log=log)), high)))
    return Choice(options, True, name, grid=_written("integers", low, high, count, log=log))


def floats(low: float, high: float, *, count: int = COUNT, log: bool = False, name: str | None = None) -> Choice:
    """``count`` numbers from ``low`` to ``high``, both included, evenly spaced, with ``log`` in the logarithm.

    Those between the bounds are rounded to few digits: 0.001 rather than 0.0010000000000000002.

    Raises:
        UserError: the bounds are no range, or too near for so many values.
    """
    if not all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in (low, high)):
        raise UserError(f"floats takes two numbers, the least and the greatest; got {low!r} and {high!r}")
    low, high = float(low), float(high)
    _demand_range("floats", low, high, log=log)
    count = _checked_count("floats", count)
    exact = _between(low, high, count, log=log)
    for digits in range(FEWEST_DIGITS, 18):
        options = (low, *(float(f"{float(value):.{digits}g}") for value in exact), high)
        if _faithful(options, (Fraction(low), *exact, Fraction(high))):
            return Choice(options, True, name, grid=_written("floats", low, high, count, log=log))
    raise UserError(f"floats wants {count} different numbers from {low} to {high}, which are too near; take fewer")


def _stepped(low: int, high: int, step: int, name: str | None) -> Choice:
    steps, left = divmod(high - low, step)
    if left:
        raise UserError(
            f"integers ends at its greatest number: steps of {step} from {low} come to {high - left} and"
            f" {high - left + step}; got {high}"
        )
    if steps >= MOST:
        raise UserError(
            f"integers takes at most {MOST} values; {low} to {high} in steps of {step} are {steps + 1}:"
            " give a greater step, or a count"
        )
    stepped = "" if step == 1 else f", step={step}"
    return Choice(tuple(range(low, high + 1, step)), True, name, grid=f"integers({low}, {high}{stepped})")


def _written(word: str, low: float, high: float, count: int, *, log: bool) -> str:
    return f"{word}({low}, {high}, {'log=True, ' if log else ''}count={count})"


def _between(low: float, high: float, count: int, *, log: bool) -> list[Fraction]:
    """The exact values between the bounds, without them."""
    # The bounds as they are written: 0.1 is a tenth here, so that steps of it end at a half.
    first, last = Fraction(repr(low)), Fraction(repr(high))
    places = [Fraction(place, count - 1) for place in range(1, count - 1)]
    if not log:
        return [first + (last - first) * place for place in places]
    # Last bits of a logarithm differ between machines; the rounding of the values hides them.
    start, end = math.log(low), math.log(high)
    return [Fraction(math.exp(start + (end - start) * place)) for place in map(float, places)]


def _faithful(options: Sequence[float], exact: Sequence[Fraction]) -> bool:
    """Whether the options are near enough to the exact values to be spaced as those are."""
    gaps = [after - before for before, after in pairwise(exact)]
    nearest = [min(around) for around in pairwise(gaps)]
    errors = [abs(Fraction(option) - value) for option, value in zip(options, exact, strict=True)]
    near = all(error * NEAR <= gap for error, gap in zip(errors[1:-1], nearest, strict=True))
    return near and all(before < after for before, after in pairwise(options))


def _demand_range(word: str, low: float, high: float, *, log: bool) -> None:
    if not math.isfinite(low) or not math.isfinite(high) or low >= high:
        raise UserError(f"{word} goes from a number to a greater one; got {low} and {high}")
    if log and low <= 0:
        raise UserError(f"{word} with log=True takes numbers above 0; got {low} to {high}")


def _checked_count(word: str, count: int) -> int:
    if not _whole(count) or not 2 <= count <= MOST:
        raise UserError(f"{word} takes a count of 2 to {MOST} values; got {count!r}")
    return count


def _whole(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)
