"""Ridge regression over traits: what it finds is the solution, where it has the time for it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from archsmith.search.ridge import NOISE, STEPS, ridge

ROWS = st.lists(st.tuples(st.sets(st.integers(0, 7), max_size=8), st.floats(-1, 1)), min_size=1, max_size=STEPS)
"""At most as many trials as there are steps: so many lead to the solution of as many unknowns."""


@given(ROWS)
def test_it_is_the_solution_of_few_trials(rows: list[tuple[set[int], float]]) -> None:
    traits = [np.array(sorted(places), dtype=np.intp) for places, _ in rows]
    targets = np.array([target for _, target in rows])
    prior = np.linspace(0.1, 1.0, 8)
    having = np.zeros((len(rows), 8))
    for row, places in zip(having, traits, strict=True):
        row[places] = 1.0
    solution = prior * (having.T @ np.linalg.solve(having * prior @ having.T + NOISE * np.eye(len(rows)), targets))

    assert np.allclose(ridge(traits, prior, targets), solution, atol=1e-5)


def test_trials_without_traits_teach_nothing() -> None:
    found = ridge([np.zeros(0, dtype=np.intp)] * 3, np.ones(4), np.array([0.5, -0.5, 0.0]))

    assert found.tolist() == [0.0] * 4
