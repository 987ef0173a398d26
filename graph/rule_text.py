"""A rule as text for people."""

from archsmith.graph.expr import show
from archsmith.graph.rules import DtypeRow, Learned, Provenance, Rule

ROWS = 12
"""Rows of a table of dtypes that are shown."""


def show_rule(rule: Rule, *, pytorch: str = "") -> str:
    """The rule, one line for each thing that it says; ``pytorch`` is the version that it was learned on."""
    if rule.learned is None:
        return f"{rule}\n    {rule.provenance}"
    lines = [f"{rule.learned.signature} -> {_returned(rule, rule.learned)}"]
    lines += [f"requires {show(constraint)}" for constraint in rule.requires]
    lines += [f"takes {entry.name} from {entry.least:g} to {entry.most:g}" for entry in rule.learned.reals]
    lines.append(f"dtypes {_table(rule.learned.dtypes)}")
    lines += _effects(rule.learned)
    lines.append(_evidence(rule, rule.learned, pytorch))
    return "\n    ".join(lines)


def _returned(rule: Rule, learned: Learned) -> str:
    shapes = [f"[{', '.join(map(show, entry.dims))}]" for entry in rule.outputs]
    if learned.form:
        waiting = iter(shapes)
        return "".join(next(waiting, "?") if letter == "t" else letter for letter in learned.form)
    return ", ".join(shapes) or "no tensor"


def _table(rows: tuple[DtypeRow, ...]) -> str:
    if all(len(set(row.taken + row.returned)) == 1 for row in rows) and rows:
        return f"{', '.join(row.taken[0] if row.taken else row.returned[0] for row in rows)}, all the same"
    shown = [f"{' '.join(row.taken)} -> {' '.join(row.returned)}".strip() for row in rows[:ROWS]]
    return " | ".join(shown) + (f" | {len(rows) - ROWS} more" if len(rows) > ROWS else "")


def _effects(learned: Learned) -> list[str]:
    tensors = [slot.name for slot in learned.signature.tensors]
    lines = [f"writes to {tensors[place]}" for place in learned.mutates if place < len(tensors)]
    lines += [
        f"result {place} shares storage with {tensors[alias]}"
        for place, alias in enumerate(learned.aliases)
        if alias is not None and alias < len(tensors)
    ]
    return lines + ([f"on values that are {learned.fill}"] if learned.fill != "normal" else [])


def _evidence(rule: Rule, learned: Learned, pytorch: str) -> str:
    known = "unconfirmed" if rule.provenance is Provenance.LEARNED else str(rule.provenance)
    parts = [f"support {rule.support}"]
    parts += [f"counter-examples {rule.counter_examples}"] if rule.counter_examples else []
    shares = (("precision", learned.precision), ("recall", learned.recall))
    parts += [f"{name} {share:.3f}" for name, share in shares if share is not None]
    on = f" on PyTorch {pytorch}" if pytorch else ""
    return f"{known}{on}: {', '.join(parts)}" + (f" (from {learned.source})" if learned.source else "")
