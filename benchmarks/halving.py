"""What the first epochs are worth: regret against epochs spent, of full trainings and of those that end early.

Every searcher draws at random; they differ in how far they train what they drew. The budget counts epochs, in full
trainings. The incumbent is what was best after a full training, and its regret is the best of the table less its own;
a training that ends after the budget is spent does not count.

- digits: learning curves of perceptrons on scikit-learn's digits, every epoch of each, trained when this starts.
- nb201 (with --data): NAS-Bench-201 on CIFAR-10, whose only low fidelity is a schedule of 12 epochs. What goes on is
  trained anew for all of the 200, and pays for them.

    python benchmarks/halving.py --data DIR --json halving.json
    python benchmarks/halving.py --quick
"""

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from math import isnan, nan, sqrt
from pathlib import Path
from random import Random
from statistics import fmean, stdev
from typing import Any

import numpy as np
import optuna
from sklearn.neural_network import MLPClassifier

sys.path.append(str(Path(__file__).parent.parent))  # started as a file, Python looks beside it only

from benchmarks.tables import load_tables

from archsmith.evaluate.digits import load
from archsmith.evaluate.task import Data
from archsmith.search.early import make_rule
from archsmith.search.fidelity import Promote, Run, RunState, Wait
from archsmith.search.halving import make_fidelity
from archsmith.search.random import RandomSearch
from archsmith.spaces.decisions import Label, Trace
from archsmith.spaces.nodes import any_of, chain, choose, op, shared
from archsmith.spaces.space import TreeSpace, search_space

MARKS = (2.5, 5, 10, 20)
"""Budgets in full trainings after which regret is noted."""

BUDGET = 20
"""The budget that the aim speaks of."""

Ended = Iterator[tuple[int, Trace]]
"""Trainings that went to their end: the epochs spent by then, in all, and what was trained."""


@dataclass(frozen=True)
class Landscape:
    """Architectures with their values after some numbers of epochs."""

    name: str
    space: TreeSpace
    parameters: Sequence[tuple[str, Sequence[Label]]]
    epochs: int
    least: int
    reduction: int
    value: Callable[[Trace, int, int], float]
    """Of a trace after so many epochs, for a seed."""
    regret: Callable[[Trace], float]
    schedules: bool
    """Whether each number of epochs is a schedule of its own, so that going on means to begin anew."""

    @property
    def reported(self) -> Sequence[int]:
        """The epochs after which there is a value."""
        return (self.least, self.epochs) if self.schedules else range(1, self.epochs + 1)

    def cost(self, reached: int, target: int) -> int:
        """Epochs that it takes to come from one number of epochs to another."""
        return target if self.schedules else target - reached


# --- how far to train ----------------------------------------------------------------------------------------------


def full(landscape: Landscape, seed: int) -> Ended:
    """Everything to its end."""
    search, spent = RandomSearch(), 0
    while True:
        trace = search.ask(landscape.space, Random(f"{seed}/{spent}"), ())
        search.tell(trace, 0.0)
        spent += landscape.epochs
        yield spent, trace


def by_rungs(kind: str, landscape: Landscape, seed: int) -> Ended:
    """By rungs, with one worker."""
    fidelity = make_fidelity(kind, epochs=landscape.epochs, least=landscape.least, reduction=landscape.reduction)
    search, spent = RandomSearch(), 0
    runs: list[Run] = []
    traces: list[Trace] = []
    while True:
        step = fidelity.next(runs, may_start=True)
        assert not isinstance(step, Wait)
        if isinstance(step, Promote):
            run = runs[step.number]
        else:
            run = Run(len(runs), step.bracket, 0, None, RunState.RUNNING)
            runs.append(run)
            traces.append(search.ask(landscape.space, Random(f"{seed}/{run.number}"), ()))
        trace = traces[run.number]
        value = landscape.value(trace, step.epochs, seed)
        search.tell(trace, value)
        spent += landscape.cost(run.epochs, step.epochs)
        state = RunState.ENDED if step.epochs == landscape.epochs else RunState.PAUSED
        runs[run.number] = replace(run, epochs=step.epochs, value=value, state=state)
        if state is RunState.ENDED:
            yield spent, trace


def by_rule(name: str, landscape: Landscape, seed: int) -> Ended:
    """One after another, each until a rule stops it."""
    rule, search, spent = make_rule(name, epochs=landscape.epochs), RandomSearch(), 0
    curves: list[list[float]] = []
    while True:
        trace, curve = search.ask(landscape.space, Random(f"{seed}/{len(curves)}"), ()), list[float]()
        search.tell(trace, 0.0)
        for epoch in landscape.reported:
            spent += 1
            curve.append(landscape.value(trace, epoch, seed))
            if rule.stops(curve, curves):
                break
        else:
            yield spent, trace
        curves.append(curve)


