"""Files such as users write: a small space, a task that logs what it measures, one that always fails."""

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


def write(folder: Path, **texts: str) -> dict[str, str]:
    """Each text as ``<name>.py`` in the folder; their paths by name."""
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return {name: str(folder / f"{name}.py") for name in texts}
