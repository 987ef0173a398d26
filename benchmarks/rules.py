"""Rule inference on calls that it never saw: what share of PyTorch's API it covers, how right it is, what it costs.

Of the recorded calls one of every five is held out, by a hash of its arguments, so that it is held out of the whole
family of operators (``torch.add``, ``torch.Tensor.add_``) that learn from each other. Rules are inferred from the rest,
as ``archsmith rules infer`` does it, and then asked about

- held-out calls that ran. *Known*: there is a rule of such calls (the same ranks, lengths of lists, flags and words).
  *Accepted*: a rule says that the call runs; of all held-out ones, whether known or not, and of the known. *Exact*: of
  the accepted, those of whose results the rule gives all shapes and dtypes, and the right ones.
- held-out calls that PyTorch refused. *Rejected*: no rule accepts the call; of an unknown one that says little.
- fresh calls. From each held-out call that is known some are made by changing one to three numbers at random, sizes,
  integers or the least and greatest index of a tensor of indices, and in half of them the dtypes, to others of the
  rule's table. All are run, their tensors filled as the rule demands. *Run*: of those that a rule accepts, those that
  do run. *Found*: of those that run, those that a rule accepts. *Exact* as above, of those that are accepted and run.

Calls whose process is lost count nowhere, and so do tensors that cannot be made. What is not accepted of the held-out
calls that ran is told by its kind. Beside the figures stand those that the NeuRI paper gives (Liu et al., FSE 2023),
which were measured on other operators' records and another machine; of accuracy it has none that could be compared.

    archsmith rules collect --store sqlite:///calls.db
    python benchmarks/rules.py --store sqlite:///calls.db --operators 100 --json figures.json
    python benchmarks/rules.py --store sqlite:///calls.db --operators 0 --work sqlite:///seen.db
    python benchmarks/rules.py --quick

With ``--work`` the rules are kept, and what was inferred before is not inferred again.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from random import Random
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

sys.path.append(str(Path(__file__).parent.parent))  # started as a file, Python looks beside it only

from benchmarks.rule_misses import Known, why_not

from archsmith.fuzz.call import Call, CallRecord, Point, Refused, Returned, Verdict, concrete
from archsmith.fuzz.collect.files import to_json
from archsmith.fuzz.fills import CANNOT_BE_MADE
from archsmith.fuzz.infer.judge import judged, placed
from archsmith.fuzz.infer.probe import DEFAULT, Effort, settled
from archsmith.fuzz.infer.results import tensors_of
from archsmith.fuzz.infer.split import grouped
from archsmith.fuzz.trials import Trials
from archsmith.graph.errors import UserError
from archsmith.graph.rules import Rule
from archsmith.graph.signature import Signature
from archsmith.graph.types import TensorType
from archsmith.jobs.collection import collect_calls, new_call, record_of
from archsmith.jobs.inference import infer_rules, rules_of
from archsmith.jobs.progress import Message, OperatorInferred
from archsmith.storage.store import open_store

NEURI = {"operators": 758, "signatures": 4758}
"""Operators of PyTorch with rules, and their signatures, as the paper has them."""

FRESH = 24
"""Fresh calls of each held-out one."""

GREATEST = 64
"""No number in a fresh call is greater."""

MISSES = 20
"""Kinds of calls that are not accepted that are shown."""

QUICK = {"torch.add": "add", "torch.cat": "cat", "torch.sum": "sum", "torch.flip": "flip"}
"""Operators, and their entries in PyTorch's database of operators."""

QUICK_EFFORT = Effort(signatures=5, found=2, first=60, each=8, calls=300, rounds=4, fresh=16)

OF = version("torch")

Calls = Mapping[str, Sequence[CallRecord]]


