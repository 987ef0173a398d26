"""Parts of a graph that are much alike, and graphs that are hard to tell apart."""

from collections.abc import Sequence
from itertools import permutations
from random import Random

import pytest

from archsmith.graph import ordering
from archsmith.graph.graph import Graph
from archsmith.graph.simplify import simplified
from archsmith.graph.text import digest
from tests.graph.rewording import Linears


def ring(edges: Sequence[tuple[int, int]]) -> Graph:
    """Layers that are all alike, products of neighbours, and the sum of those: a colour each, until one is marked."""
    net = Linears()
    layers = [net.linear(net.x) for _ in range(1 + max(map(max, edges)))]
    products = [net.sum(layers[a], layers[b], operator="mul") for a, b in edges]
    return net.build.finish(net.sum(*products))


def relabelled(edges: Sequence[tuple[int, int]], rng: Random) -> list[tuple[int, int]]:
    size = 1 + max(map(max, edges))
    names = rng.sample(range(size), size)
    return [
        (names[a], names[b]) if rng.random() < 0.5 else (names[b], names[a])
        for a, b in rng.sample(list(edges), len(edges))
    ]


HEXAGON = [(k, (k + 1) % 6) for k in range(6)]
TRIANGLES = [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)]


def test_neighbourhoods_that_are_all_alike_are_told_apart() -> None:
    rng = Random(0)
    rings, pairs = ({simplified(ring(relabelled(edges, rng))) for _ in range(30)} for edges in (HEXAGON, TRIANGLES))

    assert len(rings) == len(pairs) == 1
    assert rings != pairs


def test_candidates_that_are_tied_but_not_alike_are_all_tried() -> None:
    rng = Random(0)
    both = [*HEXAGON, *((6 + a, 6 + b) for a, b in TRIANGLES)]

    assert len({simplified(ring(relabelled(both, rng))) for _ in range(8)}) == 1


def test_past_the_bound_networks_may_keep_several_forms_but_share_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "VISITS", 0)
    rng = Random(0)
    rings, pairs = ({simplified(ring(relabelled(edges, rng))) for _ in range(30)} for edges in (HEXAGON, TRIANGLES))

    assert len(rings) > 1
    assert rings.isdisjoint(pairs)
    assert all(simplified(form) == form for form in rings | pairs)


def test_alike_branches_change_places_in_every_sum_that_they_are_in() -> None:
    def joined(first: str, second: str) -> Graph:
        net = Linears()
        a, b = net.relu(net.linear(net.x)), net.relu(net.linear(net.x))
        values = {"a": a, "b": b}
        gate = net.build.add("sigmoid", net.sum(*(values[k] for k in first), operator="mul"))
        return simplified(net.build.finish(net.sum(gate, *(values[k] for k in second))))

    assert joined("ab", "ab") == joined("ab", "ba") == joined("ba", "ab")
    assert joined("aa", "ab") == joined("bb", "ba") != joined("ab", "ab")
    assert joined("aab", "abb") == joined("bba", "baa") != joined("aab", "aab")


def test_one_branch_for_each_way_to_the_output() -> None:
    def stacked(*depths: int) -> Graph:
        net = Linears()
        branches = []
        for depth in depths:
            x = net.x
            for _ in range(depth):
                x = net.relu(net.linear(x))
            branches.append(x)
        return simplified(net.build.finish(net.sum(*branches)))

    assert len({stacked(*order) for order in permutations((0, 1, 1, 2, 2))}) == 1
    assert stacked(0, 1, 1, 2, 2) != stacked(0, 1, 2, 2, 2)


def test_the_digest_of_a_normal_form_is_the_same_in_every_process() -> None:
    assert digest(simplified(ring(HEXAGON))) == "cd19952fde3725d2104627d53c19446a"
