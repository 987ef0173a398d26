"""Searchers on real trainings: small convolutional networks on Fashion-MNIST, in minutes on two cores.

Every trial trains a network from scratch on a part of the training images and is judged by its accuracy on validation
images. What counts in the end is the test accuracy of the network that was best at validation, which no searcher sees.
In a seed all searchers meet the same luck: a network trained with the same recipe has the same accuracy.

    python benchmarks/nas_train.py --json nas_train.json
    python benchmarks/nas_train.py --searchers random,evolution --seeds 10 --data FOLDER
    python benchmarks/nas_train.py --quick

The images are those of Debian's package dataset-fashion-mnist, or the four IDX files in the folder of --data.
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from itertools import accumulate
from math import isnan, nan, sqrt
from multiprocessing import get_context
from pathlib import Path
from random import Random
from statistics import fmean, stdev
from typing import Any

import numpy as np
import torch
from scipy.stats import t as student

from archsmith.evaluate import fashion
from archsmith.evaluate.evaluator import NotFinite
from archsmith.evaluate.settings import TrainingSettings, with_recipe
from archsmith.evaluate.task import Data, Task
from archsmith.evaluate.training import TrainingEvaluator
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.text import digest
from archsmith.search.searchers import SEARCHERS, make_searcher
from archsmith.spaces.decisions import replay
from archsmith.spaces.node import Node
from archsmith.spaces.nodes import any_of, chain, choose, op, repeat, shared
from archsmith.spaces.recipe import recipe_of
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.spaces.values import SharedValue

WANTED = ("random", "mcts", "smbo", "evolution")
BASELINE = "random"
MARKS = (1, 5, 10, 20, 30, 40)
"""Trials after which the best so far is shown."""

TRAIN, VAL = 4_000, 4_000
"""Images that are trained on, and that are judged by; all 10,000 of the test part are used."""

SETTINGS: Mapping[str, Any] = {"epochs": 1, "batch_size": 64}


@dataclass(frozen=True, slots=True)
class Study:
    """One searcher's study: validation and test accuracy of every trial in percent, NaN where it failed."""

    searcher: str
    seed: int
    val: tuple[float, ...]
    test: tuple[float, ...]
    seconds: float

    def best(self, trials: int) -> int:
        """The number of the trial that was best at validation among the first; the first among equals."""
        return max(range(min(trials, len(self.val))), key=lambda n: (not isnan(self.val[n]), self.val[n], -n))


def networks() -> TreeSpace:
    """62,208 networks, trained with one of six learning rates; chance is 10 %, the best come to about 85 %."""
    width, wider = shared("width", choose(4, 8, 16)), shared("wider", choose(1, 2))
    norm = shared("norm", any_of(batch=op("batch_norm2d"), group=op("group_norm", groups=2), none=op("identity")))
    activation = shared("activation", any_of(*map(op, ("relu", "silu", "tanh", "sigmoid"))))

    def stage(channels: SharedValue) -> Node:
        convolution = op("conv2d", out=channels, kernel=choose(1, 3, 5), padding="same")
        return repeat(chain(convolution, norm, activation), choose(1, 2))

    smaller = any_of(
        max=op("max_pool2d", kernel=2, stride=2),
        average=op("avg_pool2d", kernel=2, stride=2),
        stride=op("conv2d", out=width, kernel=2, stride=2),
        name="pooling",
    )
    head = any_of(pooled=op("global_avg_pool"), flat=op("flatten"), name="head")
    stem = op("conv2d", out=width, kernel=4, stride=2, padding=1)
    body = chain(stem, stage(width), smaller, stage(width * wider), head, op("linear", out=10))
    rates = {"learning_rate": choose(1e-4, 5e-4, 2e-3, 6e-3, 2e-2, 6e-2)}
    return search_space(body, input=(1, fashion.SIZE, fashion.SIZE), recipe=rates)


def part_of(folder: Path) -> Data:
    data = fashion.load(folder)
    (images, labels), (val_images, val_labels) = data.train, data.val
    train, val = np.array(images[:TRAIN]), np.array(val_images[:VAL])  # copies: the other images are let go
    return Data((train, labels[:TRAIN]), (val, val_labels[:VAL]), data.test)


@cache
def task_of(folder: Path) -> Task:
    """Read once in a process."""
    fashion.fashion_mnist(folder)
    shape = (1, fashion.SIZE, fashion.SIZE)
    return Task("fashion_part", shape, fashion.CLASSES, "classification", partial(part_of, folder))


def run_study(searcher: str, seed: int, trials: int, folder: Path) -> Study:
    """Ask, train, tell, one trial after another; what the study trained before is not trained again."""
    torch.set_num_threads(1)
    task, space, asked = task_of(folder), networks(), make_searcher(searcher, {})
    known: dict[Hashable, tuple[float, float]] = {}
    found = []
    began = time.perf_counter()
    for number in range(trials):
        trace = asked.ask(space, Random(f"{seed}/{number}"), ())
        graph, recipe = replay(space, trace).graph, recipe_of(space, trace)
        assert graph is not None  # no searcher asks a dead end
        key = (digest(graph), tuple(sorted(recipe.items())))
        if key not in known:
            known[key] = trained(task, graph, recipe, seed)
        val, test = known[key]
        asked.tell(trace, None if isnan(val) else val)
        found.append((val, test))
    vals, tests = zip(*found, strict=True)
    return Study(searcher, seed, vals, tests, time.perf_counter() - began)


