"""Files such as users write: small spaces, a task that logs what it measures, one that always fails, one to train."""

from pathlib import Path

SPACE = '''
"""Three choices of activation and two of width for images of one channel."""

from archsmith.spaces.nodes import any_of, chain, choose, op
from archsmith.spaces.space import search_space

activation = any_of(op("relu"), op("sigmoid"), op("tanh"), op("gelu"), op("silu"), op("elu"))
space = search_space(
    chain(
        op("conv2d", out=choose(2, 3, 4, 5, 6), kernel=choose(1, 3), padding="same"),
        activation,
        op("global_avg_pool"),
    ),
    input=(1, 4, 4),
)
'''

SCORE = '''
"""Scores an architecture by its width, and writes down that it did."""

import os
import time
from pathlib import Path

LOG = Path(__file__).with_name("log.txt")


def score(graph):
    with LOG.open("a") as log:
        log.write(f"{os.getpid()} {graph.nodes[1].attribute['out']}\\n")
    time.sleep(float(os.environ.get("SCORE_SECONDS", "0")))
    return graph.nodes[1].attribute["out"] + len(graph.nodes[2].operator) / 100
'''

FAULTY = '''
"""Every activation fails in a way of its own."""

import ctypes
import time


def score(graph):
    match graph.nodes[2].operator:
        case "relu":
            return 1.0
        case "sigmoid":
            raise ValueError("no sigmoid today")
        case "tanh":
            ctypes.string_at(0)
        case "gelu":
            time.sleep(3600)
        case "silu":
            hoard = []
            while True:
                hoard.append(bytearray(1 << 24))
        case "elu":
            return float("nan")
'''

POINTS = '''
"""Points inside and outside a disc: a task that is trained in milliseconds."""

import torch
from archsmith.evaluate.task import Data, Task


def load():
    points = torch.rand(300, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    inside = (points.norm(dim=1) < 0.8).long()
    return Data(*zip(points.split(100), inside.split(100)))


task = Task("disc", input_shape=(2,), outputs=2, kind="classification", load=load)
'''

NETS = '''
"""Networks of one hidden layer for points of the plane."""

from archsmith.spaces.nodes import any_of, chain, choose, op
from archsmith.spaces.space import search_space

layer = chain(op("linear", out=choose(2, 3, 4, 6, 8, 12)), any_of(op("relu"), op("tanh"), op("sigmoid")))
space = search_space(chain(layer, op("linear", out=2)), input=(2,))
'''


def write(folder: Path, **texts: str) -> dict[str, str]:
    """Each text as ``<name>.py`` in the folder; their paths by name."""
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return {name: str(folder / f"{name}.py") for name in texts}