@dataclass(slots=True)
class Tally:
    """Counts of one operator; the seconds are those of its inference."""

    operator: str
    rules: int = 0
    seconds: float = 0.0
    valid: int = 0
    known: int = 0
    accepted: int = 0
    exact: int = 0
    refused: int = 0
    rejected: int = 0
    fresh_ran: int = 0
    fresh_accepted: int = 0
    fresh_both: int = 0
    fresh_exact: int = 0
    misses: dict[str, int] = field(default_factory=dict)


def held_out(record: CallRecord, share: int) -> bool:
    """Whether the call is one of every ``share`` that inference does not see."""
    return int(sha256(repr(record.call.arguments).encode()).hexdigest(), 16) % share == 0


def read_calls(store: str, only: Sequence[str], most: int, rng: Random) -> dict[str, list[CallRecord]]:
    """The calls of these operators, or of ``most`` drawn at random, or of all if that is 0."""
    names: list[str] = []
    with closing(open_store(store, create=False, read_only=True)) as opened, opened.read() as tx:
        while page := tx.calls.operators(OF, after=max(names, default="")):
            names += [name for name, _ in page]
        missing = [name for name in only if name not in names]
        if missing or not names:
            raise UserError(
                f"{store} has no calls of {', '.join(missing) or OF}: `archsmith rules collect` records some"
            )
        drawn = sorted(rng.sample(names, most)) if 0 < most < len(names) else names
        return {name: list(map(record_of, tx.calls.of(OF, name))) for name in only or drawn}


def quick_calls() -> dict[str, list[CallRecord]]:
    from archsmith.fuzz.collect.op_database import op_database_records

    found = {name: op_database_records(entry, lambda why: None) for name, entry in QUICK.items()}
    return {name: [record for record in records if record.call.operator == name] for name, records in found.items()}


Inferred = tuple[list[Rule], Mapping[str, Any], float]
"""An operator's rules, the document that says what stays unlearned, and the seconds that it took."""


def inferred(calls: Calls, work: str, share: int, workers: int, effort: Effort) -> Iterator[tuple[str, Inferred]]:
    """What is learned of each operator; of one whose calls are all held out, nothing."""
    seen = [record for records in calls.values() for record in records if not held_out(record, share)]
    with closing(open_store(work)) as opened, opened.begin() as tx:
        tx.calls.add([new_call(to_json(record)) for record in seen])
    operators = sorted({record.call.operator for record in seen})
    infer_rules(operators=operators, store=work, workers=workers, effort=effort, listen=_say)
    with closing(open_store(work, create=False, read_only=True)) as opened:
        found = {entry.operator: (rules, entry.document, entry.seconds) for entry, rules in rules_of(opened, OF)}
    for operator in calls:
        yield operator, found.get(operator, ([], {"unlearned": []}, 0.0))


def _say(event: Message) -> None:
    if isinstance(event, OperatorInferred):
        print(f"{event.done}: {event.operator}", file=sys.stderr, flush=True)


def known_of(rules: Sequence[Rule], document: Mapping[str, Any], seen: Sequence[CallRecord]) -> Known:
    groups = grouped(record.call for record in seen if isinstance(record.verdict, Returned))
    unlearned = {signature: why for signature, why, _ in document["unlearned"]}
    return Known(rules, {group.signature for group in groups}, unlearned)


def judge(tally: Tally, known: Known, records: Sequence[CallRecord]) -> None:
    """Count what the rules say of the held-out calls."""
    for record in records:
        having, result = judged(known.rules, record.call)
        match record.verdict:
            case Returned():
                tally.valid += 1
                tally.known += bool(having)
                tally.accepted += result is not None
                tally.exact += result is not None and result == types_of(record.verdict)
                if result is None:
                    why = why_not(known, record.call)
                    tally.misses[why] = tally.misses.get(why, 0) + 1
            case Refused():
                tally.refused += 1
                tally.rejected += result is None


def types_of(returned: Returned) -> tuple[TensorType, ...]:
    return tuple(TensorType(tensor.shape, tensor.dtype) for tensor in tensors_of(returned))


