"""What a searcher itself costs: CPU seconds to ask for a trial and to tell it, by how many were told before.

The space is that of 20 decisions of ``spaces.py``, written for archsmith and for Optuna. Everyone is told random
architectures, with values that nobody can guess; one proposal after that is not counted, as whatever is caught up with
the first time is caught up there, and of those that follow the median stands. One process, one thread.

    python benchmarks/overhead.py
    python benchmarks/overhead.py --quick --json overhead.json
"""

import argparse
import json
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from math import log
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

sys.path.append(str(Path(__file__).parent.parent))  # started as a file, Python looks beside it only
os.environ["OMP_NUM_THREADS"] = "1"  # numpy, which comes with the imports below, reads them once
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import optuna
from benchmarks.spaces import residual_space, residual_trial

from archsmith.search import searchers
from archsmith.search.searchers import SEARCHERS, make_searcher
from archsmith.spaces.decisions import Trace

Seconds = dict[str, dict[int, float]]
"""By searcher and number of trials told."""

Turn = Callable[[], object]
"""One proposal, asked and told."""

SIZES = (100, 1_000, 10_000)
TIMES = 50
ENOUGH = 5.0
"""CPU seconds of proposals after which no more are timed, of at least ``LEAST``."""
LEAST = 3

DEAR = ("optuna GP",)
"""Told 100 trials only."""

SAMPLERS: Mapping[str, Callable[[], optuna.samplers.BaseSampler]] = {
    "optuna random": lambda: optuna.samplers.RandomSampler(seed=0),
    "optuna TPE": lambda: optuna.samplers.TPESampler(seed=0),
    "optuna NSGA-II": lambda: optuna.samplers.NSGAIISampler(seed=0),
    "optuna GP": lambda: optuna.samplers.GPSampler(seed=0),
}

CHEAP = ("evolution", "mcts")
"""To be 50 times as cheap as TPE at 1,000 trials."""
TIMES_TPE = 50


def archsmith_turn(name: str, told: int) -> Turn:
    space, rng, values = residual_space(), Random(0), Random(1)
    searcher = make_searcher(name, {})
    known: set[Trace] = set()
    while len(known) < told:
        trace = space.draw(rng)
        if trace not in known:
            known.add(trace)
            searcher.tell(trace, values.random())

    def turn() -> None:
        searcher.tell(searcher.ask(space, rng, ()), values.random())

    return turn


def optuna_history(told: int) -> list[optuna.trial.FrozenTrial]:
    """Random trials, ready to be added to any study."""
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    values = Random(1)
    for _ in range(told):
        trial = study.ask()
        residual_trial(trial)
        study.tell(trial, values.random())
    return study.trials


def optuna_turn(make: Callable[[], optuna.samplers.BaseSampler], history: Sequence[optuna.trial.FrozenTrial]) -> Turn:
    study = optuna.create_study(direction="maximize", sampler=make())
    study.add_trials(history)
    values = Random(2)

    def turn() -> None:
        trial = study.ask()
        residual_trial(trial)
        study.tell(trial, values.random())

    return turn


def timed(turn: Turn, times: int) -> float:
    """The median CPU seconds of a turn; the first is not counted."""
    turn()
    found: list[float] = []
    while len(found) < times and (len(found) < LEAST or sum(found) < ENOUGH):
        began = time.process_time()
        turn()
        found.append(time.process_time() - began)
    return median(found)


def measure(sizes: Sequence[int], times: int, names: Sequence[str]) -> Seconds:
    seconds: Seconds = {}
    for size in sizes:
        history = optuna_history(size)
        turns: dict[str, Callable[[], Turn]] = {}
        for name in names:
            if name in SEARCHERS:
                turns[name] = lambda name=name, size=size: archsmith_turn(name, size)  # type: ignore[misc]
            elif name not in DEAR or size == SIZES[0]:
                turns[name] = lambda name=name, history=history: optuna_turn(SAMPLERS[name], history)  # type: ignore[misc]
        for name, make in turns.items():
            seconds.setdefault(name, {})[size] = timed(make(), times)
            print(f"{name} at {size}: {seconds[name][size]:.3g} s", file=sys.stderr)
    return seconds


