"""Where to start: a small call of a signature that runs, and the fill, dtypes and reals with which it does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from archsmith.fuzz.call import Argument, Point, Returned, TensorValue, Verdict, concrete
from archsmith.fuzz.fills import FILLS
from archsmith.fuzz.infer.dtypes import index_tensors
from archsmith.fuzz.infer.probe import Ask, Probe, Values
from archsmith.fuzz.infer.results import form_of, shapes_of
from archsmith.fuzz.infer.split import Group, read_as, rewritten

SMALL = 6
"""Sizes up to this stay as they were recorded."""

SEEDS = 6
"""How many recorded points are used to start from."""

HUGE = 1 << 20
"""An index that is out of any range."""

LARGE = 1 << 12
"""Recorded calls with a greater number are not started from."""

WHOLE = ("int64", "int32", "int16", "int8", "uint8")


@dataclass(frozen=True, slots=True)
class Nowhere:
    """No call of the signature can be started from."""

    why: str


DATA_DEPENDENT = Nowhere("the shapes of results hang on what the tensors hold")


@dataclass(frozen=True, slots=True)
class Anchor:
    """A probe for the signature, perhaps with index tensors' extremes as symbols, and valid values to start from."""

    probe: Probe
    seeds: tuple[Values, ...]


def anchored(group: Group, ask: Ask, rng: Random) -> Anchor | Nowhere:
    """Run recorded calls again, smaller ones if they run as well; ``Nowhere`` if none does under any fill."""
    probe = _running(group, ask)
    if probe is None:
        group = _with_extremes(group, group.signature.dtypes)
        probe = _running(group, ask)
    if probe is None:
        return Nowhere("no recorded call ran again: it hangs on what the tensors hold")
    decisive = _decisive(probe)
    if decisive:
        group = _with_extremes(group, decisive)
        probe = _running(group, ask)
        if probe is None:
            return Nowhere("no recorded call ran again with indices in the same range")
    if _is_data_dependent(probe):
        return DATA_DEPENDENT
    recorded = [point.values for point in sorted(group.points, key=lambda point: sum(point.values))]
    probe.see([values for values in recorded if max(values, default=0) <= LARGE][:SEEDS])
    seeds = [shrunk(probe, values, rng) for values in list(probe.valid)[:SEEDS]]
    return Anchor(replace(probe, seen={}, valid={}, refused={}), tuple(dict.fromkeys(seeds)))


def _running(group: Group, ask: Ask) -> Probe | None:
    """A probe with the plainest dtypes with which a recorded call runs, and the fill under which most do; what ran.

    Under a wrong fill small calls may run by chance: few numbers drawn from a bell curve happen to be positive.
    """
    ordered = sorted(group.points, key=lambda point: (_strangeness(point), sum(point.values)))
    kinds = {point.dtypes: point for point in reversed(ordered)}
    plain = [replace(point, dtypes=("float32",) * len(point.dtypes)) for point in ordered[:1]]
    points = list(dict.fromkeys([*plain, *ordered[:2], *list(kinds.values())[::-1][:3]]))
    for fill in FILLS if points else ():
        for point, verdict in zip(points, ask(group.signature, points, fill), strict=True):
            if isinstance(verdict, Returned):
                return _filled(Probe(ask, group.signature, fill, point.reals, point.dtypes), ordered, point)
    return None


def _filled(probe: Probe, recorded: Sequence[Point], start: Point) -> Probe:
    """The probe under the fill with which most of the recorded calls run, the plainest such, and what ran with it."""
    by_size = sorted({point.values for point in recorded if max(point.values, default=0) <= LARGE}, key=sum)
    tried = list(dict.fromkeys([start.values, *by_size[-4:], *by_size[:3]]))
    tried += [grown for values in tried[:3] for grown in _grown(values) if grown not in tried]
    best = probe
    for fill in FILLS[FILLS.index(probe.fill) :]:
        other = replace(probe, fill=fill, seen={}, valid={}, refused={})
        other.see(tried)
        if len(other.valid) > len(best.valid):
            best = other
        if len(best.valid) == len(tried):
            break
    return best


