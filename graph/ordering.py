"""The canonical order of operands whose order means nothing, found by structure alone.

A vertex gets a colour from its label and from the colours of its operands, and operands stand in the order of
their colours. Two operands of one colour may be twins, which can change places without changing anything. If
they are not, colours are refined by what uses a vertex as well (Weisfeiler & Leman 1968), and what is still tied
is individualised: each of the tied vertices is marked in turn, and the least encoding that comes of it wins
(McKay 1981).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple

from archsmith.graph.graph import Value

VISITS = 10_000
"""Bound on the search among tied vertices: how often it may colour a vertex anew, a tenth of a second or so."""

Colours = Mapping[int, bytes]
Operands = tuple[Value, ...]
Encoding = tuple[tuple[bytes, Operands], ...]


class Vertex(NamedTuple):
    """A node as far as order is concerned; ``loose`` if the order of its operands means nothing.

    The label tells apart what computes something different, so one that is loose has it in its label.
    """

    label: bytes
    operands: Operands
    loose: bool


class Arrangement(NamedTuple):
    """Every loose vertex's operands in order; ``settled`` if nothing but structure has decided it."""

    operands: Mapping[int, Operands]
    settled: bool


def arranged(vertices: Mapping[int, Vertex], outputs: Sequence[Value]) -> Arrangement:
    """An order for the operands of every loose vertex; ``vertices`` stand behind their operands.

    Past the bound of the search, operands that colours do not tell apart stay as they are given.
    """
    colours = _from_operands(vertices, {place: vertex.label for place, vertex in vertices.items()})
    operands = _sorted(vertices, colours, colours)
    if not any(_tied(operands, colours)):
        return Arrangement(operands, settled=True)
    web = _Web.of(vertices, outputs)
    if not web.open_cell(colours):
        return Arrangement(operands, settled=True)
    colours = web.refined(colours)
    try:
        least = min(web.leaves(colours, colours, iter(range(VISITS // len(vertices)))), key=lambda leaf: leaf.encoding)
    except _TooMuchAlike:
        return Arrangement(_sorted(vertices, colours), settled=False)
    return Arrangement(_sorted(vertices, colours, least.colours), settled=True)


class _TooMuchAlike(Exception):
    """The search among tied vertices would take more than ``VISITS``."""


class _Leaf(NamedTuple):
    """An end of the search: the graph that it writes, the colours in the order written, and the colours."""

    encoding: Encoding
    written: tuple[bytes, ...]
    colours: Colours


class _Use(NamedTuple):
    """Where an output of a vertex goes: a user's operand, -1 if its place means nothing, or user -1: it leaves."""

    user: int
    place: int
    output: int


@dataclass(frozen=True, slots=True)
class _Web:
    """Vertices with their uses, in order, and their kinds: equal for those that compute the same of the same.

    Of a vertex that is used just once, its user's kind speaks; any other vertex is the same as itself only.
    """

    vertices: Mapping[int, Vertex]
    outputs: Sequence[Value]
    uses: Mapping[int, Sequence[_Use]]
    kinds: Mapping[int, int]

    @staticmethod
    def of(vertices: Mapping[int, Vertex], outputs: Sequence[Value]) -> "_Web":
        uses: dict[int, list[_Use]] = {place: [] for place in vertices}
        for user, vertex in vertices.items():
            for slot, value in enumerate(vertex.operands):
                uses[value.node].append(_Use(user, -1 if vertex.loose else slot, value.output))
        for slot, value in enumerate(outputs):
            uses[value.node].append(_Use(-1, slot, value.output))
        ordered = {place: sorted(those) for place, those in uses.items()}
        return _Web(vertices, outputs, ordered, _kinds(vertices, ordered))

    def open_cell(self, colours: Colours) -> list[int]:
        """The vertices of the least colour that leaves an order open: shared by operands that are no twins."""
        tied = _tied(_sorted(self.vertices, colours, colours), colours)
        open_colours = {colours[a] for a, b in tied if self.kinds[a] != self.kinds[b] or self.uses[a] != self.uses[b]}
        least = min(open_colours, default=None)
        return [place for place, colour in colours.items() if colour == least]

    def refined(self, colours: Colours) -> Colours:
        """Colours that take the uses of each vertex and the uses of those into account, and so on."""
        found = 0
        while (distinct := len(set(colours.values()))) > found:
            found = distinct
            colours = _from_operands(self.vertices, self._from_uses(colours))
        return colours

    def leaves(self, base: Colours, colours: Colours, steps: Iterator[int]) -> Iterator[_Leaf]:
        """The ends of the search below these colours, without those that an automorphism maps on earlier ones.

        Raises:
            _TooMuchAlike: there are no more steps.
        """
        cell = self.open_cell(colours)
        if not cell:
            yield self._leaf(base, colours)
        tried: set[tuple[Encoding, tuple[bytes, ...]]] = set()
        for place in cell:
            if next(steps, None) is None:
                raise _TooMuchAlike
            marked = {**colours, place: _mixed([colours[place]])}
            below = self.leaves(base, self.refined(marked), steps)
            head = next(below)
            yield head
            if head[:2] not in tried:
                yield from below
            tried.add(head[:2])

    def _leaf(self, base: Colours, colours: Colours) -> _Leaf:
        operands = _sorted(self.vertices, base, colours)
        order = [value.node for value in self.outputs]
        number: dict[int, int] = {}
        rows = []
        for place in order:  # which grows meanwhile
            if place not in number:
                number[place] = len(number)
                rows.append((self.vertices[place].label, operands.get(place, self.vertices[place].operands)))
                order += [value.node for value in rows[-1][1]]
        encoding = tuple((label, tuple(Value(number[node], k) for node, k in values)) for label, values in rows)
        return _Leaf(encoding, tuple(colours[place] for place in number), colours)

    def _from_uses(self, colours: Colours) -> Colours:
        """Every vertex's colour mixed with those that its users have got, the last vertex first."""
        new = {-1: b""}
        for place in reversed(list(self.vertices)):
            uses = sorted(b"%s/%d/%d" % (new[use.user], use.place, use.output) for use in self.uses[place])
            new[place] = _mixed([colours[place], *uses])
        return {place: new[place] for place in self.vertices}


def _kinds(vertices: Mapping[int, Vertex], uses: Mapping[int, Sequence[_Use]]) -> Mapping[int, int]:
    kinds: dict[int, int] = {}
    known: dict[tuple[object, ...], int] = {}
    for place, vertex in vertices.items():
        values = [(kinds[v.node] if len(uses[v.node]) == 1 else -1 - v.node, v.output) for v in vertex.operands]
        kinds[place] = known.setdefault((vertex.label, *(sorted(values) if vertex.loose else values)), len(known))
    return kinds


def _from_operands(vertices: Mapping[int, Vertex], colours: Colours) -> Colours:
    """Every vertex's colour mixed with those that its operands have got, the first vertex first."""
    new: dict[int, bytes] = {}
    for place, (_, operands, loose) in vertices.items():
        values = [new[node] if not output else b"%s/%d" % (new[node], output) for node, output in operands]
        if loose:
            values.sort()
        new[place] = _mixed([colours[place], *values])
    return new


def _sorted(vertices: Mapping[int, Vertex], colours: Colours, then: Colours | None = None) -> dict[int, Operands]:
    """Every loose vertex's operands by their colours; what is tied stays, or is ordered by ``then`` and by place.

    Twins that several vertices use have to stand in the same order in all of them: their places see to it.
    """

    def key(value: Value) -> tuple[bytes, int, bytes, int]:
        node, output = value
        return (colours[node], output, then[node], node) if then else (colours[node], output, b"", 0)

    return {place: tuple(sorted(v.operands, key=key)) for place, v in vertices.items() if v.loose}


def _tied(operands: Mapping[int, Operands], colours: Colours) -> Iterator[tuple[int, int]]:
    """Neighbours in an order that their colours have not decided."""
    for values in operands.values():
        for (a, first), (b, second) in pairwise(values):
            if a != b and colours[a] == colours[b] and first == second:
                yield a, b


def _mixed(parts: Sequence[bytes]) -> bytes:
    return blake2b(b"|".join(parts), digest_size=16).digest()
