"""One operator's rules from its records, with PyTorch itself to ask.

Each signature is explored around its recorded calls, a rule is inferred or recognised, and tried on both sides of its
boundary. Where none can be found, integers are held constant one after another; what remains is said to be unlearned.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from archsmith.fuzz.call import Call, CallRecord, Returned, concrete
from archsmith.fuzz.infer.anchor import DATA_DEPENDENT, Nowhere, anchored
from archsmith.fuzz.infer.confirm import settle
from archsmith.fuzz.infer.explore import Explorer, explore
from archsmith.fuzz.infer.familiar import Familiar
from archsmith.fuzz.infer.hypothesis import Failed
from archsmith.fuzz.infer.probe import DEFAULT, Ask, Counted, Effort, Probe
from archsmith.fuzz.infer.results import form_of, forms
from archsmith.fuzz.infer.siblings import siblings
from archsmith.fuzz.infer.split import Group, chosen, grouped, held, read_as
from archsmith.fuzz.infer.writing import Background, most_equal, typical, written
from archsmith.graph.rules import Provenance, Rule
from archsmith.graph.signature import Signature

Kinds = tuple[tuple[str, str], ...]
"""The arguments of a signature, and of each whether it is a tensor, a number, a list."""

FORMS = 3
"""How many forms of results of one signature get a rule of their own."""

DEPTH = 2
"""How many integers are held constant, one after the other, where no rule is found."""

PARTS = 4
"""How many values of an integer are held in turn."""

PRECISE = 0.95
"""A rule that a smaller share of fresh calls obeys is none."""


@dataclass(frozen=True, slots=True)
class Unlearned:
    """A signature for which there is no rule, why, and how many recorded calls it stands for."""

    signature: Signature
    why: str
    calls: int


@dataclass(frozen=True, slots=True)
class Learnt:
    """An operator's rules, what stays unlearned, and how many calls were asked and lost for it.

    ``forgotten`` are the known rules of the operator that were confirmed and to whose signatures no rule is left.
    """

    operator: str
    rules: tuple[Rule, ...]
    unlearned: tuple[Unlearned, ...]
    asked: int
    lost: int
    forgotten: tuple[Rule, ...] = ()


def learn_operator(
    records: Sequence[CallRecord],
    ask: Ask,
    rng: Random,
    effort: Effort = DEFAULT,
    *,
    known: Sequence[Rule] = (),
) -> Learnt:
    """The rules of the one operator that all records are of; ``known`` ones, of any operator, are tried first.

    Raises:
        ValueError: there are no records, or they are of several operators.
    """
    operators = {record.call.operator for record in records}
    if len(operators) != 1:
        raise ValueError(f"records must be of one operator; got {', '.join(sorted(operators)) or 'none'}")
    ran = [record for record in records if isinstance(record.verdict, Returned)]
    learning = _Learning(Counted(ask), rng.getrandbits(64), effort, Familiar(known), ", ".join(_sources(ran)))
    learning.learn(grouped(record.call for record in ran))
    operator = next(iter(operators))
    return Learnt(
        operator,
        tuple(learning.rules),
        tuple(learning.unlearned),
        learning.ask.calls,
        learning.lost,
        tuple(_forgotten(operator, known, learning.rules)),
    )


def _forgotten(operator: str, known: Iterable[Rule], rules: Iterable[Rule]) -> Iterator[Rule]:
    kept = {rule.learned.signature for rule in rules if rule.learned is not None}
    for rule in known:
        confirmed = rule.operator == operator and rule.provenance is Provenance.CONFIRMED
        if confirmed and rule.learned is not None and rule.learned.signature not in kept:
            yield rule


def _sources(records: Sequence[CallRecord]) -> list[str]:
    return sorted({record.source for record in records})


@dataclass(slots=True)
class _Learning:
    """What is learned of one operator so far."""

    ask: Counted
    seed: int
    effort: Effort
    familiar: Familiar
    source: str
    rules: list[Rule] = field(default_factory=list)
    unlearned: list[Unlearned] = field(default_factory=list)
    lost: int = 0
    waiting: deque[Group] = field(default_factory=deque)
    met: set[Signature] = field(default_factory=set)
    depth: dict[Signature, int] = field(default_factory=dict)
    recorded: set[Call] = field(default_factory=set)
    found: int = 0
    data_dependent: set[Kinds] = field(default_factory=set)
    failed: int = 0

    def learn(self, groups: Sequence[Group]) -> None:
        """Learn the recorded signatures, then those that were found on the way, while signatures are left."""
        taken = chosen(groups, self.effort.signatures)
        self.met.update(group.signature for group in groups)
        self.recorded.update(call for group in groups for call in group.calls)
        for group in groups:
            if group not in taken:
                self._leave(group, "more signatures were recorded than are learned of one operator")
        self.waiting.extend(taken)
        while self.waiting and self.failed < self.effort.failures:
            self._signature(self.waiting.popleft())
        for group in self.waiting:
            self._leave(group, "too many of the operator's other signatures could not be learned")
        # A rule for scalars, of which there was no zero among those that were tried, is none either.
        self.rules = [rule for rule in self.rules if _kinds(rule) not in self.data_dependent]

    def _leave(self, group: Group, why: str) -> None:
        calls = len(self.recorded.intersection(group.calls))
        if calls:
            self.unlearned.append(Unlearned(group.signature, why, calls))

    def _signature(self, group: Group) -> None:
        rng = Random(f"{self.seed}/{group.signature}")
        anchor = anchored(group, self.ask, rng)
        if isinstance(anchor, Nowhere):
            self._leave(group, anchor.why)
            if anchor == DATA_DEPENDENT:
                self.data_dependent.add(_kinds(group))
            return
        explorer = Explorer(anchor.probe, rng)
        explore(explorer, anchor.seeds, self.effort.first + self.effort.each * len(anchor.probe.signature.symbols))
        self._find_siblings(anchor.probe)
        failures = []
        recorded = {form_of(seen) for values in anchor.seeds if (seen := anchor.probe.valid.get(values))}
        found = [form for form, _ in forms(anchor.probe.valid.values())]
        for form in sorted(found, key=lambda form: form not in recorded)[:FORMS]:
            explorer = Explorer(anchor.probe.wanting(form), rng)
            outcome = self._rule(explorer, group)
            if isinstance(outcome, Rule):
                self.rules.append(outcome)
                self.familiar.add(outcome)
            elif form in recorded:
                failures.append(outcome)
            self.lost += explorer.probe.lost
        self.failed += bool(failures)
        if failures and not self._split(anchor.probe, group):
            self._leave(group, failures[0].why)

    def _rule(self, explorer: Explorer, group: Group) -> Rule | Failed:
        _even_out(explorer, self.effort)
        settled = settle(explorer, self.familiar, self.effort)
        if isinstance(settled, Failed):
            return settled
        if settled.precision is not None and settled.precision < PRECISE:
            return Failed(f"of fresh calls that the best rule accepts only {settled.precision:.0%} run")
        recorded = [read_as(explorer.probe.signature, call)[1].dtypes for call in group.calls]
        background = Background(recorded, self.rules, self.source)
        rule = written(explorer.probe, settled, background, explorer.rng)
        return rule or Failed("the rule of shapes hangs on the dtypes")

    def _find_siblings(self, probe: Probe) -> None:
        """Signatures in which indices, or one other integer, have other values."""
        if not probe.valid:
            return
        # What is taken along one dimension is taken along another if sizes are equal.
        starts = dict.fromkeys([typical(probe), most_equal(probe)])
        calls = [siblings(concrete(probe.signature, probe.point(values))) for values in starts]
        for turned in zip(*calls, strict=True):
            self._try_sibling(probe, turned)

    def _try_sibling(self, probe: Probe, calls: Sequence[Call]) -> None:
        group = grouped(calls)[0]
        if group.signature in self.met or self.found >= self.effort.found:
            return
        self.met.add(group.signature)
        signature = read_as(probe.signature, calls[0])[0]
        verdicts = self.ask(signature, [read_as(probe.signature, call)[1] for call in calls], probe.fill)
        running = [call for call, verdict in zip(calls, verdicts, strict=True) if isinstance(verdict, Returned)]
        if running:
            self.found += 1
            self.waiting.append(Group(group.signature, tuple(running)))

    def _split(self, probe: Probe, group: Group) -> bool:
        """Hold one more integer constant; False if there is none, or too much was split already.

        It is the one of which the fewest values were recorded: flags and modes rather than amounts.
        """
        depth = self.depth.get(group.signature, 0)
        points = [read_as(probe.signature, call)[1].values for call in group.calls]
        places = {name: place for place, name in enumerate(probe.signature.symbols) if name in probe.signature.integers}
        if not places or depth >= DEPTH or self.found >= self.effort.found:
            return False
        name = min(places, key=lambda name: (len({values[places[name]] for values in points}), -places[name]))
        calls = [*group.calls, *(concrete(probe.signature, probe.point(values)) for values in probe.valid)]
        parts = [part for part in held(probe.signature, calls, [name]) if part.signature not in self.met]
        for part in sorted(parts, key=lambda part: not self.recorded.issuperset(part.calls[:1]))[:PARTS]:
            self.met.add(part.signature)
            self.depth[part.signature] = depth + 1
            self.found += 1
            self.waiting.append(part)
        return bool(parts)


def _kinds(of: Group | Rule) -> Kinds:
    signature = of.signature if isinstance(of, Group) else of.learned and of.learned.signature
    return tuple((name, type(slot).__name__) for name, slot in signature.arguments) if signature else ()


def _even_out(explorer: Explorer, effort: Effort) -> None:
    """Ask more until enough calls run that say something about sizes, or too many were asked for it."""
    probe = explorer.probe
    least = min(effort.first // 3, 40)
    while len(probe.valid) < least and len(probe.seen) < effort.calls // 2:
        if not explorer.widen(48):
            return
