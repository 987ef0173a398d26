"""Regret against evaluations: archsmith's searchers and their peers on tables of measured architectures.

An evaluation gives the value of one training, fixed by seed and row, as in a real search. The incumbent is the trial
that was observed to be best; its regret is the best mean of the table less its own. Repeated proposals count.
Proposals for which nothing was measured do not, unless they are twenty in a row: then a random one is taken instead.
CPU is what asking and telling take, in one process on one thread.

With --json the file is the run's memory as well: what it holds is not run again, so a long run may be broken off and
gone on with, and a searcher that was changed is named to --again.

    python benchmarks/nas_tabular.py --data DIR --json figures.json --plot figures.svg
    python benchmarks/nas_tabular.py --data DIR --tables macro,nb201/* --searchers mcts,rs,optuna_tpe --seeds 10
    python benchmarks/nas_tabular.py --data DIR --quick
"""

import argparse
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from fnmatch import fnmatch
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

sys.path.append(str(Path(__file__).parent.parent))  # started as a file, Python looks beside it only

from benchmarks.peers import PEERS, Proposer, available
from benchmarks.tables import Table, load_tables
from benchmarks.tabular_report import Results, aims, headline, plot, sections

from archsmith.graph.errors import UserError
from archsmith.search import searchers
from archsmith.search.searcher import Searcher
from archsmith.spaces.decisions import Trace

VARIANTS: Sequence[tuple[str, str, Mapping[str, Any]]] = (
    ("smbo-ridge", "smbo", {"surrogate": "ridge"}),
    ("smbo-forest", "smbo", {"surrogate": "forest"}),
    ("smbo-wl", "smbo", {"surrogate": "wl"}),
    ("smbo-bananas", "smbo", {"surrogate": "bananas"}),
)
"""Searchers with other options than their defaults: label, name, options."""

MARKS = (5, 10, 25, 50, 75, 100, 150, 200, 300, 400, 500)
"""Evaluations after which regret is noted."""

FAILURES = 20
"""Proposals in a row for which nothing was measured, before a random one is taken."""

SAVE = 2.0
"""Seconds between two writings of the state."""

QUICK = ("random", "evolution", "rs", "re_p100_s25", "hill_climbing", "optuna_tpe")

Cell = tuple[str, str, int]
"""A table, a searcher's label, a seed."""


@dataclass(slots=True)
class Ours:
    """A searcher of archsmith as one who proposes a trial after another."""

    table: Table
    searcher: Searcher
    rng: Random
    asked: Trace = field(default_factory=Trace)

    def ask(self) -> Trace:
        self.asked = self.searcher.ask(self.table.space, self.rng, ())
        return self.asked

    def tell(self, value: float | None) -> None:
        self.searcher.tell(self.asked, value)


def ours() -> dict[str, tuple[str, Mapping[str, Any]]]:
    """By label: the searcher's name and its options."""
    found: dict[str, tuple[str, Mapping[str, Any]]] = {name: (name, {}) for name in searchers.SEARCHERS}
    return found | {label: (name, options) for label, name, options in VARIANTS if name in found}


def proposer(label: str, table: Table, seed: int) -> Proposer:
    if label in PEERS:
        return PEERS[label].make(table, seed)
    name, options = ours()[label]
    return Ours(table, searchers.make_searcher(name, options), Random(seed))


def race(table: Table, runner: Proposer, seed: int, evaluations: int) -> dict[str, Any]:
    """The regrets at the marks, and what a trial costs the searcher."""
    fallback = Random(f"otherwise {seed}")
    best, regret, spent = float("-inf"), float("inf"), 0.0
    regrets: list[float] = []
    for turn in range(1, evaluations + 1):
        trace, value, seconds = _trial(table, runner, seed, fallback)
        spent += seconds
        if value > best:
            best, regret = value, table.regret(trace)
        if turn in MARKS:
            regrets.append(round(regret, 7))
    return {"regret": regrets, "cpu_ms": round(1000 * spent / evaluations, 4)}


def _trial(table: Table, runner: Proposer, seed: int, fallback: Random) -> tuple[Trace, float, float]:
    """A trace, its value, and the CPU seconds that asking and telling took."""
    spent = 0.0
    for _ in range(FAILURES):
        began = time.process_time()
        trace = runner.ask()
        asked = time.process_time()
        value = float("nan") if trace is None else table.observe(trace, seed)
        told = time.process_time()
        runner.tell(value if isfinite(value) else None)
        spent += asked - began + time.process_time() - told
        if trace is not None and isfinite(value):
            return trace, value, spent
    trace = table.space.draw(fallback)
    return trace, table.observe(trace, seed), spent


_TABLES: dict[str, Table] = {}
"""Of this worker process."""


def start_worker(data: Path) -> None:
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - what files are left out was told once
    _TABLES.update((table.name, table) for table in load_tables(data))


def run_cell(cell: Cell, evaluations: int) -> dict[str, Any]:
    name, label, seed = cell
    table = _TABLES[name]
    return race(table, proposer(label, table, seed), seed, evaluations)


def length(label: str, evaluations: int) -> int:
    return min(evaluations, PEERS[label].evaluations) if label in PEERS else evaluations


def cells(tables: Sequence[str], labels: Sequence[str], seeds: int, results: Results) -> Iterator[Cell]:
    """What is not known yet, one seed after another."""
    for seed in range(seeds):
        for table in tables:
            for label in labels:
                wanted = label not in PEERS or seed < PEERS[label].seeds
                if wanted and str(seed) not in results.get(table, {}).get(label, {}):
                    yield table, label, seed