def judge_fresh(tally: Tally, rules: Sequence[Rule], records: Sequence[CallRecord], trials: Trials) -> None:
    """Run fresh calls, and count what the rules said of them."""
    waiting: dict[tuple[Signature, str], dict[Point, tuple[TensorType, ...] | None]] = defaultdict(dict)
    ran = [record.call for record in records if isinstance(record.verdict, Returned)]
    for call in dict.fromkeys(fresh for old in ran for fresh in around(rules, old, Random(repr(old)))):
        rule, result = spoken(rules, call)
        assert rule.learned is not None
        point = placed(rule.learned.signature, call)
        assert point is not None
        waiting[rule.learned.signature, rule.learned.fill][point] = result
    for (signature, fill), claims in waiting.items():
        verdicts = trials.run_points(signature, list(claims), fill)
        for claim, verdict in zip(claims.values(), verdicts, strict=True):
            _count(tally, claim, verdict)


def spoken(rules: Sequence[Rule], call: Call) -> tuple[Rule, tuple[TensorType, ...] | None]:
    """The first rule that accepts the call and what it returns by it, or the first of its signature."""
    having = [(rule, judged([rule], call)[1]) for rule in judged(rules, call)[0]]
    return next((claim for claim in having if claim[1] is not None), having[0])


def _count(tally: Tally, claim: tuple[TensorType, ...] | None, verdict: Verdict) -> None:
    if not isinstance(verdict, Returned | Refused) or (isinstance(verdict, Refused) and verdict.kind == CANNOT_BE_MADE):
        return
    tally.fresh_accepted += claim is not None
    if isinstance(verdict, Returned):
        tally.fresh_ran += 1
        tally.fresh_both += claim is not None
        tally.fresh_exact += claim == types_of(verdict)


def around(rules: Sequence[Rule], call: Call, rng: Random) -> Iterator[Call]:
    """Calls of the same signature with other numbers, in half of them with other dtypes of the rule; not all run."""
    rule = next(iter(judged(rules, call)[0]), None)
    if rule is None or rule.learned is None:
        return
    signature = rule.learned.signature
    point = placed(signature, call)
    assert point is not None
    for _ in range(FRESH if point.values else 0):
        values = settled(signature, changed(point.values, rng), most=GREATEST)
        dtypes = rng.choice(rule.learned.dtypes).taken if rng.random() < 0.5 else point.dtypes
        if values is not None:
            yield concrete(signature, replace(point, values=values, dtypes=dtypes))


def changed(values: Sequence[int], rng: Random) -> list[int]:
    """One to three of the numbers become small ones, those of others, or a step or a factor of two away."""
    after = list(values)
    for place in rng.sample(range(len(after)), min(len(after), rng.randint(1, 3))):
        after[place] = rng.choice(
            [rng.randrange(6), rng.choice(values), after[place] + 1, after[place] - 1, after[place] * 2]
        )
    return after


def share_of(part: int, whole: int) -> str:
    return "-" if whole == 0 else f"{100 * part / whole:.2f} %"


COLUMNS = (
    *("operator", "rules", "s", "held out", "known", "accepted", "of known", "exact", "refused", "rejected"),
    *("fresh", "run", "found", "exact"),
)


def table(tallies: Sequence[Tally]) -> Iterator[str]:
    """A row for each operator, the whole last."""
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"| --- |{' ---: |' * (len(COLUMNS) - 1)}"
    for tally in [*tallies, total(tallies)]:
        yield (
            f"| {tally.operator} | {tally.rules} | {tally.seconds:.1f} | {tally.valid} "
            f"| {share_of(tally.known, tally.valid)} | {share_of(tally.accepted, tally.valid)} "
            f"| {share_of(tally.accepted, tally.known)} | {share_of(tally.exact, tally.accepted)} "
            f"| {tally.refused} | {share_of(tally.rejected, tally.refused)} "
            f"| {tally.fresh_accepted} | {share_of(tally.fresh_both, tally.fresh_accepted)} "
            f"| {share_of(tally.fresh_both, tally.fresh_ran)} | {share_of(tally.fresh_exact, tally.fresh_both)} |"
        )


