"""Architectures per second: drawn, mutated, digested and built, next to Optuna and PyGlove on the same spaces.

The first space has 20 decisions: a width and an activation that every block shares, one to eight residual blocks, and
in each a kernel and a norm. The others are chains, half of whose decisions exist only if the one before says so. Every
tool does every job in turn, several times over, and medians of the rounds' own ratios are compared: a machine's noise
meets all alike.

- start: make the space and draw from it once, with all that is prepared for later draws.
- draw: the answers alone. Optuna asks an in-memory study with a RandomSampler; PyGlove draws a DNA.
- mutate: one change to given answers. PyGlove's is the Uniform mutator of its evolution; Optuna has none.
- digest: 128 bits that name the answers; for PyGlove, of its compact JSON.
- build: draw, and make the architecture. archsmith's is a graph with every shape in it, PyGlove's a tree of values.

    python benchmarks/spaces.py
    python benchmarks/spaces.py --quick --json spaces.json
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from importlib.metadata import version
from itertools import cycle
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import optuna
import pyglove as pg

from archsmith.spaces.nodes import any_of, chain, choose, op, optional, repeat, residual, shared
from archsmith.spaces.sampling import sample
from archsmith.spaces.space import TreeSpace, search_space

Job = Callable[[], object]
Jobs = Mapping[str, Job]
Rates = dict[str, dict[str, dict[str, list[float]]]]
"""Of a space, a job and a tool: how often a second, round by round."""

WIDTHS, ACTIVATIONS, DEPTHS, KERNELS, NORMS = (16, 32, 64), ("relu", "gelu"), tuple(range(1, 9)), (3, 5), (False, True)
SIZES = (4, 8)
SUBJECTS = 10
"""Answers that are drawn beforehand, to be mutated and digested in turn."""


def residual_space() -> TreeSpace:
    """The space of 20 decisions as archsmith writes it."""
    width = shared("width", choose(*WIDTHS))
    activation = shared("activation", any_of(*map(op, ACTIVATIONS)))
    conv = op("conv2d", out=width, kernel=choose(*KERNELS), padding="same")
    block = residual(chain(conv, optional(op("batch_norm2d")), activation))
    head = chain(optional(op("dropout")), op("global_avg_pool"), op("linear", out=10))
    stem = op("conv2d", out=width, kernel=3, padding="same")
    return search_space(chain(stem, repeat(block, choose(*DEPTHS)), head), input=(3, 32, 32))


def residual_trial(trial: optuna.Trial) -> None:
    """The same with Optuna."""
    trial.suggest_categorical("width", WIDTHS)
    trial.suggest_categorical("activation", ACTIVATIONS)
    for block in range(trial.suggest_int("depth", DEPTHS[0], DEPTHS[-1])):
        trial.suggest_categorical(f"block{block}.kernel", KERNELS)
        trial.suggest_categorical(f"block{block}.norm", NORMS)
    trial.suggest_categorical("dropout", NORMS)


def residual_hyper() -> Any:
    """The same with PyGlove, where every depth is a list of blocks of its own."""

    def block() -> Any:
        given = {"channels": pg.hyper.reference("width"), "nonlinearity": pg.hyper.reference("activation")}
        return pg.Dict(kernel=pg.oneof(KERNELS), norm=pg.oneof(NORMS), **given)

    blocks = pg.oneof([[block() for _ in range(depth)] for depth in DEPTHS])
    shared_by_all = {"width": pg.oneof(WIDTHS), "activation": pg.oneof(ACTIVATIONS)}
    return pg.Dict(blocks=blocks, dropout=pg.oneof(NORMS), **shared_by_all)


def chain_space(decisions: int) -> TreeSpace:
    """Layers that may be left out, each with a size if it is not."""
    layer = optional(op("linear", out=choose(*SIZES)))
    return search_space(chain(*[layer] * (decisions // 2)), input=(4,))


def chain_trial(decisions: int, trial: optuna.Trial) -> None:
    for layer in range(decisions // 2):
        if trial.suggest_categorical(f"layer{layer}", NORMS):
            trial.suggest_categorical(f"layer{layer}.out", SIZES)


def chain_hyper(decisions: int) -> Any:
    return pg.Dict(layers=[pg.oneof([None, pg.Dict(out=pg.oneof(SIZES))]) for _ in range(decisions // 2)])


def next_of(subjects: Iterable[Any], do: Callable[[Any], object]) -> Job:
    """Do it to one subject after another."""
    waiting = cycle(subjects)
    return lambda: do(next(waiting))


def archsmith_jobs(make: Callable[[], TreeSpace]) -> Jobs:
    rng, space = Random(0), make()
    drawn = [space.draw(rng) for _ in range(SUBJECTS)]
    return {
        "start": lambda: make().draw(rng),
        "draw": lambda: space.draw(rng),
        "mutate": next_of(drawn, lambda trace: space.mutated(trace, rng)),
        "digest": next_of(drawn, lambda trace: trace.digest()),
        "build": lambda: sample(space, rng),
    }


def optuna_jobs(suggest: Callable[[optuna.Trial], None]) -> Jobs:
    def start() -> optuna.Study:
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        suggest(study.ask())
        return study

    study = start()
    return {"start": start, "draw": lambda: suggest(study.ask())}


def pyglove_jobs(make: Callable[[], Any]) -> Jobs:
    rng, space = Random(0), make()
    spec = pg.dna_spec(space)
    drawn = [pg.random_dna(spec, rng) for _ in range(SUBJECTS)]
    mutator = pg.evolution.mutators.Uniform(seed=0)
    built: Iterator[Any] = pg.random_sample(space, seed=0)
    return {
        "start": lambda: pg.random_dna(pg.dna_spec(make()), rng),
        "draw": lambda: pg.random_dna(spec, rng),
        "mutate": next_of(drawn, mutator.mutate),
        "digest": next_of(drawn, lambda dna: blake2b(dna.to_json_str().encode(), digest_size=16).hexdigest()),
        "build": lambda: next(built),
    }


def competitors(chains: Sequence[int]) -> dict[str, Callable[[], dict[str, Jobs]]]:
    """Of every space, what makes the jobs of every tool afresh: a study must not grow from round to round."""

    def of(space: Callable[[], TreeSpace], trial: Callable[[optuna.Trial], None], hyper: Callable[[], Any]) -> Any:
        return lambda: {
            "archsmith": archsmith_jobs(space),
            "Optuna": optuna_jobs(trial),
            "PyGlove": pyglove_jobs(hyper),
        }

    found = {"20 decisions": of(residual_space, residual_trial, residual_hyper)}
    for size in chains:
        makers = partial(chain_space, size), partial(chain_trial, size), partial(chain_hyper, size)
        found[f"chain of {size}"] = of(*makers)
    return found


def per_second(job: Job, seconds: float) -> float:
    """How often a second, from as many turns as begin within ``seconds``, after as long in which none counts."""
    for _ in range(2):
        began, turns = time.perf_counter(), 0
        while not turns or time.perf_counter() - began < seconds:
            job()
            turns += 1
        rate = turns / (time.perf_counter() - began)
    return rate


def measure(makers: Mapping[str, Callable[[], dict[str, Jobs]]], rounds: int, seconds: float) -> Rates:
    rates: Rates = {}
    for _ in range(rounds):
        for space, maker in makers.items():
            tools = maker()
            for job in tools["archsmith"]:
                for tool, jobs in tools.items():
                    if job in jobs:
                        found = rates.setdefault(space, {}).setdefault(job, {}).setdefault(tool, [])
                        found.append(per_second(jobs[job], seconds))
    return rates


def paired(these: Sequence[float], those: Sequence[float]) -> float:
    """The median of the ratios of rates that were measured in the same round."""
    return median(this / that for this, that in zip(these, those, strict=True))


def aims(rates: Rates) -> list[tuple[str, float, float]]:
    """On the space of 20 decisions: what is compared, how many times as fast, and how many it should be."""
    jobs = rates["20 decisions"]
    draw, mutate, build = jobs["draw"], jobs["mutate"], jobs["build"]
    return [
        ("draw, to Optuna's", paired(draw["archsmith"], draw["Optuna"]), 30),
        ("draw, to PyGlove's random_dna", paired(draw["archsmith"], draw["PyGlove"]), 1000),
        ("mutate, to Optuna's draw", paired(mutate["archsmith"], draw["Optuna"]), 15),
        ("mutate, to PyGlove's random_dna", paired(mutate["archsmith"], draw["PyGlove"]), 500),
        ("build with shapes, to PyGlove's random_sample", paired(build["archsmith"], build["PyGlove"]), 50),
    ]


def show(rates: Rates) -> None:
    print(f"{'per second':24}{'archsmith':>12}{'Optuna':>12}{'PyGlove':>12}{'x Optuna':>12}{'x PyGlove':>12}")
    for space, jobs in rates.items():
        for job, tools in jobs.items():
            ours = tools["archsmith"]
            peers = [tools.get("Optuna"), tools.get("PyGlove")]
            cells = [f"{median(ours):,.0f}", *("-" if peer is None else f"{median(peer):,.1f}" for peer in peers)]
            cells += ["-" if peer is None else f"{paired(ours, peer):,.0f}" for peer in peers]
            print(f"{f'{space}, {job}':24}" + "".join(f"{cell:>12}" for cell in cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2 short rounds instead of 9, one short chain")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    rounds, seconds, chains = (2, 0.02, (10,)) if given.quick else (9, 0.3, (10, 100, 1000))
    rates = measure(competitors(chains), rounds, seconds)
    show(rates)
    found = aims(rates)
    for what, times, aim in found:
        print(f"{what}: {times:,.2f} times, aim {aim:g}: {'reached' if times >= aim else 'missed'}")
    if given.json is not None:
        versions = {name: version(name) for name in ("archsmith", "optuna", "pyglove")}
        document = {"per_second": rates, "aims": found, "python": platform.python_version(), "versions": versions}
        given.json.write_text(json.dumps(document, indent=2), encoding="utf-8")
    drawn = median(rates["20 decisions"]["draw"]["archsmith"])
    (_, optuna_times, _), (_, pyglove_times, _), *_ = found
    peers = f"{optuna_times:,.0f} times Optuna, {pyglove_times:,.0f} times PyGlove"
    print(f"architectures of 20 decisions drawn: {drawn:,.0f} a second, {peers}")


if __name__ == "__main__":
    main()
