"""Rule inference on calls that it never saw: what share of PyTorch's API it covers, how right it is, what it costs.

Of each operator's recorded calls a part is held out, by a hash of the call; rules are inferred from the rest. Then

- recall is the share of the held-out calls that ran which the rules accept (those of signatures without a rule count
  as not accepted; "known" leaves them out);
- precision is the share of calls that run among fresh ones, made by changing numbers of held-out calls at random, that
  the rules accept;
- exact is the share of accepted calls that ran whose result types are what the rule said.

Beside them stand the figures that the NeuRI paper gives (Liu et al., FSE 2023), which were measured on other operators'
records and another machine.

    archsmith rules collect --store sqlite:///calls.db
    python benchmarks/rules.py --store sqlite:///calls.db --operators 100 --workers 2 --json figures.json
    python benchmarks/rules.py --quick
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from random import Random
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from archsmith.fuzz.call import Call, CallRecord, Refused, Returned, TensorValue, Verdict, abstracted, concrete
from archsmith.fuzz.infer.family import Family, families
from archsmith.fuzz.infer.judge import judged
from archsmith.fuzz.infer.probe import Effort
from archsmith.fuzz.infer.results import tensors_of
from archsmith.fuzz.trials import Trials
from archsmith.graph.errors import UserError
from archsmith.graph.rules import Rule
from archsmith.graph.types import TensorType
from archsmith.jobs.collection import collect_calls, record_of
from archsmith.jobs.learners import Learners
from archsmith.storage.store import open_store

NEURI = {"operators": 758, "signatures": 4758}
"""Operators of PyTorch with rules, and their signatures, as the paper has them."""

FRESH = 40
"""Fresh calls of each held-out one."""

QUICK = ("torch.add", "torch.cat", "torch.nn.functional.max_pool2d", "torch.sum")


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
    claimed: int = 0
    ran: int = 0


def held_out(record: CallRecord, share: int) -> bool:
    """Whether the call is one of every ``share`` that inference does not see."""
    return int(sha256(repr(record.call).encode()).hexdigest(), 16) % share == 0


def read_calls(store: str, chosen: Sequence[str]) -> dict[str, list[CallRecord]]:
    of = version("torch")
    with closing(open_store(store, create=False, read_only=True)) as opened, opened.read() as tx:
        return {name: list(map(record_of, tx.calls.of(of, name))) for name in chosen}


def all_operators(store: str) -> list[str]:
    found: list[str] = []
    with closing(open_store(store, create=False, read_only=True)) as opened, opened.read() as tx:
        while page := tx.calls.operators(version("torch"), after=max(found, default="")):
            found += [name for name, _ in page]
    return found


def inferred(calls: Mapping[str, Sequence[CallRecord]], workers: int, share: int) -> Iterator[tuple[str, Any, float]]:
    """Of each operator what was learned from the calls that are not held out, and the seconds it took."""
    left = list(families(list(calls)).items())
    busy = 0
    with Learners(workers) as learners:
        while left or busy:
            while left and learners.free:
                stem, names = left.pop(0)
                seen = [(name, [r for r in calls[name] if not held_out(r, share)]) for name in names]
                learners.submit(stem, Family(seen, [], 0, Effort()))
                busy += 1
            for answer in learners.wait():
                busy -= 1
                for learnt, seconds in answer.learnt:
                    yield learnt.operator, learnt, seconds


def judge(tally: Tally, rules: Sequence[Rule], records: Sequence[CallRecord], trials: Trials) -> None:
    """Count what the rules say of the held-out calls, and of fresh ones around them."""
    for record in records:
        having, result = judged(rules, record.call)
        match record.verdict:
            case Returned():
                tally.valid += 1
                tally.known += bool(having)
                tally.accepted += result is not None
                tally.exact += result is not None and result == types_of(record.verdict)
            case Refused():
                tally.refused += 1
                tally.rejected += result is None
    fresh = {call: None for record in records for call in around(record.call, Random(repr(record.call)))}
    claimed = [call for call in fresh if judged(rules, call)[1] is not None]
    for call in claimed:
        verdict = tried(trials, rules, call)
        if isinstance(verdict, Returned | Refused):
            tally.claimed += 1
            tally.ran += isinstance(verdict, Returned)


def types_of(returned: Returned) -> tuple[TensorType, ...]:
    return tuple(TensorType(tensor.shape, tensor.dtype) for tensor in tensors_of(returned))


def tried(trials: Trials, rules: Sequence[Rule], call: Call) -> Verdict:
    """What PyTorch says, the tensors being filled as the rule asks."""
    rule = next(rule for rule in rules if judged([rule], call)[1] is not None)
    assert rule.learned is not None
    return trials.run([call], rule.learned.fill)[0]


def around(call: Call, rng: Random) -> Iterator[Call]:
    """Calls of the same structure with one to three numbers changed, some of them to that of another."""
    signature, point = abstracted(call)
    if not point.values:
        return
    for _ in range(FRESH):
        values = list(point.values)
        for place in rng.sample(range(len(values)), min(len(values), rng.randint(1, 3))):
            values[place] = rng.choice([0, 1, 2, 3, 4, 5, rng.choice(values), values[place] + 1, values[place] * 2])
        if max(values) <= 64:
            yield _with_extremes(call, concrete(signature, replace(point, values=tuple(values))))


def _with_extremes(old: Call, new: Call) -> Call:
    """Whole-number tensors keep their least and greatest element, which a rule may ask for."""
    kept = iter(old.tensors())

    def ranged(value: Any) -> Any:
        if isinstance(value, TensorValue):
            before = next(kept)
            return replace(value, low=before.low, high=before.high)
        return tuple(map(ranged, value)) if isinstance(value, tuple) else value

    return replace(new, arguments=tuple((name, ranged(value)) for name, value in new.arguments))


def share_of(part: int, whole: int) -> str:
    return "-" if whole == 0 else f"{100 * part / whole:.2f} %"


def table(tallies: Sequence[Tally]) -> Iterator[str]:
    """A row for each operator, the whole last."""
    yield "| operator | rules | s | held out | accepted | known | exact | refused | rejected | claimed | run |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for tally in [*tallies, total(tallies)]:
        yield (
            f"| {tally.operator} | {tally.rules} | {tally.seconds:.1f} | {tally.valid} "
            f"| {share_of(tally.accepted, tally.valid)} | {share_of(tally.accepted, tally.known)} "
            f"| {share_of(tally.exact, tally.accepted)} | {tally.refused} | {share_of(tally.rejected, tally.refused)} "
            f"| {tally.claimed} | {share_of(tally.ran, tally.claimed)} |"
        )


def total(tallies: Sequence[Tally]) -> Tally:
    whole = Tally("all")
    for name in asdict(whole):
        if name != "operator":
            setattr(whole, name, sum(getattr(tally, name) for tally in tallies))
    return whole


def headline(tallies: Sequence[Tally]) -> str:
    whole, seconds = total(tallies), [tally.seconds for tally in tallies]
    ninth = quantiles(seconds, n=10)[-1] if len(seconds) > 1 else seconds[0]
    covered = sum(tally.rules > 0 for tally in tallies)
    return (
        f"{covered} of {len(tallies)} operators have {whole.rules} rules (NeuRI: {NEURI['operators']} operators, "
        f"{NEURI['signatures']} signatures); inference {median(seconds):.1f} s an operator, 90th percentile "
        f"{ninth:.1f} s; accepted {share_of(whole.accepted, whole.valid)} of held-out valid calls "
        f"({share_of(whole.accepted, whole.known)} of those with a rule), run {share_of(whole.ran, whole.claimed)} of "
        f"accepted fresh calls, result types exact {share_of(whole.exact, whole.accepted)}"
    )


def measured(calls: Mapping[str, Sequence[CallRecord]], workers: int, share: int) -> list[Tally]:
    tallies = []
    with Trials() as trials:
        for operator, learnt, seconds in inferred(calls, workers, share):
            tally = Tally(operator, len(learnt.rules), seconds)
            judge(tally, learnt.rules, [r for r in calls[operator] if held_out(r, share)], trials)
            tallies.append(tally)
            print(f"{len(tallies)} of {len(calls)}: {operator}", file=sys.stderr)
    return sorted(tallies, key=lambda tally: tally.operator)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", metavar="URL", help="with recorded calls; without one they are recorded anew")
    parser.add_argument("--operators", type=int, default=100, help="how many, drawn at random; 0 for all")
    parser.add_argument("--only", nargs="+", metavar="OPERATOR", help="these")
    parser.add_argument("--share", type=int, default=5, help="one call of so many is held out")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="four operators")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


def main() -> int:
    given = _arguments()
    with TemporaryDirectory() as folder:
        store = given.store or f"sqlite:///{folder}/calls.db"
        only = QUICK if given.quick else given.only
        try:
            if given.store is None:
                collect_calls(sources=("op_db",), operators=only or (), store=store, workers=given.workers)
            names = list(only) if only else all_operators(store)
        except UserError as error:
            print(error, file=sys.stderr)
            return 2
        if given.operators and not only:
            names = Random(given.seed).sample(names, min(given.operators, len(names)))
        tallies = measured(read_calls(store, names), given.workers, given.share)
    for line in table(tallies):
        print(line)
    if given.json is not None:
        document = {"torch": version("torch"), "neuri": NEURI, "operators": list(map(asdict, tallies))}
        given.json.write_text(json.dumps(document, indent=1), encoding="utf-8")
    print(headline(tallies))
    return 0


if __name__ == "__main__":
    sys.exit(main())
