"""Inference: the recorded calls of the store become rules, operator by operator, and the rules a book."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from fnmatch import fnmatch
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from archsmith.fuzz.infer.family import PIONEERS, Broken, Family, families
from archsmith.fuzz.infer.learn import Learnt
from archsmith.fuzz.infer.probe import DEFAULT, Effort
from archsmith.graph.errors import UserError
from archsmith.graph.learned import rule_from_json, rule_to_json, write_book
from archsmith.graph.rules import Rule
from archsmith.jobs.collection import record_of
from archsmith.jobs.driver import utc_now
from archsmith.jobs.learners import Answer, Learners
from archsmith.jobs.limits import check_bounds
from archsmith.jobs.progress import InferenceStarted, Listener, OperatorInferred, ignore
from archsmith.jobs.study import DEFAULT_STORE
from archsmith.storage.calls import digest
from archsmith.storage.facts import Inference, NewCall
from archsmith.storage.store import Store, open_store

METHOD = 1
"""Raised when the same calls give other rules than before, so that they are inferred again."""


@dataclass(frozen=True, slots=True)
class Inferred:
    """How an inference ended: operators that have rules, and all that were looked at.

    ``lost`` are operators on which the learner failed, each with why; ``forgotten`` the signatures whose rule was
    confirmed by fewer calls, and is no longer now that there are more.
    """

    torch: str
    operators: int
    looked_at: int
    rules: int
    lost: tuple[str, ...]
    forgotten: tuple[str, ...]


def infer_rules(
    *,
    operators: Sequence[str] = (),
    store: str = DEFAULT_STORE,
    workers: int = 1,
    seed: int = 0,
    effort: Effort | None = None,
    again: bool = False,
    listen: Listener = ignore,
    clock: Callable[[], datetime] = utc_now,
) -> Inferred:
    """Infer the rules of all operators of which the store has calls of the installed PyTorch, and keep them there.

    ``operators`` are names, ``*`` and ``?`` allowed (default: all). An operator whose family has the same calls as when
    it was inferred last, with the same seed and effort, is left as it is unless ``again``.

    Raises:
        UserError: the store has no calls of such operators.
    """
    check_bounds(workers=workers)
    with closing(open_store(store, create=False)) as opened:
        sitting = _Sitting(opened, version("torch"), seed, effort or DEFAULT, again, listen, clock)
        with Learners(workers) as learners:
            sitting.run(learners, _chosen(sitting.seen(), operators))
        return sitting.ended()


def rules_of(store: Store, torch: str) -> Iterator[tuple[Inference, list[Rule]]]:
    """What the store knows of each operator of that PyTorch, in the order of their names."""
    after = ""
    while True:
        with store.read() as tx:
            page = tx.inferences.page(torch, limit=100, after=after)
        if not page:
            return
        for inference in page:
            yield inference, _rules_in(inference)
        after = page[-1].operator


def write_rules(
    path: Path, *, torch: str | None = None, store: str = DEFAULT_STORE, clock: Callable[[], datetime] = utc_now
) -> int:
    """Write the store's rules of a PyTorch (default: the installed one) to a book; how many there are.

    Raises:
        UserError: the file cannot be written.
    """
    from archsmith.fuzz.collect.defaults import defaults_of  # torch, for which reading rules need not wait

    of = torch or version("torch")
    with closing(open_store(store, create=False, read_only=True)) as opened:
        rules = [rule for _, some in rules_of(opened, of) for rule in some]
    write_book(path, rules, torch=of.partition("+")[0], built=clock(), defaults=defaults_of)
    return len(rules)


def _chosen(seen: Mapping[str, int], patterns: Sequence[str]) -> list[str]:
    for pattern in patterns:
        if not any(fnmatch(operator, pattern) for operator in seen):
            raise UserError(f"the store has no calls of {pattern}: `archsmith rules collect` records some")
    if not seen:
        raise UserError("the store has no calls of the installed PyTorch: `archsmith rules collect` records some")
    return [operator for operator in seen if not patterns or any(fnmatch(operator, pattern) for pattern in patterns)]


@dataclass(slots=True)
class _Sitting:
    """One run of the inference; families are its unit, for the members of one learn from each other."""

    store: Store
    torch: str
    seed: int
    effort: Effort
    again: bool
    listen: Listener
    clock: Callable[[], datetime]
    known: list[Rule] = field(default_factory=list)
    evidence: dict[str, str] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    done: int = 0

    def seen(self) -> dict[str, int]:
        """The operators with the number of their calls."""
        found: dict[str, int] = {}
        with self.store.read() as tx:
            while page := tx.calls.operators(self.torch, after=max(found, default="")):
                found.update(page)
        return found

    def run(self, learners: Learners, operators: Sequence[str]) -> None:
        """The pioneers first, whose rules all the others try."""
        self.members = families(operators)
        self.listen(InferenceStarted(self.torch, len(operators)))
        first = [stem for stem in self.members if stem in PIONEERS]
        self._run(learners, first)
        self.known = [rule for stem in first for rule in self._rules(stem)]
        self._run(learners, [stem for stem in self.members if stem not in PIONEERS])

    def _run(self, learners: Learners, stems: Sequence[str]) -> None:
        left = list(reversed(stems))
        busy = 0
        while left or busy:
            while left and learners.free:
                stem = left.pop()
                family = self._family(stem)
                if family is not None:
                    learners.submit(stem, family)
                    busy += 1
            if busy:
                for answer in learners.wait():
                    busy -= 1
                    self._take(answer)

    def _family(self, stem: str) -> Family | None:
        """What is to be learned, or None if it was learned from the same before."""
        names = self.members[stem]
        with self.store.read() as tx:
            calls = {name: list(tx.calls.of(self.torch, name)) for name in names}
            kept = [tx.inferences.get(self.torch, name) for name in names]
        self.evidence[stem] = self._evidence(calls)
        if not self.again and all(one is not None and one.evidence == self.evidence[stem] for one in kept):
            for one in kept:
                assert one is not None
                self._tell(one.operator, one.rules, 0)
            return None
        records = [(name, [record_of(call) for call in calls[name]]) for name in names]
        earlier = [] if self.again else [rule for one in kept if one is not None for rule in _rules_in(one)]
        return Family(records, [*self.known, *earlier], self.seed, self.effort)

    def _evidence(self, calls: Mapping[str, Sequence[NewCall]]) -> str:
        known = sorted(str(rule_to_json(rule)) for rule in self.known)
        given = [METHOD, self.seed, asdict(self.effort), known, [list(map(digest, calls[name])) for name in calls]]
        return sha256(str(given).encode()).hexdigest()[:32]

    def _take(self, answer: Answer) -> None:
        if answer.lost:
            self._lose(self.members[answer.key], "the process that learned it died; run the command again")
        found = [(learnt, seconds) for learnt, seconds in answer.learnt if isinstance(learnt, Learnt)]
        with self.store.begin() as tx:
            for learnt, seconds in found:
                tx.inferences.put(self._inference(learnt, answer.key, seconds), self.clock())
        for broken, _ in answer.learnt:
            if isinstance(broken, Broken):
                self._lose([broken.operator], broken.problem)
        for learnt, _ in found:
            self.forgotten += [str(rule.learned.signature) for rule in learnt.forgotten if rule.learned is not None]
            self._tell(learnt.operator, len(learnt.rules), len(learnt.unlearned))

    def _lose(self, operators: Sequence[str], why: str) -> None:
        for operator in operators:
            self.lost.append(f"{operator}: {why}")
            self._tell(operator, 0, 1)

    def _inference(self, learnt: Learnt, stem: str, seconds: float) -> Inference:
        document: dict[str, Any] = {
            "rules": [rule_to_json(rule) for rule in learnt.rules],
            "unlearned": [[str(one.signature), one.why, one.calls] for one in learnt.unlearned],
            "asked": learnt.asked,
            "lost": learnt.lost,
        }
        return Inference(learnt.operator, self.torch, self.evidence[stem], len(learnt.rules), document, seconds)

    def _rules(self, stem: str) -> Iterator[Rule]:
        for name in self.members[stem]:
            with self.store.read() as tx:
                kept = tx.inferences.get(self.torch, name)
            if kept is not None:
                yield from _rules_in(kept)

    def _tell(self, operator: str, rules: int, unlearned: int) -> None:
        self.done += 1
        self.listen(OperatorInferred(operator, self.done, rules, unlearned))

    def ended(self) -> Inferred:
        found = [inference for inference, _ in rules_of(self.store, self.torch)]
        having = [one for one in found if one.rules]
        return Inferred(
            self.torch,
            len(having),
            len(found),
            sum(one.rules for one in found),
            tuple(self.lost),
            tuple(self.forgotten),
        )


def _rules_in(inference: Inference) -> list[Rule]:
    return [rule_from_json(document) for document in inference.document["rules"]]
