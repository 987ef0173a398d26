"""Laws of the drawing: they hold for every acyclic graph, so they are tried on graphs of all kinds."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.graph import Graph, Node, Value
from archsmith.graph.pictures.layers import Layers, Link, arrange, crossings
from archsmith.graph.pictures.placement import SPACE, place
from archsmith.graph.pictures.straighten import straighten
from archsmith.graph.types import TensorType

FLOAT = TensorType((1, 32, 16, 16))


@st.composite
def links_of(draw: st.DrawFn) -> tuple[int, list[Link]]:
    """A number of nodes, and links among them, each to a higher number."""
    count = draw(st.integers(1, 24))
    links = []
    for target in range(1, count):
        sources = draw(st.lists(st.integers(0, target - 1), max_size=3))
        links += [Link(source, draw(st.integers(0, 1)), target, slot) for slot, source in enumerate(sources)]
    return count, links


attributes: st.SearchStrategy[tuple[tuple[str, int], ...]] = st.sampled_from([(), (("kernel", 3),)])


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count, links = draw(links_of())
    fed = [[Value(link.source, link.port) for link in links if link.target == i] for i in range(count)]
    used = {link.source for link in links}
    nodes = [
        Node(
            draw(st.sampled_from(["add", "conv2d", "a_rather_long_operator_name"])) if values else "zeros",
            tuple(values),
            draw(attributes) if values else (),
            (FLOAT, FLOAT),
        )
        for values in fed
    ]
    return Graph(tuple(nodes), tuple(Value(i) for i in range(count) if i not in used))


@given(links_of())
def test_every_link_leads_down_through_every_row_between(case: tuple[int, list[Link]]) -> None:
    count, links = case
    layers = arrange(count, links)
    row_of = {item: number for number, row in enumerate(layers.rows) for item in row}

    assert sorted(row_of) == list(range(len(layers.above)))
    for link, chain in zip(links, layers.chains, strict=True):
        assert (chain[0], chain[-1]) == (link.source, link.target)
        assert [row_of[item] for item in chain] == list(range(row_of[chain[0]], row_of[chain[-1]] + 1))
        assert all(item >= count for item in chain[1:-1])


@given(links_of())
def test_edges_of_one_value_share_their_bends_and_others_do_not(case: tuple[int, list[Link]]) -> None:
    count, links = case
    layers = arrange(count, links)
    owner: dict[int, tuple[int, int]] = {}

    for link, chain in zip(links, layers.chains, strict=True):
        assert all(owner.setdefault(bend, (link.source, link.port)) == (link.source, link.port) for bend in chain[1:-1])
    longest: dict[tuple[int, int], int] = {}
    for link, chain in zip(links, layers.chains, strict=True):
        longest[link.source, link.port] = max(longest.get((link.source, link.port), 0), len(chain) - 2)
    assert len(layers.above) - count == sum(longest.values())


@given(links_of())
def test_crossings_are_counted_as_by_comparing_all_pairs(case: tuple[int, list[Link]]) -> None:
    layers = arrange(*case)
    places = layers.positions()
    pairs = 0
    for row in layers.rows:
        ends = [(places[item], places[other]) for item in row for other in layers.below[item]]
        pairs += sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for i, a in enumerate(ends) for b in ends[:i])

    assert crossings(layers) == pairs


def test_a_tangle_that_can_be_drawn_without_crossings_is() -> None:
    swapped = [Link(0, 0, 3, 0), Link(1, 0, 2, 0), Link(2, 0, 5, 0), Link(3, 0, 4, 0)]

    assert crossings(arrange(6, swapped)) == 0


def test_an_input_stands_just_above_its_first_user() -> None:
    layers = arrange(4, [Link(0, 0, 1, 0), Link(1, 0, 3, 0), Link(2, 0, 3, 1)])

    assert [sorted(row) for row in layers.rows] == [[0], [1, 2], [3]]


@given(links_of(), st.randoms(use_true_random=False))
def test_neighbours_in_a_row_keep_their_order_and_distance(case: tuple[int, list[Link]], rng: object) -> None:
    layers = arrange(*case)
    widths = [40.0 + 17 * (item % 7) for item in range(layers.count)]
    widths += [0.0] * (len(layers.above) - layers.count)
    places = straighten(layers, widths, space=20.0, bend_space=10.0)

    assert min(x - w / 2 for x, w in zip(places, widths, strict=True)) == 0
    for row in layers.rows:
        for left, right in pairwise(row):
            least = 20.0 if max(left, right) < layers.count else 10.0
            gap = places[right] - widths[right] / 2 - places[left] - widths[left] / 2
            assert gap >= least - 1e-6


def bends_cross(layers: Layers) -> bool:
    """Whether two edges cross between bends, where no drawing can keep both straight."""
    places = layers.positions()
    for row in layers.rows:
        inner = [
            (places[item], places[other])
            for item in row
            for other in layers.below[item]
            if min(item, other) >= layers.count
        ]
        if any((a[0] - b[0]) * (a[1] - b[1]) < 0 for i, a in enumerate(inner) for b in inner[:i]):
            return True
    return False


@given(links_of())
def test_long_edges_run_straight_between_their_bends(case: tuple[int, list[Link]]) -> None:
    layers = arrange(*case)
    widths = [60.0] * layers.count + [0.0] * (len(layers.above) - layers.count)
    places = straighten(layers, widths, space=20.0, bend_space=10.0)

    if not bends_cross(layers):
        for chain in layers.chains:
            assert max((abs(places[a] - places[b]) for a, b in pairwise(chain[1:-1])), default=0) < 1e-6


@given(graphs())
def test_boxes_lie_within_the_picture_and_apart(graph: Graph) -> None:
    picture = place(graph)
    sides = [(x - box.width / 2, y, x + box.width / 2, y + box.height) for box, (x, y) in picture.boxes]

    for i, (left, top, right, bottom) in enumerate(sides):
        assert 0 <= left < right <= picture.width
        assert 0 <= top < bottom <= picture.height
        for other_left, other_top, other_right, other_bottom in sides[:i]:
            beside = other_right + SPACE <= left + 1e-6 or right + SPACE <= other_left + 1e-6
            assert beside or other_bottom < top or bottom < other_top


@given(graphs())
def test_no_edge_touches_a_box_but_those_that_it_joins(graph: Graph) -> None:
    picture = place(graph)

    for route in picture.routes:
        for (x, y), (right, below) in pairwise(route):
            low, high = min(x, right), max(x, right)
            for box, (middle, top) in picture.boxes:
                apart = high < middle - box.width / 2 or middle + box.width / 2 < low
                assert y <= below + 1e-6
                # a curve stays within the rectangle of its ends
                assert apart or below <= top + 1e-6 or top + box.height <= y + 1e-6


@given(graphs())
def test_every_edge_begins_at_its_source_and_ends_at_its_target(graph: Graph) -> None:
    picture = place(graph)
    joined = [(value.node, i) for i, node in enumerate(graph.nodes) for value in node.inputs]
    joined += [(value.node, len(graph.nodes) + i) for i, value in enumerate(graph.outputs)]

    for (source, target), route in zip(joined, picture.routes, strict=True):
        (box, (x, y)), (other, (goal, top)) = picture.boxes[source], picture.boxes[target]
        assert route[0][1] == y + box.height
        assert abs(route[0][0] - x) <= box.width / 2
        assert route[-1][1] == top
        assert abs(route[-1][0] - goal) <= other.width / 2
