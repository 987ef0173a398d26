"""What tracing costs: how many times as long a program takes while its calls of PyTorch are recorded.

Small programs, on tensors so small that what each call costs by itself is most of the time: the larger the tensors, the
less tracing matters. Each program runs without a tracer, with one, and with one at the dispatcher too, in turn, in one
process and one thread; every traced run has a tracer of its own and writes its records to a file. A turn's figure is
the CPU time of its traced run over that of its untraced one; the median over all turns stands.

    python benchmarks/tracing.py
    python benchmarks/tracing.py --quick --json tracing.json
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

os.environ["OMP_NUM_THREADS"] = "1"  # torch, which comes with the imports below, reads it once

import torch
import torch.nn.functional as F
from torch import nn

from archsmith.fuzz.collect.files import RecordWriter
from archsmith.fuzz.collect.tracer import Tracer

AIM = 3.0
"""Times as long at most."""

Program = Callable[[int], None]
"""Runs so many steps."""


def trained(network: nn.Module, inputs: torch.Tensor, steps: int) -> None:
    targets = torch.arange(len(inputs)) % 10
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.autograd.backward(F.cross_entropy(network(inputs), targets))
        optimizer.step()


def perceptron(steps: int) -> None:
    layers = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    trained(layers, torch.randn(32, 64), steps)


def convolutional(steps: int) -> None:
    layers = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
        *(nn.Flatten(), nn.Linear(16, 10)),
    )
    trained(layers, torch.randn(16, 1, 16, 16), steps)


def transformer(steps: int) -> None:
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    trained(nn.Sequential(layer, nn.Flatten(), nn.Linear(8 * 32, 10)), torch.randn(8, 8, 32), steps)


def operators(steps: int) -> None:
    """One call after the other, nothing between them."""
    x, y, index = torch.randn(32, 32), torch.randn(32, 32), torch.arange(16)
    for _ in range(steps):
        z = (x @ y + x * 2 - y).sum(dim=1, keepdim=True)
        z = torch.softmax(z.expand(32, 32) / 3, dim=-1)
        z = torch.cat([z[index], z[16:]], dim=0).transpose(0, 1).reshape(16, 64)
        z = F.layer_norm(z, (64,)).clamp(min=0).add_(1).sqrt()
        torch.where(z > 1, z, z.mean()).max(dim=0)


def scalars(steps: int) -> None:
    """The worst there is: the smallest tensors, the cheapest operators."""
    x = torch.ones(2)
    for _ in range(steps):
        x = torch.relu(x + 1) * 0.5
        x = F.relu(x - x[0])
        assert x.shape == (2,)


def sizes(steps: int) -> None:
    """Every step has a size of its own, so that many calls are new."""
    for step in range(steps):
        x = torch.ones(step % 997 + 1, 8)
        torch.cat([x.cumsum(dim=0), x.roll(1, 0)]).view(-1).sum()


PROGRAMS: Mapping[str, tuple[Program, int]] = {
    "training a perceptron": (perceptron, 300),
    "training a small CNN": (convolutional, 100),
    "training a transformer layer": (transformer, 100),
    "operators on 32 by 32": (operators, 600),
    "operators on 2 numbers": (scalars, 4000),
    "a new size in every step": (sizes, 6000),
}
"""Each with a number of steps that takes a few tenths of a second."""


def timed(program: Program, steps: int) -> float:
    torch.manual_seed(0)
    began = time.process_time()
    program(steps)
    return time.process_time() - began


def traced(program: Program, steps: int, path: Path, *, native: bool) -> tuple[float, Tracer]:
    with RecordWriter(path) as writer, Tracer(writer.write, native=native) as tracer:
        return timed(program, steps), tracer


def measure(name: str, turns: int, share: float) -> dict[str, float]:
    program, steps = PROGRAMS[name]
    steps = max(1, int(steps * share))
    ratios: list[float] = []
    native: list[float] = []
    alone: list[float] = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "calls.jsonl.gz"
        traced(program, 2, path, native=True)  # what is made once in a process is no cost of a program
        for _ in range(turns):
            plain = timed(program, steps)
            seconds, tracer = traced(program, steps, path, native=False)
            alone.append(plain)
            ratios.append(seconds / plain)
            native.append(traced(program, steps, path, native=True)[0] / plain)
    return {
        "calls": tracer.calls,
        "records": tracer.records,
        "microseconds_per_call": 1e6 * median(alone) / tracer.calls,
        "times": median(ratios),
        "times_aten": median(native),
    }


def show(figures: Mapping[str, Mapping[str, float]]) -> None:
    print("| program | calls | records | µs per call untraced | times as long, traced | with the dispatcher |")
    print(f"|{' --- |' * 6}")
    for name, found in figures.items():
        cells = (f"{found['calls']:,}", f"{found['records']:,}", f"{found['microseconds_per_call']:.1f}")
        print(f"| {name} | {' | '.join(cells)} | {found['times']:.2f} | {found['times_aten']:.2f} |")
    print()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short turn of each program")
    parser.add_argument("--turns", type=int, help="how often each program runs each way (default 7)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    turns = given.turns or (1 if given.quick else 7)
    figures: dict[str, dict[str, float]] = {}
    for name in PROGRAMS:
        figures[name] = measure(name, turns, 0.1 if given.quick else 1.0)
        print(f"{name}: {figures[name]['times']:.2f} times as long", file=sys.stderr)
    show(figures)
    if given.json is not None:
        document = {"figures": figures, "aim": AIM, "python": platform.python_version(), "torch": torch.__version__}
        given.json.write_text(json.dumps(document, indent=2), encoding="utf-8")
    kept = sum(found["times"] < AIM for found in figures.values())
    most = max(found["times"] for found in figures.values())
    print(f"tracing: under {AIM:g} times as long for {kept} of {len(figures)} programs, {most:.2f} times at most")
    return 0


if __name__ == "__main__":
    sys.exit(main())
