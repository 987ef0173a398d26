"""Spaces and documents that the tests of a space's JSON share."""

import json

from archsmith.spaces.decisions import Trace
from archsmith.spaces.nodes import (
    any_of,
    cell,
    chain,
    choose,
    floats,
    integers,
    op,
    optional,
    parallel,
    permutation,
    repeat,
    residual,
    shared,
    some_of,
)
from archsmith.spaces.space import TreeSpace, search_space

GATE = "tests.strategies:gate"
RELU = {"op": {"operator": "relu"}}


def narrow(width: int) -> bool:
    """A predicate over a shared value."""
    return width < 4


def depth_of(trace: Trace) -> int:
    """A rule by which architectures count as alike."""
    return len(trace)


def every_kind() -> TreeSpace:
    """A space with every part and every setting of the language that is data."""
    width, rate = shared("width", choose(2, 4, weights=(1, 3))), shared("rate", floats(0.1, 0.5, count=3))
    norm = shared("norm", any_of(op("batch_norm2d"), none=chain(), name="kind", weights=(3, 1)))
    edges = cell(
        nodes=2,
        inputs=1,
        gaps=True,
        name="edge",
        keep=op("identity"),
        conv=op("conv2d", out=width, kernel=3, padding="same"),
        entering={"keep": op("conv2d", out=width, kernel=1), "conv": op("conv2d", out=width, kernel=1)},
    )
    dense = cell(op("relu"), op("silu"), nodes=3, degree=2, output="cat")
    block = chain(norm, op("dropout", rate=rate), op("conv2d", out=2 * width - 1, kernel=choose(1, 3, name="k")))
    return search_space(
        chain(
            residual(block),
            residual(op("relu"), project=False),
            optional(norm, probability=0.25),
            repeat(op("relu"), shared("depth", integers(1, 5, step=2))),
            repeat(permutation(op("relu"), tanh=op("tanh")), choose(2, 0, ordered=False), name="turns", tied=True),
            some_of(1, op("relu"), op("hardtanh", high=choose(1.0, 6.0)), name="act"),
            parallel(edges, op("conv2d", out=width, kernel=1), join="cat", name="wide"),
            dense,
        ),
        input=(3, 8, 8),
        dtype="float32",
        recipe={
            "learning_rate": floats(1e-3, 1e-1, log=True, count=5),
            "batch_size": 2 * width,
            "weight_decay": 0.0,
            "optimizer": choose("adamw", "sgd"),
        },
        require=["parameters <= 1e6", "width * depth <= 12"],
    )


def of(root: object, **others: object) -> str:
    return json.dumps({"format": 1, "input": {"dtype": "float32", "shape": [4, 8, 8]}, "root": root} | others)