def total(tallies: Sequence[Tally]) -> Tally:
    whole = Tally("all")
    for name in asdict(whole):
        if name not in ("operator", "misses"):
            setattr(whole, name, sum(getattr(tally, name) for tally in tallies))
    whole.misses = dict(sum((Counter(tally.misses) for tally in tallies), Counter()))
    return whole


def missed(tallies: Sequence[Tally]) -> Iterator[str]:
    """The most frequent reasons why held-out calls that ran are not accepted."""
    whole = total(tallies)
    yield "| not accepted | calls | of held out |"
    yield "| --- | ---: | ---: |"
    for why, count in sorted(whole.misses.items(), key=lambda miss: (-miss[1], miss[0]))[:MISSES]:
        yield f"| {why} | {count} | {share_of(count, whole.valid)} |"


def headline(tallies: Sequence[Tally]) -> str:
    whole, seconds = total(tallies), [tally.seconds for tally in tallies]
    ninth = quantiles(seconds, n=10)[-1] if len(seconds) > 1 else seconds[0]
    covered = sum(tally.rules > 0 for tally in tallies)
    return (
        f"{covered} of {len(tallies)} operators have {whole.rules} rules (NeuRI: {NEURI['operators']} operators, "
        f"{NEURI['signatures']} signatures); inference {median(seconds):.1f} s an operator, 90th percentile "
        f"{ninth:.1f} s; accepted {share_of(whole.accepted, whole.valid)} of held-out valid calls "
        f"({share_of(whole.accepted, whole.known)} of those with a rule), run "
        f"{share_of(whole.fresh_both, whole.fresh_accepted)} of accepted fresh calls, result types exact "
        f"{share_of(whole.exact + whole.fresh_exact, whole.accepted + whole.fresh_both)}"
    )


def measured(calls: Calls, work: str, given: argparse.Namespace) -> list[Tally]:
    effort = QUICK_EFFORT if given.quick else DEFAULT
    tallies = []
    with Trials() as trials:
        for operator, (rules, document, seconds) in inferred(calls, work, given.share, given.workers, effort):
            held = [record for record in calls[operator] if held_out(record, given.share)]
            seen = [record for record in calls[operator] if not held_out(record, given.share)]
            tally = Tally(operator, len(rules), seconds)
            judge(tally, known_of(rules, document, seen), held)
            judge_fresh(tally, rules, held, trials)
            tallies.append(tally)
    return tallies


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", metavar="URL", help="with recorded calls; without one they are recorded anew")
    parser.add_argument("--work", metavar="URL", help="where the rules are kept; not the store")
    parser.add_argument("--operators", type=int, default=100, help="how many, drawn at random; 0 for all")
    parser.add_argument("--only", nargs="+", default=(), metavar="OPERATOR", help="these")
    parser.add_argument("--share", type=int, default=5, help="one call of so many is held out")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--quick", action="store_true", help="four operators, with little effort")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


def main() -> int:
    given = _arguments()
    with TemporaryDirectory() as folder:
        work = given.work or f"sqlite:///{folder}/seen.db"
        try:
            if given.quick:
                calls = quick_calls()
            else:
                store = given.store or f"sqlite:///{folder}/calls.db"
                if given.store is None:
                    collect_calls(store=store, workers=given.workers)
                calls = read_calls(store, given.only, given.operators, Random(given.seed))
            tallies = measured(calls, work, given)
        except UserError as error:
            print(error, file=sys.stderr)
            return 2
    for line in (*table(tallies), "", *missed(tallies), ""):
        print(line)
    if given.json is not None:
        document = {"torch": OF, "neuri": NEURI, "operators": list(map(asdict, tallies))}
        given.json.write_text(json.dumps(document, indent=1), encoding="utf-8")
    print(headline(tallies))
    return 0


if __name__ == "__main__":
    sys.exit(main())
