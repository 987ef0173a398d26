"""Which dtypes a call takes and returns, and between which floats its real arguments are: tried at one small call.

Shapes and dtypes are learnt apart, because they hardly ever depend on each other. That this is so is checked: a row of
the table with which another call comes out otherwise is left out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from random import Random

from archsmith.fuzz.call import Point, Returned, Verdict
from archsmith.fuzz.infer.probe import Probe, Values
from archsmith.fuzz.infer.results import Shapes, form_of, shapes_of, tensors_of
from archsmith.graph.rules import Bounds, DtypeRow
from archsmith.graph.types import ITEM_BYTES

ALL = tuple(ITEM_BYTES)
COMMON = tuple(name for name in ALL if not name.startswith(("float8", "complex32", "uint16", "uint32", "uint64")))
"""The twelve dtypes that most operators take."""

REALS = (-1e6, -2.0, -1.0, -0.5, 0.0, 1e-6, 0.1, 0.5, 1.0, 2.0, 10.0, 1e6)
"""Floats that are tried for each real argument."""

INNER = (0.3, 0.7, 1.5, 3.0)
"""Floats that are no edge of anything."""

SAMPLE = 14
"""How many rows of another signature's table are tried, and how many dtypes that it does not have."""

CHECKED = 60
"""How many rows of a table are tried at further calls; a longer table is checked at so many of them."""


def dtype_rows(probe: Probe, at: Values, recorded: Iterable[tuple[str, ...]]) -> tuple[DtypeRow, ...]:
    """The dtypes with which the valid call ``at`` runs and returns the same shapes, and the dtypes of its results."""
    taken = list(dict.fromkeys([probe.dtypes, *recorded, *combinations(probe)]))
    points = [replace(probe.point(at), dtypes=dtypes) for dtypes in taken]
    verdicts = probe.ask(probe.signature, points, probe.fill)
    expected = _outcome(probe, probe.valid[at])
    return tuple(
        DtypeRow(dtypes, _dtypes(verdict))
        for dtypes, verdict in zip(taken, verdicts, strict=True)
        if isinstance(verdict, Returned) and _outcome(probe, verdict) == expected
    )


def _outcome(probe: Probe, verdict: Verdict | None) -> Shapes | None:
    """The shapes of a result of the wanted form; None where there is none."""
    if isinstance(verdict, Returned) and probe.wanted in (None, form_of(verdict)):
        return shapes_of(verdict)
    return None


def combinations(probe: Probe) -> Iterator[tuple[str, ...]]:
    """Dtypes worth trying: all of a single tensor, all pairs of common ones, and of more one changed at a time."""
    signature, base = probe.signature, probe.dtypes
    tensors = len(signature.tensors)
    given = len(base) - tensors
    if len(base) == 1:
        yield from ((dtype,) for dtype in ALL)
    elif len(base) == 2:
        yield from product(COMMON, repeat=2)
        yield from ((dtype, dtype) for dtype in ALL)
    elif base:
        yield from ((dtype,) * tensors + base[tensors:] for dtype in ALL)
        yield from ((dtype,) * len(base) for dtype in COMMON if given)
        yield from _changed(base)
    yield from _changed_like_the_first(base)