def by_optuna(make: Callable[[Landscape], optuna.pruners.BasePruner], landscape: Landscape, seed: int) -> Ended:
    """One after another, each until a pruner of Optuna's stops it."""
    sampler = optuna.samplers.RandomSampler(seed=seed)
    named = f"{landscape.name}/{seed}"  # Hyperband draws a trial's bracket from the study's name
    study = optuna.create_study(direction="maximize", study_name=named, sampler=sampler, pruner=make(landscape))
    spent = 0
    while True:
        trial = study.ask()
        answers: dict[str, Any] = {
            name: trial.suggest_categorical(name, options) for name, options in landscape.parameters
        }
        trace, reached = Trace(tuple(answers.items())), 0
        for epoch in landscape.reported:
            spent += landscape.cost(reached, epoch)
            reached, value = epoch, landscape.value(trace, epoch, seed)
            trial.report(value, epoch)
            if epoch < landscape.epochs and trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, value)
            yield spent, trace


def successive_halving(given: Landscape) -> optuna.pruners.BasePruner:
    """Optuna's, which is asynchronous."""
    return optuna.pruners.SuccessiveHalvingPruner(min_resource=given.least, reduction_factor=given.reduction)


def hyperband(given: Landscape) -> optuna.pruners.BasePruner:
    """Optuna's, over the same rungs."""
    return optuna.pruners.HyperbandPruner(
        min_resource=given.least, max_resource=given.epochs, reduction_factor=given.reduction
    )


def median_pruner(given: Landscape) -> optuna.pruners.BasePruner:
    """Optuna's, with its defaults."""
    return optuna.pruners.MedianPruner()


WAYS: Mapping[str, Callable[[Landscape, int], Ended]] = {
    "random": full,
    "halving": partial(by_rungs, "halving"),
    "hyperband": partial(by_rungs, "hyperband"),
    "asha": partial(by_rungs, "asha"),
    "median": partial(by_rule, "median"),
    "curve": partial(by_rule, "curve"),
    "optuna halving": partial(by_optuna, successive_halving),
    "optuna hyperband": partial(by_optuna, hyperband),
    "optuna median": partial(by_optuna, median_pruner),
}
CURVES_ONLY = ("median", "curve", "optuna median")
"""What goes by whole learning curves."""


def regrets(way: Callable[[Landscape, int], Ended], landscape: Landscape, seed: int) -> list[float]:
    """Of the incumbent at every mark; NaN while nothing was trained to its end."""
    found: list[float] = []
    best, regret = -np.inf, nan
    for spent, trace in way(landscape, seed):
        while len(found) < len(MARKS) and spent > MARKS[len(found)] * landscape.epochs:
            found.append(regret)
        if len(found) == len(MARKS):
            break
        value = landscape.value(trace, landscape.epochs, seed)
        if value > best:
            best, regret = value, landscape.regret(trace)
    return found


# --- what is trained -----------------------------------------------------------------------------------------------

WIDTHS, RATES, BATCHES = (4, 8, 16, 32, 64), (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1), (16, 64, 256)
EPOCHS = 27


def digits(*, quick: bool) -> Landscape:
    """360 perceptrons with one hidden layer (24 if ``quick``), of which each is trained once."""
    widths, rates = (WIDTHS[::3], RATES[1::2]) if quick else (WIDTHS, RATES)
    width = shared("width", choose(*widths))
    activation = any_of(relu=op("relu"), tanh=op("tanh"), logistic=op("sigmoid"), name="activation")
    recipe = {"learning_rate": choose(*rates)} | ({} if quick else {"batch_size": choose(*BATCHES)})
    space = search_space(
        chain(op("flatten"), op("linear", out=width), activation, op("linear", out=10)), input=(1, 8, 8), recipe=recipe
    )
    known = {name.rpartition("/")[2]: name for name, _ in space.draw(Random(0)).answers}
    options: dict[str, Sequence[Label]] = {
        "width": widths,
        "activation": ("relu", "tanh", "logistic"),
        "learning_rate": rates,
        "batch_size": BATCHES,
    }
    parameters = [(name, options[short]) for short, name in known.items()]
    curves: dict[frozenset[tuple[str, Label]], list[float]] = {}

    def value(trace: Trace, epochs: int, seed: int) -> float:
        return curves[frozenset(trace.answers)][epochs - 1]

    data = load()
    for trace in every(parameters):
        settings = {short: trace.as_dict()[name] for short, name in known.items()}
        curves[frozenset(trace.answers)] = trained(settings, data)
    best = max(curve[-1] for curve in curves.values())
    return Landscape(
        name="digits",
        space=space,
        parameters=parameters,
        epochs=EPOCHS,
        least=1,
        reduction=3,
        value=value,
        regret=lambda trace: best - value(trace, EPOCHS, 0),
        schedules=False,
    )


