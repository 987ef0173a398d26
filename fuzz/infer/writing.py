"""From what was found out about a signature to a rule: dtypes, bounds, storage and constants are added."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from archsmith.fuzz.call import Returned
from archsmith.fuzz.infer.confirm import Settled
from archsmith.fuzz.infer.dtypes import agreeing, bounds, dtype_rows, elsewhere, still_true
from archsmith.fuzz.infer.probe import Probe, Values
from archsmith.fuzz.infer.results import form_of, form_text, storage
from archsmith.graph.expr import Sym
from archsmith.graph.graph import Scalar
from archsmith.graph.rules import DtypeRow, Learned, Provenance, Rule, TensorPattern
from archsmith.graph.signature import Fixed, ListSlot, Signature, Slot

TABLES = 2
"""How many tables of dtypes of other signatures are tried."""

ENOUGH = 8
"""Of fewer calls that run, anything can be said: a rule about them is not called confirmed, unless all calls are."""


@dataclass(frozen=True, slots=True)
class Background:
    """What is known when a rule is written: dtypes that were recorded, the operator's rules so far, and the source."""

    recorded: Sequence[tuple[str, ...]]
    earlier: Sequence[Rule]
    source: str


def written(probe: Probe, settled: Settled, background: Background, rng: Random) -> Rule | None:
    """The rule of a settled hypothesis; None if shapes hang on dtypes."""
    at = typical(probe)
    reals = bounds(probe, at)
    rows = elsewhere(probe, _table(probe, background, at, rng), reals, at)
    if not rows:
        return None
    signature, kept = probe.signature, storage(probe.valid.values())
    tensors = [TensorPattern(f"T{place}", tuple(map(Sym, slot.sizes))) for place, slot in enumerate(signature.tensors)]
    results = [TensorPattern(f"R{place}", sizes) for place, sizes in enumerate(settled.hypothesis.outputs)]
    learned = Learned(
        signature,
        rows,
        reals=reals,
        aliases=kept.aliases,
        mutates=kept.mutates,
        fill=probe.fill,
        precision=settled.precision,
        recall=settled.recall,
        source=background.source,
        form=_form(probe, background),
    )
    return Rule(
        signature.operator,
        tuple(tensors),
        tuple(results),
        settled.hypothesis.requires,
        tuple(sorted(constants(signature))),
        provenance=Provenance.CONFIRMED if _is_confirmed(probe, settled) else Provenance.LEARNED,
        support=len(probe.valid),
        counter_examples=settled.wrong,
        learned=learned,
    )


def _table(probe: Probe, background: Background, at: Values, rng: Random) -> tuple[DtypeRow, ...]:
    """The table of dtypes: that of another signature of the operator, if it is true here, or else a new one."""
    learned = [rule.learned for rule in background.earlier if rule.learned is not None]
    tables = [one.dtypes for one in learned if one.signature.dtypes == probe.signature.dtypes]
    for table in list(dict.fromkeys(reversed(tables)))[:TABLES]:
        if still_true(probe, table, at, rng) and {row.taken for row in table}.issuperset(background.recorded):
            return table
    return agreeing(probe, dtype_rows(probe, at, background.recorded), at, rng)


def _form(probe: Probe, background: Background) -> str:
    """How results are nested; an operator that once returned several values returns lists, also of one."""
    several = any(isinstance(seen, Returned) and len(seen.values) != 1 for seen in probe.seen.values())
    several = several or any(len(rule.outputs) > 1 for rule in background.earlier)
    return form_text(form_of(next(iter(probe.valid.values()))), sequence=several)


def _is_confirmed(probe: Probe, settled: Settled) -> bool:
    return settled.wrong == 0 and (len(probe.valid) >= ENOUGH or not probe.signature.symbols)


def typical(probe: Probe) -> Values:
    """A valid call that is neither empty nor all ones, as small as possible."""
    return min(probe.valid, key=lambda values: (values.count(0), values.count(1), sum(map(abs, values))))


def most_equal(probe: Probe) -> Values:
    """A valid call with as few different sizes as possible, that is not empty and not of ones only."""
    return min(probe.valid, key=lambda values: (values.count(0), len(set(values)), values.count(1), sum(values)))


def constants(signature: Signature) -> Iterator[tuple[str, Scalar]]:
    """The numbers, booleans and strings that a signature holds constant, by the names of their slots."""
    for name, slot in signature.arguments:
        yield from _constants(name, slot)


def _constants(name: str, slot: Slot) -> Iterator[tuple[str, Scalar]]:
    if isinstance(slot, ListSlot):
        for place, entry in enumerate(slot.entries):
            yield from _constants(f"{name}_{place}", entry)
    elif isinstance(slot, Fixed) and isinstance(slot.value, bool | int | float | str):
        yield name, slot.value