def trained(task: Task, graph: Graph, recipe: Mapping[str, Any], seed: int) -> tuple[float, float]:
    settings = TrainingSettings.from_json(with_recipe(SETTINGS, recipe))
    try:
        measured = TrainingEvaluator(task, settings).measure(graph, settings.budget, seed, lambda epoch, metrics: None)
    except NotFinite:
        return nan, nan
    return 100 * measured.metrics["val_accuracy"], 100 * measured.metrics["test_accuracy"]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean, and half of the 95 % confidence interval by Student's distribution."""
    if len(values) < 2:
        return fmean(values), nan
    return fmean(values), float(student.ppf(0.975, len(values) - 1)) * stdev(values) / sqrt(len(values))


def shown(found: tuple[float, float]) -> str:
    return f"{found[0]:.2f} ± {found[1]:.2f}"


def best_so_far(study: Study) -> list[float]:
    return list(accumulate((-1.0 if isnan(value) else value for value in study.val), max))


def show(studies: Mapping[str, Sequence[Study]], trials: int) -> None:
    marks = [mark for mark in MARKS if mark <= trials]
    print(f"{'best validation after':22}" + "".join(f"{f'{mark} trials':>16}" for mark in marks))
    for name, runs in studies.items():
        curves = [best_so_far(run) for run in runs]
        cells = [shown(interval([curve[mark - 1] for curve in curves])) for mark in marks]
        print(f"{name:22}" + "".join(f"{cell:>16}" for cell in cells))
    print(f"\n{'after ' + str(trials) + ' trials':22}{'validation':>16}{'test':>16}{'seconds a trial':>18}")
    for name, runs in studies.items():
        vals, tests = (interval(column) for column in zip(*(ends(run) for run in runs), strict=True))
        seconds = fmean(run.seconds for run in runs) / trials
        print(f"{name:22}{shown(vals):>16}{shown(tests):>16}{seconds:>18.2f}")


def ends(study: Study) -> tuple[float, float]:
    """Validation and test accuracy of the best of all trials."""
    best = study.best(len(study.val))
    return study.val[best], study.test[best]


def gains(studies: Mapping[str, Sequence[Study]]) -> dict[str, tuple[float, float]]:
    """By how many points of test accuracy each searcher beats random search, seed by seed."""
    if BASELINE not in studies:
        return {}
    base = [ends(run)[1] for run in studies[BASELINE]]
    return {
        name: interval([ends(run)[1] - other for run, other in zip(runs, base, strict=True)])
        for name, runs in studies.items()
        if name != BASELINE
    }


def measure(names: Sequence[str], given: argparse.Namespace) -> dict[str, list[Study]]:
    cells = [(name, seed) for seed in range(given.seeds) for name in names]
    studies: dict[str, list[Study]] = {name: [] for name in names}
    with ProcessPoolExecutor(given.workers, mp_context=get_context("spawn")) as pool:
        for study in pool.map(
            run_study, *zip(*cells, strict=True), [given.trials] * len(cells), [given.data] * len(cells)
        ):
            studies[study.searcher].append(study)
            val, test = ends(study)
            said = f"{study.searcher}, seed {study.seed}: validation {val:.2f}, test {test:.2f}, {study.seconds:.0f} s"
            print(said, file=sys.stderr)
    return studies


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = ",".join(name for name in WANTED if name in SEARCHERS)
    parser.add_argument("--data", type=Path, default=fashion.FOLDER, help="the folder of the IDX files")
    parser.add_argument("--searchers", default=known, metavar="NAMES", help=f"comma between (default {known})")
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2, help="studies at a time, each on one thread")
    parser.add_argument("--quick", action="store_true", help="2 seeds of 3 trials")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    if given.quick:
        given.trials, given.seeds = 3, 2
    return given


def main() -> int:
    given = arguments()
    names = given.searchers.split(",")
    try:
        fashion.fashion_mnist(given.data)
        for name in names:
            make_searcher(name, {})
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    studies = measure(names, given)
    show(studies, given.trials)
    better = gains(studies)
    for name, (gain, half) in better.items():
        verdict = "better" if gain > half else "worse" if gain < -half else "within the noise"
        print(f"{name}: test accuracy {gain:+.2f} ± {half:.2f} points beside {BASELINE}: {verdict}")
    if given.json is not None:
        runs = {
            name: [{"seed": run.seed, "val": run.val, "test": run.test, "seconds": run.seconds} for run in found]
            for name, found in studies.items()
        }
        versions = {name: version(name) for name in ("archsmith", "torch")}
        document = {"studies": runs, "gains": better, "python": platform.python_version(), "versions": versions}
        given.json.write_text(json.dumps(document, indent=2), encoding="utf-8")
    tests = {name: interval([ends(run)[1] for run in runs]) for name, runs in studies.items()}
    listed = ", ".join(f"{name} {shown(found)}" for name, found in tests.items())
    print(f"Fashion-MNIST test accuracy in percent after {given.trials} trials: {listed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
