"""Pareto fronts, by their law."""

from hypothesis import given, settings
from hypothesis import strategies as st

from archsmith.storage.goals import covers, front

WHOLE = st.integers(0, 4)
POINTS = st.integers(1, 3).flatmap(lambda size: st.lists(st.tuples(*[WHOLE] * size), min_size=1, max_size=8))


@settings(deadline=None)
@given(POINTS)
def test_nothing_on_the_front_is_beaten_and_all_else_is(points: list[tuple[int, ...]]) -> None:
    kept = front(enumerate(points))

    for place, point in enumerate(points):
        others = [points[other] for other in kept if other != place]
        assert any(covers(other, point) for other in others) == (place not in kept)
