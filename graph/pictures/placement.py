"""Where the boxes and edges of a drawn graph go, so that no edge can cross a box, whatever the graph.

Within the band of a row an edge only runs straight down, in a lane of its own; it moves sideways only in the
gaps between rows, where no box is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from archsmith.graph.graph import Graph
from archsmith.graph.pictures.boxes import Box, end_box, node_box
from archsmith.graph.pictures.layers import Layers, Link, arrange
from archsmith.graph.pictures.straighten import straighten

SPACE, BEND_SPACE, BORDER = 22.0, 14.0, 8.0
GAP, STEEPNESS, GAP_LIMIT = 21.0, 0.11, 84.0
"""Height of the gap between rows: the least, how much more per sideways unit of its widest edge, the most."""

PORT_SPACE = 16.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Placement:
    """Boxes with the middle of their upper side; routes are points where an edge runs straight down.

    The boxes are the graph's nodes in order, then an end for each of its outputs.
    """

    boxes: tuple[tuple[Box, Point], ...]
    routes: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def place(graph: Graph) -> Placement:
    """The places of everything in a drawing of the graph, in SVG user units."""
    boxes, links = _parts(graph)
    layers = arrange(len(boxes), links)
    widths = [box.width for box in boxes] + [0.0] * (len(layers.above) - len(boxes))
    across = [x + BORDER for x in straighten(layers, widths, space=SPACE, bend_space=BEND_SPACE)]
    lanes = _lanes(layers, links, boxes, across)
    bands = _bands(layers, boxes, lanes)
    band_of = {item: band for row, band in zip(layers.rows, bands, strict=True) for item in row}
    tops = [(sum(band_of[item]) - box.height) / 2 for item, box in enumerate(boxes)]
    routes = []
    for chain, lane in zip(layers.chains, lanes, strict=True):
        points = [(x, y) for item, x in zip(chain, lane, strict=True) for y in band_of[item]]
        points[0] = (lane[0], tops[chain[0]] + boxes[chain[0]].height)
        points[-1] = (lane[-1], tops[chain[-1]])
        routes.append(tuple(points))
    right = max(x + width / 2 for x, width in zip(across, widths, strict=True))
    placed = tuple((box, (across[item], tops[item])) for item, box in enumerate(boxes))
    return Placement(placed, tuple(routes), right + BORDER, bands[-1][1] + BORDER)


def _parts(graph: Graph) -> tuple[list[Box], list[Link]]:
    boxes = [node_box(graph, position) for position in range(len(graph.nodes))]
    links = [
        Link(value.node, value.output, position, slot)
        for position, node in enumerate(graph.nodes)
        for slot, value in enumerate(node.inputs)
    ]
    for number, value in enumerate(graph.outputs):
        links.append(Link(value.node, value.output, len(boxes), 0))
        name = f"output {number}" if len(graph.outputs) > 1 else "output"
        boxes.append(end_box(name, graph.type_of(value)))
    return boxes, links


def _lanes(layers: Layers, links: Sequence[Link], boxes: Sequence[Box], across: Sequence[float]) -> list[list[float]]:
    """The x of every link in each row that it meets.

    Edges into a node arrive side by side, in the order of where they come from. The outputs of a node leave
    side by side, in the order of where they go to.
    """
    lanes = [[across[item] for item in chain] for chain in layers.chains]
    arriving: dict[int, list[int]] = {}
    leaving: dict[int, dict[int, list[int]]] = {}
    for number, link in enumerate(links):
        arriving.setdefault(link.target, []).append(number)
        leaving.setdefault(link.source, {}).setdefault(link.port, []).append(number)
    for source, ports in leaving.items():
        goals = {port: sum(lanes[n][1] for n in numbers) / len(numbers) for port, numbers in ports.items()}
        offsets = _offsets(len(ports), boxes[source].width)
        for port, offset in zip(sorted(ports, key=lambda port: (goals[port], port)), offsets, strict=True):
            for number in ports[port]:
                lanes[number][0] += offset
    for target, numbers in arriving.items():
        numbers.sort(key=lambda number: (lanes[number][-2], links[number].slot))
        for number, offset in zip(numbers, _offsets(len(numbers), boxes[target].width), strict=True):
            lanes[number][-1] += offset
    return lanes


def _offsets(number: int, width: float) -> list[float]:
    """Places of ``number`` ports along a side of that width, measured from its middle."""
    step = min(PORT_SPACE, (width - 12.0) / number)
    return [(i - (number - 1) / 2) * step for i in range(number)]


def _bands(layers: Layers, boxes: Sequence[Box], lanes: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """Top and bottom of every row; a gap is higher where an edge has far to go sideways."""
    row_of = {item: number for number, row in enumerate(layers.rows) for item in row}
    furthest = [0.0] * len(layers.rows)
    for chain, lane in zip(layers.chains, lanes, strict=True):
        for row, (x, following) in enumerate(pairwise(lane), start=row_of[chain[0]]):
            furthest[row] = max(furthest[row], abs(x - following))
    bands, top = [], BORDER
    for items, distance in zip(layers.rows, furthest, strict=True):
        height = max((boxes[item].height for item in items if item < len(boxes)), default=0.0)
        bands.append((top, top + height))
        top += height + min(GAP + STEEPNESS * distance, GAP_LIMIT)
    return bands