def every(parameters: Sequence[tuple[str, Sequence[Label]]]) -> Iterator[Trace]:
    if not parameters:
        yield Trace(())
        return
    (name, options), *others = parameters
    for rest in every(others):
        for option in options:
            yield Trace(((name, option), *rest.answers))


def trained(settings: Mapping[str, Any], data: Data) -> list[float]:
    """Validation accuracy in percent after every epoch."""
    (images, labels), (val_images, val_labels) = ((x.reshape(len(x), -1), y) for x, y in (data.train, data.val))
    network = MLPClassifier(
        (settings["width"],),
        activation=settings["activation"],
        learning_rate_init=settings["learning_rate"],
        batch_size=settings.get("batch_size", BATCHES[-1]),
        random_state=0,
    )
    curve = []
    for _ in range(EPOCHS):
        network.partial_fit(images, labels, classes=range(10))
        curve.append(100 * float(network.score(val_images, val_labels)))
    return curve


def nas_bench_201(data: Path) -> Landscape:
    """CIFAR-10; a seed chooses among the trainings of 200 epochs, of 12 there is one."""
    import pyarrow.parquet

    short = pyarrow.parquet.read_table(data / "nasbench201_cifar10.parquet", columns=["cifar10_val12"])
    early = short.column(0).to_pylist()
    table = next(table for table in load_tables(data) if table.name == "nb201/cifar10")

    def value(trace: Trace, epochs: int, seed: int) -> float:
        if epochs == 200:
            return table.observe(trace, seed)
        row = table.row(trace)
        assert row is not None
        return float(early[row])

    return Landscape(
        name="nb201",
        space=table.space,
        parameters=[(name, options) for name, options, _ in table.parameters()],
        epochs=200,
        least=12,
        reduction=16,  # the one that leads from 12 to 200
        value=value,
        regret=table.regret,
        schedules=True,
    )


# --- what came of it -----------------------------------------------------------------------------------------------


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """The mean and its standard error, NaN where there is a NaN."""
    if any(map(isnan, values)):
        return nan, nan
    return fmean(values), stdev(values) / sqrt(len(values))


def show(name: str, found: Mapping[str, Sequence[Sequence[float]]]) -> None:
    print(f"\n{name}: regret in points of accuracy, mean and standard error")
    print(f"{'full trainings spent':24}" + "".join(f"{mark:>18}" for mark in MARKS))
    for way, runs in found.items():
        cells = [mean_and_error(column) for column in zip(*runs, strict=True)]
        shown = ["-" if isnan(mean) else f"{mean:.3f} ± {error:.3f}" for mean, error in cells]
        print(f"{way:24}" + "".join(f"{cell:>18}" for cell in shown))


def at_budget(runs: Sequence[Sequence[float]]) -> list[float]:
    return [run[MARKS.index(BUDGET)] for run in runs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder with nasbench201_cifar10.parquet")
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--quick", action="store_true", help="2 seeds and fewer perceptrons")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    landscapes = [digits(quick=given.quick)]
    if given.data is not None:
        landscapes.append(nas_bench_201(given.data))
    figures: dict[str, dict[str, list[list[float]]]] = {}
    verdicts = []
    for landscape in landscapes:
        ways = [name for name in WAYS if not (landscape.schedules and name in CURVES_ONLY)]
        seeds = range(2 if given.quick else given.seeds)
        found = {name: [regrets(WAYS[name], landscape, seed) for seed in seeds] for name in ways}
        figures[landscape.name] = found
        show(landscape.name, found)
        ours, theirs = at_budget(found["halving"]), at_budget(found["random"])
        less, error = mean_and_error([there - here for here, there in zip(ours, theirs, strict=True)])
        verdict = "reached" if less > 2 * error else "missed"
        print(f"{landscape.name}: halving has {less:.3f} ± {error:.3f} less regret than random at {BUDGET}: {verdict}")
        verdicts.append((landscape.name, fmean(ours), fmean(theirs), verdict))
    if given.json is not None:
        versions = {name: version(name) for name in ("archsmith", "optuna", "scikit-learn")}
        document = {"regret": figures, "marks": MARKS, "python": platform.python_version(), "versions": versions}
        given.json.write_text(json.dumps(document, indent=2), encoding="utf-8")
    told = "; ".join(f"{name} {ours:.2f}, random {theirs:.2f} ({word})" for name, ours, theirs, word in verdicts)
    print(f"successive halving's regret at a budget of {BUDGET} full trainings: {told}")


if __name__ == "__main__":
    main()
