"""What changed between two books of learned rules, rule by rule: equal rules have equal text."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from archsmith.graph.book import Operator
from archsmith.graph.expr import show
from archsmith.graph.rules import Rule


@dataclass(frozen=True, slots=True)
class Change:
    """What one part of a rule says in both books."""

    part: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Operators and signatures that one book has alone, and what changed in those that both have."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    signatures_added: tuple[tuple[str, str], ...]
    signatures_removed: tuple[tuple[str, str], ...]
    changed: tuple[tuple[str, str, tuple[Change, ...]], ...]

    def document(self) -> dict[str, Any]:
        """The difference as JSON values."""
        return {
            "operators_added": list(self.added),
            "operators_removed": list(self.removed),
            "signatures_added": [{"operator": name, "signature": text} for name, text in self.signatures_added],
            "signatures_removed": [{"operator": name, "signature": text} for name, text in self.signatures_removed],
            "changed": [
                {"operator": name, "signature": text, "changes": [_written(change) for change in changes]}
                for name, text, changes in self.changed
            ],
        }

    def lines(self) -> Iterator[str]:
        """The difference for people."""
        if not any((self.added, self.removed, self.signatures_added, self.signatures_removed, self.changed)):
            yield "no rule differs"
        yield from (f"+ {name}" for name in self.added)
        yield from (f"- {name}" for name in self.removed)
        yield from (f"+ {text}" for _, text in self.signatures_added)
        yield from (f"- {text}" for _, text in self.signatures_removed)
        for _, text, changes in self.changed:
            yield f"  {text}"
            for change in changes:
                yield from (f"    - {change.part} {entry}" for entry in change.before if entry not in change.after)
                yield from (f"    + {change.part} {entry}" for entry in change.after if entry not in change.before)


def _written(change: Change) -> dict[str, Any]:
    return {"part": change.part, "before": list(change.before), "after": list(change.after)}


def compared(before: Iterable[Operator], after: Iterable[Operator]) -> Difference:
    """What the second book says otherwise than the first; how often a rule was seen does not count."""
    old, new = ({operator.name: operator for operator in book} for book in (before, after))
    both = sorted(old.keys() & new.keys())
    pairs = [(name, _by_text(old[name]), _by_text(new[name])) for name in both]
    return Difference(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        signatures_added=tuple((name, text) for name, first, second in pairs for text in second if text not in first),
        signatures_removed=tuple((name, text) for name, first, second in pairs for text in first if text not in second),
        changed=tuple(
            (name, text, changes)
            for name, first, second in pairs
            for text in first
            if text in second and (changes := tuple(_changes(first[text], second[text])))
        ),
    )


def _by_text(operator: Operator) -> Mapping[str, Rule]:
    """The rules by their signatures' texts; of two with one text the later has its number behind it."""
    found: dict[str, Rule] = {}
    for rule in operator.rules:
        text = str(rule.learned.signature) if rule.learned is not None else str(rule).partition("\n")[0]
        count = sum(1 for known in found if known == text or known.startswith(f"{text} #"))
        found[f"{text} #{count + 1}" if count else text] = rule
    return found


def _changes(before: Rule, after: Rule) -> Iterator[Change]:
    first, second = _parts(before), _parts(after)
    for part in first:
        if sorted(first[part]) != sorted(second[part]):
            yield Change(part, first[part], second[part])


def _parts(rule: Rule) -> dict[str, tuple[str, ...]]:
    """What a rule says, by part, as text."""
    learned = rule.learned
    parts = {
        "requires": tuple(map(show, rule.requires)),
        "returns": (", ".join(f"[{', '.join(map(show, entry.dims))}]" for entry in rule.outputs) or "no tensor",),
    }
    if learned is None:
        return parts
    return parts | {
        "dtypes": tuple(f"{' '.join(row.taken)} -> {' '.join(row.returned)}".strip() for row in learned.dtypes),
        "takes": tuple(f"{entry.name} from {entry.least:g} to {entry.most:g}" for entry in learned.reals),
        "shares storage": tuple(map(str, learned.aliases)),
        "writes to": tuple(map(str, learned.mutates)),
        "on values that are": (learned.fill,),
    }
