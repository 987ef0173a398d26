"""Products of one expression in two directions."""

from random import Random

import numpy as np
import pytest

from archsmith.fuzz.infer.columns import Columns, Vector, values
from archsmith.fuzz.infer.express import express
from archsmith.fuzz.infer.halves import directions, halves
from archsmith.graph.expr import parse

WINDOWS = {
    "lists": ("(h_2 + 2*p_0 - d_0*(k_0 - 1) - 1)//s_0 + 1", "(h_3 + 2*p_1 - d_1*(k_1 - 1) - 1)//s_1 + 1"),
    "shared": ("(h_2 + 2*p - d*(k - 1) - 1)//s + 1", "(h_3 + 2*p - d*(k - 1) - 1)//s + 1"),
    "blocks": ("(h_2 - k_0)//s_0 + 1", "(h_3 - k_1)//s_1 + 1"),
}
NAMES = {
    "lists": "n h_2 h_3 k_0 k_1 d_0 d_1 p_0 p_1 s_0 s_1",
    "shared": "h_2 h_3 k d p s",
    "blocks": "h_0 h_1 h_2 h_3 k_0 k_1 s_0 s_1",
}


def windows(kind: str, count: int = 300) -> tuple[Vector, Columns]:
    """Calls as an explorer makes them, one move of a few symbols from others, and their numbers of windows."""
    names = tuple(NAMES[kind].split())
    rng, start = Random(7), [0 if name[0] == "p" else 8 if name[0] == "h" else 1 for name in names]
    rows, truth = {tuple(start): 1}, parse("*".join(f"({part})" for part in WINDOWS[kind]))
    while len(rows) < count:
        row = list(rng.choice(list(rows)))
        for place in rng.sample(range(len(names)), rng.choice((1, 1, 2))):
            row[place] = rng.randrange(0, 4) if names[place][0] == "p" else rng.randrange(1, 13)
        vector, defined = values(truth, Columns(names, np.array([row])))
        if defined[0] and all(values(parse(part), Columns(names, np.array([row])))[0][0] > 0 for part in WINDOWS[kind]):
            rows[tuple(row)] = int(vector[0])
    return np.array(list(rows.values())), Columns(names, np.array(list(rows)))


@pytest.mark.parametrize("kind", WINDOWS)
def test_a_product_of_two_quotients_is_found_though_nothing_is_known(kind: str) -> None:
    target, columns = windows(kind)

    found = next(express(target, columns))

    vector, defined = values(found, columns)
    more, others = windows(kind, 400)
    again, everywhere = values(found, others)
    assert defined.all()
    assert np.array_equal(vector, target)
    assert everywhere.all()
    assert np.array_equal(again, more)


def test_symbols_of_two_directions_are_told_by_their_names() -> None:
    assert directions(("x_0", "x_2", "x_3", "kernel_0", "kernel_1", "stride", "y_3")) == (
        ("x_2", "kernel_0"),
        ("x_3", "kernel_1"),
        ("stride", "y_3"),
    )


def test_there_are_no_halves_of_what_is_no_product() -> None:
    target, columns = windows("lists")

    assert not list(halves(target * 3 + 1, columns))
    assert not list(halves(target, columns.only(("n", "h_2"))))
