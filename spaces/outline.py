"""A space's text, read back for people: a line a part, what it chooses apart from what it fixes.

Every part writes itself as a line, parts within it indented below, so this reads parts of any kind, those of a user
too: what it does not know stays text.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
CALL = re.compile(r"([A-Za-z_]\w*)\((.*)\)")
WORD = re.compile(r"[A-Za-z_]\w*")
CHOICE = re.compile(r"(?:choose|integers|floats)\(")
"""How a choice begins: its options listed, or as a range."""

MEANING = re.compile(rf"(?:, )?(\w+) = (?={CHOICE.pattern})")
COMMA, COLON, CLOSE, WEIGHTS, WHERE = map(re.compile, (",", ": ", r"\)", r"weights=(?=\()", " where "))
LONGEST = 10_000
"""Characters of a line above which it is only text: nobody could read its choices."""

UNLABELLED = frozenset({"call", "chain", "input", "optional", "parallel", "recipe", "repeat", "residual", "shared"})


class Role(StrEnum):
    """What a piece of a line says: a fixed thing, a name, a decision, or what other decisions say."""

    FIXED = "fixed"
    NAME = "name"
    CHOICE = "choice"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Piece:
    """A few words of a line; ``options`` are those of a choice, which its text does not repeat."""

    role: Role
    text: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One part: ``label`` if it is a branch with a name of its own, ``whole`` as it was written.

    ``shares`` are how likely its branches are, in per cent. ``operator`` tells ``relu()`` from ``chain``.
    """

    depth: int
    label: str | None
    kind: str
    operator: bool
    pieces: tuple[Piece, ...]
    shares: tuple[float, ...]
    whole: str


@dataclass(frozen=True, slots=True)
class Outline:
    """The lines of a space, and the shared choices in them by name."""

    lines: tuple[Line, ...]
    shared: Mapping[str, Piece]


def outline(text: str) -> Outline:
    """The lines of the text of a space; any text has an outline."""
    lines: list[Line] = []
    shared: dict[str, Piece] = {}
    kinds: list[tuple[int, str]] = []
    for written in text.splitlines():
        whole = written.lstrip(" ")
        if not whole:
            continue
        depth = len(written) - len(whole)
        while kinds and kinds[-1][0] >= depth:
            kinds.pop()
        branch = bool(kinds) and kinds[-1][1] not in UNLABELLED
        label, body = _labelled(whole) if branch else (None, whole)
        line = _line(len(kinds), label, body, whole, shared)
        lines.append(line)
        kinds.append((depth, line.kind))
    return Outline(tuple(lines), shared)


def _labelled(text: str) -> tuple[str | None, str]:
    """A branch's label and what follows it; a label that repeats what follows is left out."""
    colon = _first(COLON, text)
    return (text[: colon.start()], text[colon.end() :]) if colon is not None else (None, text.removesuffix(":"))


def _line(depth: int, label: str | None, body: str, whole: str, shared: dict[str, Piece]) -> Line:
    if len(body) > LONGEST:
        return Line(depth, label, "", False, (Piece(Role.FIXED, body),), (), whole)
    call = CALL.fullmatch(body)
    if call is not None:
        pieces = tuple(_attribute(part, shared) for part in _arguments(call[2]))
        return Line(depth, label, call[1], True, pieces, (), whole)
    word = WORD.match(body)
    kind = word[0] if word is not None else ""
    rest, shares = _weighed(body[len(kind) :].strip().removeprefix("= "))
    pieces = tuple(piece for piece in _pieces(rest, shared) if piece.text or piece.options)
    if kind == "optional" and len(shares) == 2:
        pieces += (Piece(Role.FIXED, f"taken {shares[1]:.0f}%"),)
    return Line(depth, label, kind, False, pieces, shares, whole)


def _attribute(part: str, shared: dict[str, Piece]) -> Piece:
    name, _, value = part.partition("=")
    if CHOICE.match(value) and value.endswith(")"):
        return _choice(name, value)
    where = _first(WHERE, value)
    if where is None:
        return Piece(Role.FIXED, f"{name}={_plain(value)}" if value else name)
    _meanings(value[where.end() :], shared)
    return Piece(Role.SHARED, f"{name} = {value[: where.start()]}")


