"""A space as a picture for people, SVG: its tree, a row for every part that is not the only one within another.

What a searcher decides is yellow: the parts that choose, the labels of their branches, the choices of attributes.
It is drawn from the space's text alone, so every space has a picture, and drawing one runs nobody's code.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from html import escape

from archsmith.graph.pictures.style import style_element
from archsmith.spaces.blocks import HEIGHT, Block, block, decides, drawn
from archsmith.spaces.decisions import Space
from archsmith.spaces.outline import Line, Outline, Piece, Role, outline

PLACED = frozenset({"chain", "parallel"})
"""Parts whose decisions are named by their place; it is written beside them."""

BORDER, INDENT, GAP, ROW_GAP, BEND, ARROW = 10.0, 34.0, 14.0, 9.0, 6.0, 5.0
SPINE = 13.0
"""How far within a row the line begins that leads to the rows below it."""

DEEPEST = 480.0
"""Where the deepest row begins at most: a very deep tree is indented less."""

ROOM = 740.0
"""Width of a row above which what is within a part gets rows of its own."""

LEGIBLE = 26.0
"""The least indent that leaves room for the number of a place."""


class Link(StrEnum):
    """How a block stands to the one at its left: alone within it, or the next of a chain."""

    WITHIN = "within"
    NEXT = "next"


Run = list[tuple[int, Block, Link]]


@dataclass(frozen=True, slots=True)
class Row:
    """Blocks side by side; ``above`` is the row that all of them stand in, or None."""

    blocks: tuple[Block, ...]
    links: tuple[Link, ...]
    level: int
    above: int | None
    place: str
    deciding: bool

    @property
    def height(self) -> float:
        return max(made.height for made in self.blocks)

    @property
    def width(self) -> float:
        return _width(self.blocks)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A part whose row is not made yet, and what its neighbours' common part says of it."""

    item: int
    level: int
    above: int | None
    place: str = ""
    share: str = ""


def picture(space: Space, *, standalone: bool = False) -> str:
    """SVG text of the space, every word in it escaped; ``standalone`` puts the style sheet into it."""
    return picture_of_text(space.text(), standalone=standalone)


def picture_of_text(text: str, *, standalone: bool = False) -> str:
    """SVG text of the space that has this text; there is a picture of any text."""
    read = outline(text)
    rows = list(_rows(read))
    step = min(INDENT, DEEPEST / max([1, *(row.level for row in rows)]))
    lefts = [BORDER + row.level * step for row in rows]
    tops, bottom = [], BORDER
    for row in rows:
        tops.append(bottom)
        bottom += row.height + ROW_GAP
    right = max((left + row.width for left, row in zip(lefts, rows, strict=True)), default=BORDER)
    width, height = f"{right + BORDER:.0f}", f"{bottom - ROW_GAP + BORDER:.0f}"
    return "".join(
        (
            '<svg xmlns="http://www.w3.org/2000/svg" class="graph space" role="img" '
            f'aria-label="{escape(_label(read))}" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
            style_element() if standalone else "",
            *_edges(rows, lefts, tops, step),
            *(text for row, x, y in zip(rows, lefts, tops, strict=True) for text in _blocks(row, x, y)),
            "</svg>",
        )
    )


def _label(read: Outline) -> str:
    """The picture for those who do not see it."""
    attributes = sum(piece.role is Role.CHOICE for line in read.lines for piece in line.pieces)
    choices = attributes + len(read.shared) + sum(map(decides, read.lines))
    return f"Search space of {_counted(len(read.lines), 'part')} with {_counted(choices, 'choice')}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _rows(read: Outline) -> Iterator[Row]:
    """The rows from top to bottom; what shared names stand for comes first."""
    number = 0
    if read.shared:
        legend = Line(0, None, "shared", False, tuple(read.shared.values()), (), "asked once, under these names")
        yield Row((block(legend, "", filled=True),), (Link.WITHIN,), 0, None, "", False)
        number = 1
    lines = _once(read.lines)
    roots, within = _within(lines)
    waiting = [_Waiting(item, 0, None) for item in reversed(roots)]
    while waiting:
        now = waiting.pop()
        run = _run(lines, within, now)
        line, inner = lines[run[-1][0]], within[run[-1][0]]
        _, blocks, links = zip(*run, strict=True)
        yield Row(blocks, links, now.level, now.above, now.place, decides(line))
        waiting += reversed([_Waiting(item, now.level + 1, number, *said) for item, said in _told(line, inner)])
        number += 1


