"""A graph as SVG: rows from top to bottom, boxes coloured by operator family."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from archsmith.graph.graph import Graph
from archsmith.graph.pictures.boxes import MARGIN, Box
from archsmith.graph.pictures.placement import Point, place
from archsmith.graph.pictures.style import style_element

ARROW = 5.0


def draw(graph: Graph, *, standalone: bool = False) -> str:
    """SVG text of the graph, every name in it escaped.

    Its colours come from ``graph.css``, which follows the reader's light or dark scheme;
    ``standalone`` puts that style sheet into the text, for a file that is opened by itself.
    """
    picture = place(graph)
    width, height = f"{picture.width:.0f}", f"{picture.height:.0f}"
    return "".join(
        (
            '<svg xmlns="http://www.w3.org/2000/svg" class="graph" role="img" '
            f'aria-label="{escape(_label(graph))}" '
            f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
            style_element() if standalone else "",
            f'<path class="edge" d="{"".join(map(_path, picture.routes))}"/>',
            f'<path class="arrow" d="{"".join(_arrow(route[-1]) for route in picture.routes)}"/>',
            *(_box(box, corner) for box, corner in picture.boxes),
            "</svg>",
        )
    )


def _path(route: Sequence[Point]) -> str:
    return "".join(_strokes(route))


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
    radius = box.height / 2 if box.family == "end" else 6
    return (
        f'<g class="node of-{box.family}"><title>{escape(box.title)}</title><rect x="{left:.1f}" y="{y:.1f}" '
        f'width="{box.width:.1f}" height="{box.height:.1f}" rx="{radius:g}"/>{"".join(_texts(box, x, y))}</g>'
    )


def _texts(box: Box, x: float, y: float) -> Iterator[str]:
    left, right = x - box.width / 2 + MARGIN, x + box.width / 2 - MARGIN
    alone = not (box.shape or box.attributes)
    start = f'class="name middle" x="{x:.1f}"' if alone else f'class="name" x="{left:.1f}"'
    yield f'<text {start} y="{y + 16.5:.1f}">{escape(box.name)}</text>'
    if box.shape:
        yield f'<text class="type" x="{right:.1f}" y="{y + 16.5:.1f}">{escape(box.shape)}</text>'
    if box.attributes:
        yield f'<text x="{left:.1f}" y="{y + 31:.1f}">{escape(box.attributes)}</text>'


def _label(graph: Graph) -> str:
    operators = sum(1 for _ in graph.operators())
    takes = ", ".join(map(str, graph.input_types)) or "no input"
    return (
        f"Architecture of {operators} operator{'' if operators == 1 else 's'}: {takes} "
        f"to {', '.join(map(str, graph.output_types))}"
    )
