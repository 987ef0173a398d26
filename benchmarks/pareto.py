"""Two objectives on a real table: how much of the best hypervolume is found in 200 evaluations, next to Optuna.

Accuracy, that of one training drawn by seed and cell, is to be maximised, and the latency on a device minimised, over
the 15,625 cells of NAS-Bench-201. What counts in the end are mean accuracies: the hypervolume of all that was evaluated
as a part of the hypervolume of the whole table. The reference is the table's 5th percentile of accuracy and 95th of
latency, and both axes are scaled to what lies between there and the best.

    python benchmarks/pareto.py --data DIR
    python benchmarks/pareto.py --data DIR --quick --json pareto.json
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from random import Random
from statistics import mean, stdev
from typing import Any

import numpy as np
import optuna
import pyarrow.parquet

from archsmith.search.evolution import RegularizedEvolution
from archsmith.search.nsga2 import NSGA2
from archsmith.search.pareto import hypervolume
from archsmith.search.random import RandomSearch
from archsmith.search.searcher import Searcher
from archsmith.spaces.decisions import Label, Trace
from archsmith.spaces.nodes import any_of, chain, op
from archsmith.spaces.space import TreeSpace, search_space

EDGES = tuple(f"op{place}" for place in range(6))
OPERATIONS: tuple[Label, ...] = ("none", "skip", "conv1", "conv3", "pool")
DEVICES = ("lat_ms_pixel3", "lat_ms_raspi4", "lat_ms_1080ti_1")

Array = np.ndarray[Any, Any]
Cell = tuple[int, ...]
Evaluate = Callable[[Cell], tuple[float, float]]


@dataclass(frozen=True)
class Front:
    """Accuracy and latency of every cell; ``points`` are the scaled means that the hypervolume is of."""

    device: str
    rows: dict[Cell, int]
    trials: list[list[float]]
    latency: list[float]
    points: Array
    whole: float

    def evaluate(self, cell: Cell, seed: int) -> tuple[float, float]:
        """One training's accuracy, the same for a seed and a cell, and the latency, both to be maximised."""
        row = self.rows[cell]
        return Random(f"{seed}/{row}").choice(self.trials[row]), -self.latency[row]

    def share(self, cells: list[Cell]) -> float:
        """Of the whole table's hypervolume."""
        return volume(self.points[[self.rows[cell] for cell in cells]]) / self.whole


def volume(points: Array) -> float:
    return hypervolume(points.tolist(), (0.0, 0.0))


def load(data: Path, device: str) -> Front:
    table = pyarrow.parquet.read_table(data / "nasbench201_cifar10.parquet").to_pydict()
    cells = list(zip(*(table[edge] for edge in EDGES), strict=True))
    trials = [
        [value for value in row if value is not None and value == value]
        for row in zip(*(table[f"cifar10_val200_t{trial}"] for trial in range(3)), strict=True)
    ]
    accuracy, latency = np.array(table["cifar10_val200_mean"], float), np.array(table[device], float)
    low, high = np.percentile(accuracy, 5), np.percentile(latency, 95)
    points = np.stack([(accuracy - low) / (accuracy.max() - low), (high - latency) / (high - latency.min())], axis=1)
    rows = dict(zip(cells, range(len(cells)), strict=True))
    return Front(device, rows, trials, latency.tolist(), points, volume(points))


def space() -> TreeSpace:
    """Six choices among five operators; what they do does not matter to a searcher."""
    same = op("relu")
    edges = (any_of(none=same, skip=same, conv1=same, conv3=same, pool=same, name=edge) for edge in EDGES)
    return search_space(chain(*edges), input=(2,), alike=lambda trace: frozenset(trace.answers))


def of_trace(trace: Trace) -> Cell:
    return tuple(OPERATIONS.index(label) for _, label in trace.answers)


def searched(make: Callable[[], Searcher], evaluate: Evaluate, seed: int, evaluations: int) -> list[Cell]:
    searcher, asked, cells = make(), space(), list[Cell]()
    for number in range(evaluations):
        trace = searcher.ask(asked, Random(f"{seed}/{number}"), ())
        cells.append(of_trace(trace))
        searcher.tell(trace, evaluate(cells[-1]))
    return cells


def suggested(
    make: Callable[[int], optuna.samplers.BaseSampler], evaluate: Evaluate, seed: int, evaluations: int
) -> list[Cell]:
    study = optuna.create_study(directions=["maximize", "maximize"], sampler=make(seed))
    cells = list[Cell]()

    def objective(trial: optuna.Trial) -> tuple[float, float]:
        cells.append(tuple(trial.suggest_categorical(edge, range(len(OPERATIONS))) for edge in EDGES))
        return evaluate(cells[-1])

    study.optimize(objective, n_trials=evaluations)
    return cells


Run = Callable[[Evaluate, int, int], list[Cell]]

OURS: Mapping[str, Run] = {
    "nsga2": partial(searched, NSGA2),
    "nsga2, generations": partial(searched, lambda: NSGA2(population=20, offspring=20)),
    "evolution": partial(searched, RegularizedEvolution),
    "random": partial(searched, RandomSearch),
}
PEERS: Mapping[str, Run] = {
    "optuna nsga2": partial(suggested, lambda seed: optuna.samplers.NSGAIISampler(seed=seed)),
    "optuna nsga2, 20": partial(suggested, lambda seed: optuna.samplers.NSGAIISampler(seed=seed, population_size=20)),
    "optuna tpe": partial(suggested, lambda seed: optuna.samplers.TPESampler(seed=seed)),
}


def measure(run: Run, front: Front, seeds: int, evaluations: int) -> dict[str, Any]:
    started = time.process_time()
    shares = [
        front.share(run(lambda cell, seed=seed: front.evaluate(cell, seed), seed, evaluations))  # type: ignore[misc]
        for seed in range(seeds)
    ]
    spent = time.process_time() - started
    error = stdev(shares) / len(shares) ** 0.5 if len(shares) > 1 else 0.0
    return {"share": mean(shares), "error": error, "cpu_ms": 1e3 * spent / (seeds * evaluations), "shares": shares}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of nasbench201_cifar10.parquet")
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--evaluations", type=int, default=200)
    parser.add_argument("--quick", action="store_true", help="2 seeds of 60 evaluations on one device")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    seeds, evaluations = (2, 60) if options.quick else (options.seeds, options.evaluations)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    figures = dict[str, dict[str, dict[str, Any]]]()
    for device in DEVICES[:1] if options.quick else DEVICES:
        front = load(options.data, device)
        print(f"{device}: part of the hypervolume after {evaluations} evaluations, {seeds} seeds")
        for name, run in {**OURS, **PEERS}.items():
            found = figures.setdefault(device, {})[name] = measure(run, front, seeds, evaluations)
            print(f"  {name:20} {found['share']:.4f} ± {found['error']:.4f}   {found['cpu_ms']:.2f} ms CPU a trial")
    if options.json is not None:
        versions = {"python": platform.python_version(), "optuna": version("optuna")}
        document = {"evaluations": evaluations, "seeds": seeds, "devices": figures, "versions": versions}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    ours, peers = (
        [mean(device[name]["share"] for device in figures.values()) for name in names]
        for names in (("nsga2",), tuple(PEERS))
    )
    print(f"hypervolume found by nsga2: {ours[0]:.3f}; by the best of Optuna's samplers: {max(peers):.3f}")


if __name__ == "__main__":
    main()
