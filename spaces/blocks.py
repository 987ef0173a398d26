"""The boxes of a space's picture: what each says, in lines that wrap, its choices as chips."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from archsmith.graph.pictures.boxes import ADVANCE, NAME_SIZE, SMALL_SIZE, columns, family, fit, visible
from archsmith.spaces.outline import UNLABELLED, Line, Piece, Role

DECIDING = frozenset({"any_of", "optional", "some_of"})

WRAP = 620.0
"""Width above which a box goes on in a further line."""

LABEL_COLUMNS, KIND_COLUMNS, PIECE_COLUMNS, CHOICE_COLUMNS = 26, 32, 84, 48
MOST_OPTIONS = CHOICE_COLUMNS // len("0 · ") + 1
"""More options than this have no room, however short they are."""

HEIGHT, LINE = 25.0, 22.0
PAD, CHIP_PAD, SPACE = 10.0, 6.0, 9.0
RADIUS = 6.0


@dataclass(frozen=True, slots=True)
class Word:
    """A piece as drawn, its place within its box; ``chip`` is the ground that it stands on, if any."""

    style: str
    text: str
    chip: str
    x: float
    line: int
    width: float


@dataclass(frozen=True, slots=True)
class Block:
    """A part as drawn: ``tab`` is the text of the label at its left, empty if it has none."""

    family: str
    tab: str
    words: tuple[Word, ...]
    width: float
    lines: int
    title: str

    @property
    def height(self) -> float:
        return HEIGHT + (self.lines - 1) * LINE


def block(line: Line, share: str, *, filled: bool) -> Block:
    """The block of a part; ``share`` is how likely it is among its neighbours, ``filled`` if parts are in it."""
    tab = " ".join(filter(None, (fit(line.label or "", LABEL_COLUMNS), share)))
    words = tuple(_flow(_spoken(line, filled=filled)))
    width = max(word.x + word.width for word in words) + PAD
    kind = _family(line)
    return Block(kind, tab, words, round(tab_width(tab) + width, 1), words[-1].line + 1, visible(line.whole))


def tab_width(tab: str) -> float:
    """How wide the label of a branch is drawn."""
    return columns(tab) * SMALL_SIZE * ADVANCE + 2 * SPACE if tab else 0.0


def decides(line: Line) -> bool:
    """Whether the part itself is a decision, as ``any_of`` is, and not one of its attributes."""
    return line.kind in DECIDING and not line.operator


def _family(line: Line) -> str:
    if line.operator:
        return family(line.kind)
    if decides(line):
        return "choice"
    return "end" if line.kind == "input" else "part"


def _spoken(line: Line, *, filled: bool) -> Iterator[tuple[str, str, str]]:
    """Style, text and ground of every word. A part without a kind is a sentence, or of an unknown one without parts."""
    known = line.operator or filled or line.kind in UNLABELLED | DECIDING
    if not (line.kind or line.pieces) or (not known and all(piece.role is Role.FIXED for piece in line.pieces)):
        yield "own", fit(line.whole.removeprefix(f"{line.label}: "), PIECE_COLUMNS), ""
        return
    if line.kind:
        yield "name", fit(line.kind, KIND_COLUMNS), ""
    for piece in line.pieces:
        match piece.role:
            case Role.CHOICE:
                yield "", _choice(piece), "chip"
            case Role.SHARED:
                yield "", fit(piece.text, PIECE_COLUMNS), "chip computed"
            case Role.NAME:
                yield "own", fit(piece.text, KIND_COLUMNS), ""
            case Role.FIXED:
                yield "", fit(piece.text, PIECE_COLUMNS), ""


def _choice(piece: Piece) -> str:
    """``kernel ∈ 3 · 5``; of too many options the first, and the last."""
    options = [fit(option, CHOICE_COLUMNS) for option in piece.options]
    most = min(len(options), MOST_OPTIONS)
    while most > 1 and columns(_listed(options, most)) > CHOICE_COLUMNS:
        most -= 1
    listed = _listed(options, most)
    return f"{fit(piece.text, KIND_COLUMNS)} ∈ {listed}" if piece.text else listed


def _listed(options: Sequence[str], most: int) -> str:
    shown = options if len(options) <= most else [*options[: most - 1], "…", options[-1]]
    return " · ".join(shown)


def _flow(spoken: Iterator[tuple[str, str, str]]) -> Iterator[Word]:
    """The words one after another, in a further line where one does not fit."""
    x, line = PAD, 0
    for style, text, chip in spoken:
        size = NAME_SIZE if style == "name" else SMALL_SIZE
        width = columns(text) * size * ADVANCE + 2 * CHIP_PAD * bool(chip)
        if x > PAD and x + width > WRAP:
            x, line = 2 * PAD, line + 1
        yield Word(style, text, chip, round(x, 1), line, round(width, 1))
        x += width + SPACE


def drawn(made: Block, x: float, y: float) -> Iterator[str]:
    """The block as SVG, its upper left corner at that place."""
    left, tab = x + tab_width(made.tab), tab_width(made.tab)
    yield f'<g class="node of-{made.family}"><title>{escape(made.title)}</title>'
    if made.tab:
        size = f'width="{tab + 2 * RADIUS:.1f}" height="{made.height:.1f}" rx="{RADIUS:g}"'
        yield f'<rect class="tab" x="{x:.1f}" y="{y:.1f}" {size}/>'
        yield f'<text class="label" x="{x + SPACE:.1f}" y="{y + 16.5:.1f}">{escape(made.tab)}</text>'
    radius = HEIGHT / 2 if made.family == "end" else RADIUS
    yield (
        f'<rect x="{left:.1f}" y="{y:.1f}" width="{made.width - tab:.1f}" height="{made.height:.1f}" rx="{radius:g}"/>'
    )
    for word in made.words:
        yield from _word(word, left + word.x, y + word.line * LINE)
    yield "</g>"


def _word(word: Word, x: float, y: float) -> Iterator[str]:
    if word.chip:
        yield f'<rect class="{word.chip}" x="{x:.1f}" y="{y + 4:.1f}" width="{word.width:.1f}" height="17" rx="4"/>'
        x += CHIP_PAD
    style = "chosen" if word.chip else word.style
    said = f' class="{style}"' if style else ""
    yield f'<text{said} x="{x:.1f}" y="{y + 16.5:.1f}">{escape(word.text)}</text>'