def _grown(values: Values) -> Iterator[Values]:
    """Larger calls that may run too: without ones, and with every size that is no one increased."""
    most = max(values, default=0)
    yield tuple(most if value == 1 else value for value in values)
    yield tuple(value + 4 if value > 1 else value for value in values)


PLAIN = ("float32", "int64", "float64", "bool", "int32", "complex64")


def _strangeness(point: Point) -> int:
    """How far dtypes are from what most calls have: floats, and whole numbers where floats are not taken."""
    return sum(PLAIN.index(dtype) if dtype in PLAIN else len(PLAIN) for dtype in point.dtypes)


def _with_extremes(group: Group, names: Sequence[str]) -> Group:
    """The group with the extremes of these tensors as symbols; without the calls where they hold no whole numbers."""
    calls = [
        rewritten(call, lambda name, value: _ranged(value, None) if name in names else value) for call in group.calls
    ]
    signatures = [read_as(group.signature, call, valued=names)[0] for call in calls]
    most = max(signatures, key=lambda signature: len(signature.symbols))
    kept = [call for call, signature in zip(calls, signatures, strict=True) if signature == most]
    return Group(most, tuple(dict.fromkeys(kept)))


def _ranged(value: Argument, extremes: tuple[int, int] | None) -> Argument:
    """A tensor of whole numbers with these extremes; with those it has, or 0, where None are given."""
    if not isinstance(value, TensorValue) or value.dtype not in WHOLE:
        return value
    low, high = extremes or (value.low or 0, value.high or 0)
    return replace(value, low=low, high=high)


def _ranged_at(wanted: str, extremes: tuple[int, int], name: str, value: Argument) -> Argument:
    return _ranged(value, extremes) if name == wanted else value


def _decisive(probe: Probe) -> list[str]:
    """The tensors of whole numbers, refused as floats, whose elements decide whether a call runs or what it returns."""
    at = next(iter(probe.valid))
    call = concrete(probe.signature, probe.point(at))
    found = []
    for name in index_tensors(probe, at):
        ran = set()
        for extremes in ((0, 0), (0, HUGE), (-HUGE, 0)):
            ranging = rewritten(call, partial(_ranged_at, name, extremes))
            signature, point = read_as(probe.signature, ranging, valued=(name,))
            ran |= {_shape_of(verdict) for verdict in probe.ask(signature, [point], probe.fill)}
        if len(ran) > 1:
            found.append(name)
    return found


def _is_data_dependent(probe: Probe) -> bool:
    """Whether other elements, or other dtypes with more equal elements, lead to results of other shapes."""
    at = next(iter(probe.valid))
    tensors = len(probe.signature.tensors)
    kinds = [probe.dtypes, *((dtype,) * tensors + probe.dtypes[tensors:] for dtype in ("int64", "bool"))]
    points = [replace(probe.point(at), dtypes=dtypes) for dtypes in dict.fromkeys(kinds)]
    verdicts = [verdict for fill in FILLS for verdict in probe.ask(probe.signature, points, fill)]
    return len({_shape_of(verdict) for verdict in verdicts if isinstance(verdict, Returned)}) > 1


def _shape_of(verdict: Verdict) -> tuple[object, ...] | None:
    return (form_of(verdict), shapes_of(verdict)) if isinstance(verdict, Returned) else None


def shrunk(probe: Probe, values: Values, rng: Random) -> Values:
    """A call that runs like this one with smaller numbers: each great number, wherever it stands, becomes a small one.

    Different numbers become different ones where possible, so that no equality is seen that was not there.
    """
    for great in sorted({value for value in values if value > SMALL}, reverse=True):
        targets = rng.sample(range(2, 8), 6)
        targets.sort(key=lambda target: target in values)
        changed = [tuple(target if value == great else value for value in values) for target in targets]
        probe.see(changed)
        values = next((after for after in changed if after in probe.valid), values)
    return values
