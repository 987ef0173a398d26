"""Bounds of every size: what is refused is said in numbers that a person can read."""

import pytest

from archsmith.graph.errors import UserError
from archsmith.jobs.limits import check_bounds, check_limits


@pytest.mark.parametrize(
    ("bound", "message"),
    [
        (0, "trials must be at least 1; got 0"),
        (-(10**400), "trials must be at least 1; got -1000"),
        (0.0, "trials must be above 0; got 0"),
        (float("nan"), "trials must be above 0; got nan"),
        (1 << 63, r"trials must be below 2\^63; got 9223372036854775808"),
        (10**400, r"trials must be below 2\^63; got 1000"),
        (float("inf"), r"trials must be below 2\^63; got inf"),
    ],
)
def test_a_bound_of_no_use_is_refused(bound: float, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_bounds(workers=1, trials=bound)


def test_bounds_of_any_use_are_taken() -> None:
    check_bounds(trials=1, minutes=0.001, cases=(1 << 63) - 1, workers=None)
    check_limits(0.001, 10**400)


@pytest.mark.parametrize("bound", [0, -1, float("nan"), float("inf"), float("-inf")])
def test_a_limit_that_is_none_is_refused(bound: float) -> None:
    with pytest.raises(UserError, match="a limit of time must be a number of seconds above 0"):
        check_limits(bound, 1)
    with pytest.raises(UserError, match="a limit of memory must be a number of bytes above 0"):
        check_limits(1.0, bound)