def _told(line: Line, inner: Sequence[int]) -> Iterator[tuple[int, tuple[str, str]]]:
    """The parts within a part, with the place and the share that it gives them."""
    placed = line.kind in PLACED and not line.operator
    weighed = len(line.shares) == len(inner)
    for place, item in enumerate(inner):
        yield item, (str(place) if placed else "", f"{line.shares[place]:.0f}%" if weighed else "")


def _once(lines: Sequence[Line]) -> list[Line]:
    """The lines without what is within a shared part that was met before."""
    kept: list[Line] = []
    met: set[tuple[object, ...]] = set()
    item = 0
    while item < len(lines):
        line = lines[item]
        item += 1
        if line.kind != "shared" or line.operator:
            kept.append(line)
            continue
        end = next((i for i in range(item, len(lines)) if lines[i].depth <= line.depth), len(lines))
        meaning = (line.pieces, *((inner.depth - line.depth, inner.whole) for inner in lines[item:end]))
        if meaning in met and end > item:
            kept.append(replace(line, pieces=(*line.pieces, Piece(Role.FIXED, "as above"))))
            item = end
        else:
            kept.append(line)
        met.add(meaning)
    return kept


def _within(lines: Sequence[Line]) -> tuple[list[int], list[list[int]]]:
    """The parts within none, and those within each; an input holds the tree that it goes into."""
    roots: list[int] = []
    within: list[list[int]] = [[] for _ in lines]
    around: list[int] = []
    for item, line in enumerate(lines):
        del around[line.depth :]
        (within[around[-1]] if around else roots).append(item)
        around.append(item)
    if len(roots) > 1 and lines[0].kind == "input":
        within[0].append(roots.pop(1))
    return roots, within


def _run(lines: Sequence[Line], within: Sequence[Sequence[int]], first: _Waiting) -> Run:
    """A part and, as long as each holds one alone or plain steps, and there is room, what is within it."""
    run: Run = [(first.item, block(lines[first.item], first.share, filled=bool(within[first.item])), Link.WITHIN)]
    while inner := within[run[-1][0]]:
        line = lines[run[-1][0]]
        steps = line.kind == "chain" and not line.operator and not any(within[item] for item in inner)
        if len(inner) > 1 and not steps:
            break
        further = [block(lines[item], "", filled=bool(within[item])) for item in inner]
        if _width([*(made for _, made, _ in run), *further]) > ROOM:
            break
        links = [Link.WITHIN, *[Link.NEXT] * (len(inner) - 1)]
        run += zip(inner, further, links, strict=True)
    return run


def _width(blocks: Sequence[Block]) -> float:
    return sum(made.width for made in blocks) + GAP * (len(blocks) - 1)


def _edges(rows: Sequence[Row], lefts: Sequence[float], tops: Sequence[float], step: float) -> Iterator[str]:
    """From every row to those within it; dashed where one of them is chosen."""
    within: dict[int, list[int]] = {}
    for number, row in enumerate(rows):
        if row.above is not None:
            within.setdefault(row.above, []).append(number)
    spine = min(SPINE, 0.4 * step)
    bend = min(BEND, step - spine)
    for number, inner in within.items():
        above, x = rows[number], lefts[number] + spine
        middles = [tops[item] + HEIGHT / 2 for item in inner]
        path = f"M{x:.1f} {tops[number] + above.blocks[0].height:.1f}V{middles[-1] - bend:.1f}"
        for item, middle in zip(inner, middles, strict=True):
            path += f"M{x:.1f} {middle - bend:.1f}q0 {bend:.3g} {bend:.3g} {bend:.3g}H{lefts[item]:.1f}"
            if rows[item].place and step >= LEGIBLE:
                yield f'<text class="place" x="{lefts[item] - 5:.1f}" y="{middle - 3:.1f}">{rows[item].place}</text>'
        yield f'<path class="edge{" open" * above.deciding}" d="{path}"/>'


def _blocks(row: Row, x: float, y: float) -> Iterator[str]:
    middle = y + HEIGHT / 2
    for place, (made, link) in enumerate(zip(row.blocks, row.links, strict=True)):
        if place and link is Link.NEXT:
            yield f'<path class="edge" d="M{x - GAP:.1f} {middle:.1f}h{GAP - ARROW:g}"/>'
            yield f'<path class="arrow" d="M{x - 0.5:.1f} {middle:.1f}l-5.5 -3.2v6.4z"/>'
        elif place:
            kind = "edge open" if row.blocks[place - 1].family == "choice" else "edge"
            yield f'<path class="{kind}" d="M{x - GAP:.1f} {middle:.1f}h{GAP:g}"/>'
        yield from drawn(made, x, y)
        x += made.width + GAP
