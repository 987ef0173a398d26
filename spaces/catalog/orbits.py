"""How many modules of NAS-Bench-101 there are that differ in more than the order of their vertices.

The number of the paper (Ying et al. 2019), 423624, without looking at any two of them: by the lemma that is not
Burnside's, it is the mean, over all orders of the vertices, of how many modules with named vertices an order leaves as
they are.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import permutations, product
from math import factorial

OPERATIONS = 3

Edge = tuple[int, int]


def modules(vertices: int = 7, edges: int = 9) -> int:
    """How many there are of at most so many vertices, input and output among them, and edges."""
    return 1 + sum(_modules(inside, edges) for inside in range(1, vertices - 1))


def _modules(inside: int, most: int) -> int:
    fixed: dict[tuple[int, ...], int] = {}
    total = 0
    for order in permutations(range(inside)):
        cycles = _cycles(order)
        kind = tuple(sorted(map(len, cycles)))
        if kind not in fixed:
            graphs = _acyclic(order, most)
            fixed[kind] = sum(_ends(cycles, out, most) for out in graphs) * OPERATIONS ** len(cycles)
        total += fixed[kind]
    return total // factorial(inside)


def _cycles(order: Sequence[int]) -> list[tuple[int, ...]]:
    cycles: list[tuple[int, ...]] = []
    for first in range(len(order)):
        if all(first not in cycle for cycle in cycles):
            cycle = [first]
            while order[cycle[-1]] != first:
                cycle.append(order[cycle[-1]])
            cycles.append(tuple(cycle))
    return cycles


def _acyclic(order: Sequence[int], most: int) -> Iterator[tuple[int, ...]]:
    """Directed graphs without a cycle that the order of vertices leaves as they are: of each vertex where it leads to.

    As bits. Two edges of a module at least are none of these: one from the input and one to the output.
    """
    vertices = range(len(order))
    orbits: list[list[Edge]] = []
    for edge in permutations(vertices, 2):
        if all(edge not in orbit for orbit in orbits):
            orbit = [(edge[0], edge[1])]
            while (last := (order[orbit[-1][0]], order[orbit[-1][1]])) != edge:
                orbit.append(last)
            orbits.append(orbit)
    none = tuple(0 for _ in vertices)
    waiting = [(0, most - 2, none, none)]
    while waiting:
        place, left, out, behind = waiting.pop()
        if place == len(orbits):
            yield out
            continue
        waiting.append((place + 1, left, out, behind))
        wider = _with(orbits[place], out, behind) if len(orbits[place]) <= left else None
        if wider is not None:
            waiting.append((place + 1, left - len(orbits[place]), *wider))


def _with(
    edges: Sequence[Edge], out: Sequence[int], behind: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The graph with these edges too, and what each vertex leads to on some way; None if there is a cycle."""
    leads, reaches = list(out), list(behind)
    for source, at in edges:
        if reaches[at] >> source & 1:
            return None
        leads[source] |= 1 << at
        more = reaches[at] | 1 << at
        for vertex in range(len(reaches)):
            if vertex == source or reaches[vertex] >> source & 1:
                reaches[vertex] |= more
    return tuple(leads), tuple(reaches)


def _ends(cycles: Sequence[tuple[int, ...]], out: Sequence[int], most: int) -> int:
    """How many ways there are to lead to the graph from the input, and from it to the output, that keep the order.

    All vertices are on a way through the module if the input leads to all that nothing leads to, and all that lead
    nowhere lead to the output; vertices of one cycle are alike.
    """
    entered = 0
    for leads in out:
        entered |= leads
    must_enter = tuple(len(cycle) for cycle in cycles if not entered >> cycle[0] & 1)
    may_enter = tuple(len(cycle) for cycle in cycles if entered >> cycle[0] & 1)
    must_leave = tuple(len(cycle) for cycle in cycles if not out[cycle[0]])
    may_leave = tuple(len(cycle) for cycle in cycles if out[cycle[0]])
    left = most - sum(leads.bit_count() for leads in out) - sum(must_enter) - sum(must_leave)
    return _within(tuple(sorted((*may_enter, *may_leave, 1))), left)


@lru_cache(maxsize=1 << 10)
def _within(sizes: tuple[int, ...], most: int) -> int:
    """How many subsets of such sizes sum up to so much at most; one of size 1 is the edge from input to output."""
    return sum(
        sum(size for size, taken in zip(sizes, chosen, strict=True) if taken) <= most
        for chosen in product((0, 1), repeat=len(sizes))
    )
