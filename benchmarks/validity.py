"""The share of proposals that PyTorch builds and runs, on a space whose choices depend on each other.

Convolutions choose channels, kernel, stride, padding and groups, and a pooling may follow each: groups must divide the
channels on both sides, and no kernel may be larger than what the strides before it have left of the image. Every
proposal is built and sees a forward pass of two samples; one that raises is invalid. Proposals are

- archsmith: what ``sample`` gives, lowered to its module;
- independent: every choice of the plain program below answered uniformly and by itself, as rejection sampling does;
- Optuna: the same program, answered by a study's RandomSampler.

All valid would be easily had by refusing much, so the valid ones among independent answers are looked up in the space.

    python benchmarks/validity.py
    python benchmarks/validity.py --quick --json validity.json
"""

import argparse
import json
import math
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from random import Random
from statistics import median

import optuna
import torch
from torch import nn

from archsmith.graph.errors import Infeasible
from archsmith.graph.ops import DECLARED
from archsmith.runtime.lower import lower
from archsmith.spaces.decisions import Label, Trace, replay
from archsmith.spaces.nodes import chain, choose, op, optional, repeat
from archsmith.spaces.sampling import sample
from archsmith.spaces.space import TreeSpace, search_space

CHANNELS, SIZE = 4, 24
DEPTHS = (1, 2, 3, 4)
CHOICES = {
    "out": (4, 6, 8, 12, 16),
    "kernel": (1, 3, 5, 7),
    "stride": (1, 2, 3),
    "padding": (0, 1, 2),
    "groups": (1, 2, 3, 4, 6),
}
POOLS = (2, 3, 4)

Ask = Callable[[str, Sequence[int]], int]
Proposal = Callable[[], nn.Module]
"""Builds one proposed network; raises what PyTorch, or archsmith's rules, say against it."""


def space() -> TreeSpace:
    """The space as archsmith writes it; it knows nothing that the program below does not say."""
    conv = op("conv2d", **{name: choose(*options) for name, options in CHOICES.items()})
    layer = chain(conv, optional(op("max_pool2d", kernel=choose(*POOLS), stride=2)), op("relu"))
    head = chain(op("global_avg_pool"), op("linear", out=10))
    return search_space(chain(repeat(layer, choose(*DEPTHS)), head), input=(CHANNELS, SIZE, SIZE))


def program(ask: Ask) -> nn.Module:
    """The same as a plain program that asks for a value by name wherever there is a choice."""
    layers: list[nn.Module] = []
    channels = CHANNELS
    for layer in range(ask("depth", DEPTHS)):
        values = {name: ask(f"{layer}.{name}", options) for name, options in CHOICES.items()}
        out, kernel, stride = values["out"], values["kernel"], values["stride"]
        conv = nn.Conv2d(channels, out, kernel, stride, values["padding"], groups=values["groups"])
        layers.append(conv)
        if ask(f"{layer}.pool", (0, 1)):
            layers.append(nn.MaxPool2d(ask(f"{layer}.pool.kernel", POOLS), 2))
        layers.append(nn.ReLU())
        channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def archsmith_proposals(seed: int) -> Iterator[Proposal]:
    rng, tree = Random(seed), space()
    while True:
        found = sample(tree, rng)
        if found.graph is None:
            raise ValueError(f"sample gave a dead end: {found.dead_end}")
        yield partial(lower, found.graph, DECLARED)


def independent_proposals(seed: int) -> Iterator[Proposal]:
    rng = Random(seed)
    while True:
        yield partial(program, lambda name, options: rng.choice(options))


def optuna_proposals(seed: int) -> Iterator[Proposal]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    while True:
        trial = study.ask()
        yield partial(program, trial.suggest_categorical)


TOOLS: dict[str, Callable[[int], Iterator[Proposal]]] = {
    "archsmith": archsmith_proposals,
    "independent": independent_proposals,
    "Optuna": optuna_proposals,
}


def runs(proposal: Proposal, images: torch.Tensor) -> bool:
    """Whether the network can be built, and makes ten finite numbers of every sample."""
    try:
        outputs = proposal()(images)
    except (RuntimeError, ValueError, Infeasible):
        return False
    return outputs.shape == (len(images), 10) and bool(outputs.isfinite().all())


def trace_of(answers: Mapping[str, int]) -> Trace:
    """The program's answers under the names of the space's decisions."""
    found: dict[str, Label] = {"0/repeat.times": answers["depth"]}
    for layer in range(answers["depth"]):
        part = f"0/repeat/{layer}"
        found |= {f"{part}/0/conv2d.{name}": answers[f"{layer}.{name}"] for name in CHOICES}
        found[f"{part}/1/optional"] = bool(answers[f"{layer}.pool"])
        if answers[f"{layer}.pool"]:
            found[f"{part}/1/optional/max_pool2d.kernel"] = answers[f"{layer}.pool.kernel"]
    return Trace.of(found)


def held(seed: int, size: int, images: torch.Tensor) -> tuple[int, int]:
    """Of independent proposals those that are valid, and of those the ones that the space has."""
    rng, tree = Random(seed), space()
    valid = kept = 0
    for _ in range(size):
        answers: dict[str, int] = {}

        def ask(name: str, options: Sequence[int], answers: dict[str, int] = answers) -> int:
            answers[name] = rng.choice(options)
            return answers[name]

        if runs(partial(program, ask), images):
            valid += 1
            kept += replay(tree, trace_of(answers)).graph is not None
    return valid, kept


def interval(valid: int, of: int) -> tuple[float, float]:
    """Where the true share lies, 95 times of 100 (Wilson 1927)."""
    z, share = 1.96, valid / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    reach = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2 rounds of 20 proposals instead of 9 of 200")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    images = torch.randn(2, CHANNELS, SIZE, SIZE)
    rounds, size = (2, 20) if given.quick else (9, 200)
    valid: dict[str, list[int]] = {name: [] for name in TOOLS}
    with torch.inference_mode():
        for seed in range(rounds):
            for name, proposals in TOOLS.items():
                valid[name].append(sum(runs(proposal, images) for proposal in islice(proposals(seed), size)))
    shares = {name: sum(found) / (rounds * size) for name, found in valid.items()}
    print(f"valid of {rounds} rounds of {size} proposals")
    for name, found in valid.items():
        low, high = interval(sum(found), rounds * size)
        spread = f"{median(found) / size:.1%} in the median round, {low:.1%} to {high:.1%} with 95 % confidence"
        print(f"{name:12} {shares[name]:7.2%}  ({spread})")
    again, kept = held(rounds, rounds * size, images)
    print(f"of {again} valid networks from further independent answers, archsmith's space has {kept}")
    print(f"aim for archsmith 100%: {'reached' if shares['archsmith'] == 1 else 'missed'}")
    if given.json is not None:
        versions = {name: version(name) for name in ("archsmith", "optuna", "torch")}
        document = {"proposals": size, "valid": valid, "share": shares, "independent_valid": again, "held": kept}
        document |= {"python": platform.python_version(), "versions": versions}
        given.json.write_text(json.dumps(document, indent=2), encoding="utf-8")
    peers = f"{shares['independent']:.1%} of independent answers, {shares['Optuna']:.1%} of Optuna's"
    print(f"proposals that build and run: {shares['archsmith']:.1%} of archsmith's, {peers}")


if __name__ == "__main__":
    main()