def run(todo: Sequence[Cell], given: argparse.Namespace, document: dict[str, Any]) -> int:
    """Fill the document's results, saving as it goes; how many cells failed."""
    results: Results = document["results"]
    failed, saved = 0, time.monotonic()
    processes = get_context("spawn")
    with ProcessPoolExecutor(given.workers, processes, initializer=start_worker, initargs=(given.data,)) as pool:
        waiting: dict[Future[dict[str, Any]], Cell] = {
            pool.submit(run_cell, cell, length(cell[1], given.evaluations)): cell for cell in todo
        }
        try:
            for done, future in enumerate(as_completed(waiting), start=1):
                table, label, seed = waiting[future]
                if (error := future.exception()) is not None:
                    failed += 1
                    print(f"{table}, {label}, seed {seed}: {type(error).__name__}: {error}", file=sys.stderr)
                    continue
                results.setdefault(table, {}).setdefault(label, {})[str(seed)] = future.result()
                if time.monotonic() - saved > SAVE:
                    saved = time.monotonic()
                    save(given.json, document)
                    if sys.stderr.isatty():
                        print(f"{done} of {len(todo)}", end="\r", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
        finally:
            save(given.json, document)
    return failed


def save(file: Path | None, document: Mapping[str, Any]) -> None:
    """Whole or not at all: a run may be broken off at any time."""
    if file is not None:
        beside = file.with_name(f"{file.name}.new")
        beside.write_text(json.dumps(document), encoding="utf-8")
        beside.replace(file)


def begun(given: argparse.Namespace) -> dict[str, Any]:
    """The document of the file, without what is to be run again; or a new one."""
    marks = [mark for mark in MARKS if mark <= given.evaluations]
    document = {"evaluations": given.evaluations, "marks": marks, "versions": _versions(), "results": {}}
    if given.json is not None and given.json.exists():
        known = json.loads(given.json.read_text(encoding="utf-8"))
        if known.get("marks") != marks:
            raise UserError(f"{given.json} is of a run with marks {known.get('marks')}; give another file")
        document["results"] = known["results"]
    for runners in document["results"].values():
        for label in [label for label in runners if _chosen(label, given.again)]:
            del runners[label]
    return document


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("archsmith", "numpy", "optuna", "scikit-learn", "smac"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a peer that was not installed
            found[name] = "-"
    return found


def _chosen(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _names(known: Iterable[str], patterns: Sequence[str], what: str) -> list[str]:
    """Those of the known names that a pattern fits; every pattern must fit one."""
    names = list(known)
    for pattern in patterns:
        if not any(fnmatch(name, pattern) for name in names):
            raise UserError(f"no {what} is called {pattern}; there are {', '.join(names)}")
    return [name for name in names if _chosen(name, patterns)]


def _list(text: str) -> list[str]:
    return text.split(",")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a folder of tables")
    parser.add_argument("--tables", type=_list, default=["*"], metavar="NAMES", help="comma between, * and ? allowed")
    parser.add_argument("--searchers", type=_list, default=["*"], metavar="NAMES", help="of ours and of peers")
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--evaluations", type=int, default=500)
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--again", type=_list, default=[], metavar="NAMES", help="searchers whose figures are dropped")
    parser.add_argument("--quick", action="store_true", help="2 seeds, 50 evaluations, few searchers and tables")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, and go on from them")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the curves there")
    given = parser.parse_args()
    if given.quick:
        given.seeds, given.evaluations, given.workers = min(given.seeds, 2), min(given.evaluations, 50), 1
    return given


def prepared(given: argparse.Namespace) -> tuple[list[str], list[str]]:
    """The tables and the searchers that are meant."""
    if not given.data.is_dir():
        raise UserError(f"--data takes a folder of tables; {given.data} is none")
    tables = _names([table.name for table in load_tables(given.data)], given.tables, "table")
    if given.quick and given.tables == ["*"]:
        tables = tables[:4]
    labels = _names([*ours(), *PEERS], given.searchers, "searcher")
    if given.quick and given.searchers == ["*"]:
        labels = [label for label in labels if label in QUICK]
    peers, missing = available([label for label in labels if label in PEERS])
    for label in missing:
        print(f"{label}: left out, as {PEERS[label].needs} is not installed", file=sys.stderr)
    return tables, [label for label in labels if label not in PEERS or label in peers]


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # or workers would outlive who asked them
    given = _arguments()
    for threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[threads] = "1"  # the workers' numpy is imported after this
    os.environ["PYTHONHASHSEED"] = "0"  # for the workers: SMAC goes by the order of sets
    try:
        tables, labels = prepared(given)
        document = begun(given)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    failed = run(list(cells(tables, labels, given.seeds, document["results"])), given, document)
    chosen = {
        table: {label: document["results"][table][label] for label in labels if label in document["results"][table]}
        for table in tables
        if table in document["results"]
    }
    default = getattr(searchers, "DEFAULT", "evolution")
    marks: Sequence[int] = document["marks"]
    for line in sections(chosen, marks):
        print(line)
    for line in aims(chosen, marks, default, tuple(ours()), tuple(PEERS)):
        print(line)
    if given.plot is not None:
        plot(chosen, marks, given.plot, default)
    print(headline(chosen, marks, default, tuple(PEERS)))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