def _changed(base: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for place in range(len(base)):
        yield from ((*base[:place], dtype, *base[place + 1 :]) for dtype in COMMON)


def _changed_like_the_first(base: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Those that are of the first one's dtype change together: weights with their data, but not their indices."""
    if len(set(base)) > 1:
        for dtype in COMMON:
            yield tuple(dtype if name == base[0] else name for name in base)


def agreeing(probe: Probe, rows: Sequence[DtypeRow], at: Values, rng: Random) -> tuple[DtypeRow, ...]:
    """The rows with which two other calls, one valid and one refused, come out as they do with the probe's dtypes."""
    others = [values for values in (_another(probe.valid, at, rng), _another(probe.refused, at, rng)) if values]
    if len(rows) <= 1 or not others:
        return tuple(rows)
    tried = rows if len(rows) <= CHECKED else rng.sample(list(rows), CHECKED)
    pairs = [(row, values) for row in tried for values in others]
    points = [Point(values, probe.reals, row.taken) for row, values in pairs]
    verdicts = probe.ask(probe.signature, points, probe.fill)
    wrong = {
        row
        for (row, values), verdict in zip(pairs, verdicts, strict=True)
        if _outcome(probe, verdict) != _outcome(probe, probe.seen[values])
    }
    return tuple(row for row in rows if row not in wrong)


def still_true(probe: Probe, table: Sequence[DtypeRow], at: Values, rng: Random) -> bool:
    """Whether a table that was learned elsewhere is right about the call ``at``, as far as a sample of it tells."""
    rows = {row.taken: row.returned for row in table}
    others = [dtypes for dtypes in dict.fromkeys(combinations(probe)) if dtypes not in rows]
    tried = rng.sample(list(rows), min(len(rows), SAMPLE)) + rng.sample(others, min(len(others), SAMPLE))
    points = [replace(probe.point(at), dtypes=dtypes) for dtypes in tried]
    expected = _outcome(probe, probe.valid[at])
    return probe.dtypes in rows and all(
        (_dtypes(verdict) if _outcome(probe, verdict) == expected else None) == rows.get(dtypes)
        for dtypes, verdict in zip(tried, probe.ask(probe.signature, points, probe.fill), strict=True)
    )


def _dtypes(verdict: Verdict) -> tuple[str, ...]:
    return tuple(tensor.dtype for tensor in tensors_of(verdict)) if isinstance(verdict, Returned) else ()


def _another(points: Iterable[Values], at: Values, rng: Random) -> Values | None:
    others = [values for values in points if values != at]
    return rng.choice(others) if others else None


def bounds(probe: Probe, at: Values) -> tuple[Bounds, ...]:
    """For each real argument the least and greatest of the floats around the recorded one that change no shape.

    They are tried at the valid call ``at`` and at the largest one: many scales come to the same in the small.
    """
    return tuple(_bounds(probe, place, (at, max(probe.valid, key=sum))) for place in range(len(probe.reals)))


def _bounds(probe: Probe, place: int, points: Sequence[Values]) -> Bounds:
    base = probe.reals[place]
    tried = sorted({*REALS, base})
    reals = [(*probe.reals[:place], value, *probe.reals[place + 1 :]) for value in tried]
    takes = [True] * len(tried)
    for values in points:
        verdicts = probe.ask(probe.signature, [Point(values, given, probe.dtypes) for given in reals], probe.fill)
        expected = _outcome(probe, probe.valid[values])
        takes = [
            so_far and _outcome(probe, verdict) == expected for so_far, verdict in zip(takes, verdicts, strict=True)
        ]
    least = most = tried.index(base)
    while least > 0 and takes[least - 1]:
        least -= 1
    while most + 1 < len(tried) and takes[most + 1]:
        most += 1
    return Bounds(probe.signature.reals[place], tried[least], tried[most])


def elsewhere(probe: Probe, rows: Sequence[DtypeRow], reals: Sequence[Bounds], at: Values) -> tuple[DtypeRow, ...]:
    """The rows with which the call ``at`` comes out the same with other floats: at an edge nothing may be computed.

    Dropout takes integers where nothing or everything is dropped. Rows stay where the probe's own dtypes would not.
    """
    inner = [[value for value in INNER if bound.least < value < bound.most] for bound in reals]
    chosen = tuple(found[0] if found else base for found, base in zip(inner, probe.reals, strict=True))
    if chosen == probe.reals or not rows:
        return tuple(rows)
    taken = [probe.dtypes, *(row.taken for row in rows)]
    own, *verdicts = probe.ask(probe.signature, [Point(at, chosen, dtypes) for dtypes in taken], probe.fill)
    expected = _outcome(probe, probe.valid[at])
    if _outcome(probe, own) != expected:
        return tuple(rows)
    return tuple(
        row
        for row, verdict in zip(rows, verdicts, strict=True)
        if _outcome(probe, verdict) == expected and _dtypes(verdict) == row.returned
    )


def index_tensors(probe: Probe, at: Values) -> tuple[str, ...]:
    """The tensors of the call ``at`` that are of whole numbers and refused as floats: indices, counts or codes."""
    tensors = probe.signature.tensors
    whole = [place for place in range(len(tensors)) if probe.dtypes[place] in ("int64", "int32")]
    if not whole:
        return ()
    points = [
        replace(probe.point(at), dtypes=(*probe.dtypes[:place], "float32", *probe.dtypes[place + 1 :]))
        for place in whole
    ]
    verdicts = probe.ask(probe.signature, points, probe.fill)
    return tuple(
        tensors[place].name for place, seen in zip(whole, verdicts, strict=True) if not isinstance(seen, Returned)
    )
