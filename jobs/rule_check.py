"""Checking learned rules against the installed PyTorch, operator by operator, in a sandbox."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from random import Random
from typing import Any

from archsmith.fuzz.rule_check import Checked, check_rule
from archsmith.fuzz.trials import Trials
from archsmith.graph.book import Operator
from archsmith.graph.errors import UserError


@dataclass(frozen=True, slots=True)
class RulesChecked:
    """What came of each rule, and the operators that the installed PyTorch has not."""

    torch: str
    rules: tuple[Checked, ...]
    missing: tuple[str, ...]

    @property
    def broken(self) -> tuple[Checked, ...]:
        return tuple(entry for entry in self.rules if entry.broken)

    def document(self) -> dict[str, Any]:
        """The result as JSON values."""
        rules = [asdict(entry) | {"broken": entry.broken} for entry in self.rules]
        return {"torch": self.torch, "missing": list(self.missing), "rules": rules}

    def lines(self) -> Iterator[str]:
        """The result for people."""
        for name in self.missing:
            yield f"missing  {name}"
        for entry in self.broken:
            yield (
                f"broken  {entry.signature}: {entry.wrong_inside} of {entry.inside} calls inside,"
                f" {entry.wrong_outside} of {entry.outside} outside"
            )
            for wrong in entry.examples:
                yield f"    {wrong.call}: {wrong.said} by the rule, {wrong.came} on PyTorch"
        inside, outside = sum(entry.inside for entry in self.rules), sum(entry.outside for entry in self.rules)
        otherwise = sum(entry.wrong_inside + entry.wrong_outside for entry in self.rules)
        yield (
            f"torch {self.torch}: {len(self.rules)} rules, {len(self.broken)} broken;"
            f" {inside} calls inside, {outside} outside, {otherwise} of them otherwise than a rule says"
        )


def check_rules(
    operators: Sequence[Operator], *, seed: int = 0, checked: Callable[[int], object] = lambda done: None
) -> RulesChecked:
    """Try every rule of these learned operators; ``checked`` is told how many rules are done.

    The calls depend on the seed and on the rule, not on what else is checked.

    Raises:
        UserError: an operator was declared, not learned.
    """
    found: list[Checked] = []
    missing: list[str] = []
    done = 0
    with Trials() as trials:
        for operator in operators:
            if not operator.learned:
                raise UserError(f"learned rules are checked; those of {operator.name} were declared")
            for place, rule in enumerate(operator.rules):
                try:
                    found.append(check_rule(rule, trials.run_points, Random(f"{seed} {operator.name} {place}")))
                except UserError:  # PyTorch has not this operator
                    missing.append(operator.name)
                    break
            done += len(operator.rules)
            checked(done)
    return RulesChecked(version("torch"), tuple(found), tuple(missing))