def _pieces(rest: str, shared: dict[str, Piece]) -> Iterator[Piece]:
    """What stands behind the kind of a part: its name, its choices, and the words between them."""
    quoted = QUOTED.match(rest)
    if quoted is not None:
        yield Piece(Role.NAME, _plain(quoted[0]))
        rest = rest[quoted.end() :].strip()
    where = _first(WHERE, rest)
    if where is not None:
        yield Piece(Role.SHARED, rest[: where.start()])
        rest = _meanings(rest[where.end() :], shared)
    while (begun := _first(CHOICE, rest)) is not None:
        yield Piece(Role.FIXED, rest[: begun.start()].strip())
        end = _closing(rest, begun.start())
        yield _choice("", rest[begun.start() : end])
        rest = rest[end:]
    yield Piece(Role.FIXED, rest.strip().removeprefix(", "))


def _meanings(text: str, shared: dict[str, Piece]) -> str:
    """Notes what shared names stand for, ``a = choose(1, 2), b = choose(3, 4)``, and gives the rest of the text."""
    while (named := MEANING.match(text)) is not None:
        end = _closing(text, named.end())
        shared.setdefault(named[1], _choice(named[1], text[named.end() : end]))
        text = text[end:]
    return text


def _choice(name: str, text: str) -> Piece:
    """``choose(3, 5, name='k')``, the options with their shares if they have weights; of a range the ends."""
    word, _, inner = text.partition("(")
    given, settings = [], {}
    for part in _arguments(inner.removesuffix(")")):
        setting = re.match(r"(\w+)=", part)
        if setting is not None:
            settings[setting[1]] = part[setting.end() :]
        else:
            given.append(_plain(part))
    named = f"“{_plain(settings.pop('name'))}”" if "name" in settings else ""
    if word != "choose":
        told = ", ".join(f"{setting}={value}" for setting, value in settings.items())
        given = [" … ".join(given) + (f" ({told})" if told else "")]
    shares = _shares(settings.get("weights", ""))
    if len(shares) == len(given):
        given = [f"{option} ({share:.0f}%)" for option, share in zip(given, shares, strict=True)]
    return Piece(Role.CHOICE, " ".join(filter(None, (name, named))), tuple(given))


def _weighed(rest: str) -> tuple[str, tuple[float, ...]]:
    """The text without the weights of branches, and their shares."""
    found = _first(WEIGHTS, rest)
    if found is None:
        return rest, ()
    end = _closing(rest, found.end())
    return f"{rest[: found.start()].strip()} {rest[end:].strip()}".strip(), _shares(rest[found.end() : end])


def _shares(weights: str) -> tuple[float, ...]:
    """The numbers in brackets as parts of a hundred; none if they are no such weights."""
    try:
        numbers = [float(word) for word in weights.strip("()").split(",") if word.strip()]
    except ValueError:
        return ()
    total = sum(numbers)
    return tuple(100 * number / total for number in numbers) if 0 < total < float("inf") else ()


def _arguments(text: str) -> list[str]:
    """The arguments of a call; what shared names stand for is kept with the argument that it belongs to."""
    parts: list[str] = []
    start = 0
    for place in [*(comma.start() for comma in _outside(COMMA, text)), len(text)]:
        part = text[start:place].strip()
        start = place + 1
        if parts and MEANING.match(part):
            parts[-1] += f", {part}"
        elif part:
            parts.append(part)
    return parts


def _plain(value: str) -> str:
    """Text without the quotes around it."""
    return value[1:-1] if QUOTED.fullmatch(value) else value


def _first(wanted: re.Pattern[str], text: str) -> re.Match[str] | None:
    """What the text first has of the kind outside of quotes and brackets."""
    return next(_outside(wanted, text), None)


def _closing(text: str, start: int) -> int:
    """The end of the bracket that opens first behind that place."""
    return next((close.end() for close in _outside(CLOSE, text, start, level=1)), len(text))


def _outside(wanted: re.Pattern[str], text: str, start: int = 0, *, level: int = 0) -> Iterator[re.Match[str]]:
    """All of the kind at that level of brackets, outside of quotes; a lone quote is none."""
    place, now, unpaired = start, 0, set()
    while place < len(text):
        character = text[place]
        if now == level and (found := wanted.match(text, place)) is not None:
            yield found
        if character in "([{":
            now += 1
        elif character in ")]}":
            now -= 1
        elif character in "'\"" and character not in unpaired:
            quoted = QUOTED.match(text, place)
            if quoted is not None:
                place = quoted.end()
                continue
            unpaired.add(character)
        place += 1
