"""A graph as SVG, drawn on the server: rows from top to bottom, boxes by operator family, edges that miss all boxes.

Within the band of a row an edge only runs straight down, in a lane of its own; it moves sideways only in the gaps
between rows, where no box is. So no edge can cross a box, whatever the graph.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path

from archsmith.graph.graph import Graph
from archsmith.web.boxes import MARGIN, Box, end_box, node_box
from archsmith.web.layers import Layers, Link, arrange
from archsmith.web.straighten import straighten

SPACE, BEND_SPACE, BORDER = 22.0, 14.0, 8.0
GAP, STEEPNESS, GAP_LIMIT = 21.0, 0.11, 84.0
"""Height of the gap between rows: the least, how much more per sideways unit of its widest edge, and the most."""

PORT_SPACE = 16.0
ARROW = 5.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Drawing:
    """Placed boxes (centre x, top y) and routes: each a list of points between which it runs, upright at every one."""

    boxes: tuple[tuple[Box, Point], ...]
    routes: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def draw(graph: Graph, *, standalone: bool = False) -> str:
    """SVG text of the graph, every name in it escaped.

    Its colours come from ``static/graph.css``, which follows the reader's light or dark scheme; ``standalone`` puts
    that style sheet into the text, for a file that is opened by itself.
    """
    picture = place(graph)
    style = f"<style>{Path(__file__).with_name('static').joinpath('graph.css').read_text()}</style>"
    width, height = f"{picture.width:.0f}", f"{picture.height:.0f}"
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="graph" role="img" aria-label="{escape(_label(graph))}" '
            f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
            style if standalone else "",
            f'<path class="edge" d="{"".join(map(_path, picture.routes))}"/>',
            f'<path class="arrow" d="{"".join(_arrow(route[-1]) for route in picture.routes)}"/>',
            *(_box(box, corner) for box, corner in picture.boxes),
            "</svg>",
        )
    )


def place(graph: Graph) -> Drawing:
    """Where every box and edge of the graph goes; the boxes are the nodes in order, then one end per output."""
    several = len(graph.outputs) > 1
    boxes = [node_box(graph, position) for position in range(len(graph.nodes))]
    links = [
        Link(value.node, value.output, position, slot)
        for position, node in enumerate(graph.nodes)
        for slot, value in enumerate(node.inputs)
    ]
    for number, value in enumerate(graph.outputs):
        links.append(Link(value.node, value.output, len(boxes), 0))
        boxes.append(end_box(f"output {number}" if several else "output", graph.type_of(value)))
    layers = arrange(len(boxes), links)
    widths = [box.width for box in boxes] + [0.0] * (len(layers.above) - len(boxes))
    across = [x + BORDER for x in straighten(layers, widths, space=SPACE, bend_space=BEND_SPACE)]
    outputs = [len(node.types) for node in graph.nodes] + [0] * len(graph.outputs)
    ends = _ends(layers, links, boxes, across, outputs)
    bands = _bands(layers, boxes, across, ends)
    tops = [0.0] * len(boxes)
    for row, (top, bottom) in zip(layers.rows, bands, strict=True):
        for item in row:
            if item < len(boxes):
                tops[item] = (top + bottom - boxes[item].height) / 2
    row_of = {item: number for number, row in enumerate(layers.rows) for item in row}
    routes = []
    for chain, (start, end) in zip(layers.chains, ends, strict=True):
        points = [(start, tops[chain[0]] + boxes[chain[0]].height), (start, bands[row_of[chain[0]]][1])]
        for item in chain[1:-1]:
            points += [(across[item], y) for y in bands[row_of[item]]]
        points += [(end, bands[row_of[chain[-1]]][0]), (end, tops[chain[-1]])]
        routes.append(tuple(points))
    right = max(x + width / 2 for x, width in zip(across, widths, strict=True))
    placed = tuple((box, (across[i], tops[i])) for i, box in enumerate(boxes))
    return Drawing(placed, tuple(routes), right + BORDER, bands[-1][1] + BORDER)


def _ends(
    layers: Layers, links: Sequence[Link], boxes: Sequence[Box], across: Sequence[float], outputs: Sequence[int]
) -> list[Point]:
    """Where every link leaves its source and enters its target (x only): arriving edges stand side by side."""
    arriving: dict[int, list[int]] = {}
    for number, link in enumerate(links):
        arriving.setdefault(link.target, []).append(number)
    entry = [0.0] * len(links)
    for target, numbers in arriving.items():
        numbers.sort(key=lambda number: (across[layers.chains[number][-2]], links[number].slot))
        for number, offset in zip(numbers, _offsets(len(numbers), boxes[target].width), strict=True):
            entry[number] = across[target] + offset
    leaving = [
        across[link.source] + _offsets(outputs[link.source], boxes[link.source].width)[link.port] for link in links
    ]
    return list(zip(leaving, entry, strict=True))


def _offsets(number: int, width: float) -> list[float]:
    """Places of ``number`` ports along a side of that width, measured from its middle."""
    step = min(PORT_SPACE, (width - 12.0) / max(number, 1))
    return [(i - (number - 1) / 2) * step for i in range(number)]


def _bands(
    layers: Layers, boxes: Sequence[Box], across: Sequence[float], ends: Sequence[Point]
) -> list[tuple[float, float]]:
    """Top and bottom of every row; a gap is higher where an edge has far to go sideways."""
    row_of = {item: number for number, row in enumerate(layers.rows) for item in row}
    furthest = [0.0] * len(layers.rows)
    for chain, (start, end) in zip(layers.chains, ends, strict=True):
        places = [start, *(across[item] for item in chain[1:-1]), end]
        for item, (x, following) in zip(chain, pairwise(places), strict=False):
            furthest[row_of[item]] = max(furthest[row_of[item]], abs(x - following))
    bands, top = [], BORDER
    for row, distance in zip(layers.rows, furthest, strict=True):
        height = max((boxes[item].height for item in row if item < len(boxes)), default=0.0)
        bands.append((top, top + height))
        top += height + min(GAP + STEEPNESS * distance, GAP_LIMIT)
    return bands


def _path(route: Iterable[Point]) -> str:
    return "".join(_strokes(tuple(route)))


def _strokes(route: Sequence[Point]) -> Iterator[str]:
    last = len(route) - 1
    yield f"M{route[0][0]:.1f} {route[0][1]:.1f}"
    for i, ((x, y), (right, below)) in enumerate(pairwise(route), start=1):
        end = below - ARROW if i == last else below
        if abs(x - right) < 0.05:
            yield f"V{end:.1f}"
        else:
            half = (y + end) / 2
            yield f"C{x:.1f} {half:.1f} {right:.1f} {half:.1f} {right:.1f} {end:.1f}"


def _arrow(tip: Point) -> str:
    x, y = tip
    return f"M{x:.1f} {y - 0.5:.1f}l-3.2 -5.5h6.4z"


def _box(box: Box, corner: Point) -> str:
    x, y = corner
    left = x - box.width / 2
    middle = y + 16.5
    radius = box.height / 2 if box.family == "end" else 6
    centred = not (box.shape or box.attributes)
    start = f'class="name middle" x="{x:.1f}"' if centred else f'class="name" x="{left + MARGIN:.1f}"'
    texts = [f'<text {start} y="{middle:.1f}">{escape(box.name)}</text>']
    if box.shape:
        right = left + box.width - MARGIN
        texts.append(f'<text class="type" x="{right:.1f}" y="{middle:.1f}">{escape(box.shape)}</text>')
    if box.attributes:
        texts.append(f'<text x="{left + MARGIN:.1f}" y="{y + 31:.1f}">{escape(box.attributes)}</text>')
    return (
        f'<g class="node of-{box.family}"><title>{escape(box.title)}</title><rect x="{left:.1f}" y="{y:.1f}" '
        f'width="{box.width:.1f}" height="{box.height:.1f}" rx="{radius:g}"/>{"".join(texts)}</g>'
    )


def _label(graph: Graph) -> str:
    operators = sum(1 for _ in graph.operators())
    takes = ", ".join(map(str, graph.input_types)) or "no input"
    return (
        f"Architecture of {operators} operator{'' if operators == 1 else 's'}: {takes} "
        f"to {', '.join(map(str, graph.output_types))}"
    )