def growth(found: Mapping[int, float]) -> float | None:
    """The exponent of n as which the cost grows between the two largest sizes."""
    if len(found) < 2:
        return None
    less, more = sorted(found)[-2:]
    return log(found[more] / found[less]) / log(more / less)


def aims(seconds: Seconds, sizes: Sequence[int]) -> list[tuple[str, float, float, bool]]:
    """What is aimed at, the figure, its limit, and whether it was reached; at 1,000 trials, or at the most told."""
    at = 1_000 if 1_000 in sizes else sizes[-1]
    found: list[tuple[str, float, float, bool]] = []
    tpe = seconds.get("optuna TPE", {}).get(at)
    for name in seconds:
        if name in SEARCHERS and tpe is not None:
            times = tpe / seconds[name][at]
            if name in CHEAP:
                found.append((f"{name} at {at}: times as cheap as TPE", times, TIMES_TPE, times >= TIMES_TPE))
            elif name.startswith("smbo"):
                found.append((f"{name} at {at}: times as cheap as TPE", times, 1, times >= 1))
    for name in seconds:
        exponent = growth(seconds[name]) if name in SEARCHERS else None
        if exponent is not None:
            less, more = sorted(seconds[name])[-2:]
            limit = 1 + log(log(more) / log(less)) / log(more / less)
            found.append((f"{name}: growth in n, n log n being {limit:.2f}", exponent, limit, exponent <= limit))
    return found


def show(seconds: Seconds, sizes: Sequence[int]) -> None:
    print(f"| CPU ms per proposal | {' | '.join(f'{size:,} told' for size in sizes)} | grows as n to the |")
    print(f"|{' --- |' * (len(sizes) + 2)}")
    for name, found in seconds.items():
        exponent = growth(found)
        figures = [f"{1000 * found[size]:.3g}" if size in found else "" for size in sizes]
        print(f"| {name} | {' | '.join(figures)} | {'' if exponent is None else f'{exponent:.2f}'} |")
    print()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="up to 200 trials told, without the dear ones")
    parser.add_argument("--searchers", type=lambda text: text.split(","), metavar="NAMES", help="these only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    known = [*SEARCHERS, *SAMPLERS]
    names = given.searchers or [name for name in known if not given.quick or name not in DEAR]
    if unknown := [name for name in names if name not in known]:
        print(f"no searcher is called {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    sizes, times = ((50, 200), 3) if given.quick else (SIZES, TIMES)
    seconds = measure(sizes, times, names)
    show(seconds, sizes)
    found = aims(seconds, sizes)
    for what, figure, limit, reached in found:
        print(f"{what}: {figure:.3g}, aim {limit:.3g}: {'reached' if reached else 'missed'}")
    if given.json is not None:
        versions = {name: version(name) for name in ("archsmith", "optuna", "numpy")}
        document: dict[str, Any] = {"cpu_seconds": seconds, "aims": found}
        document |= {"python": platform.python_version(), "versions": versions}
        given.json.write_text(json.dumps(document, indent=2), encoding="utf-8")
    print(f"overhead: {sum(reached for *_, reached in found)} of {len(found)} aims reached{_told(seconds)}")
    return 0


def _told(seconds: Seconds) -> str:
    """The cost of a proposal with the most trials told, of the default beside TPE."""
    default = getattr(searchers, "DEFAULT", "evolution")
    shown = [(name, seconds[name]) for name in (default, "optuna TPE") if name in seconds]
    figures = (f"{name} {1000 * found[max(found)]:.3g} ms at {max(found):,}" for name, found in shown)
    return "; " + ", ".join(figures) if shown else ""


if __name__ == "__main__":
    sys.exit(main())
