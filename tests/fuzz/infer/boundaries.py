"""Preconditions that are known, and rows on both sides of them as an explorer would meet them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np

from archsmith.fuzz.infer.columns import Columns, Mask
from archsmith.fuzz.infer.solver import Domain, met
from archsmith.graph.expr import Expr, parse

MOST = 16


@dataclass(frozen=True)
class Boundary:
    """The truth about an imagined operator, the sizes of its tensors, a call that runs, and predicates to offer."""

    requires: tuple[str, ...]
    groups: tuple[str, ...]
    start: Mapping[str, int]
    known: tuple[str, ...] = ()
    most: Mapping[str, int] = field(default_factory=dict)
    always: tuple[str, ...] = ()
    least: Mapping[str, int] = field(default_factory=dict)

    @property
    def truth(self) -> tuple[Expr, ...]:
        return tuple(map(parse, self.requires))

    @property
    def tensors(self) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(group.split()) for group in self.groups)

    def domain(self, most: int = MOST) -> Domain:
        bounds = {name: (self.least.get(name, 0), self.most.get(name, most)) for name in self.start}
        return Domain(bounds, tuple(map(parse, self.always)))


def accepted(requires: Sequence[Expr], rows: Columns) -> Mask:
    """The rows that meet all constraints."""
    at = {name: rows.column(name) for name in rows.names}
    return np.asarray(np.logical_and.reduce([np.ones(rows.count, bool), *(met(one, at) for one in requires)]))


def sampled(boundary: Boundary, rng: Random, valid: int = 300, refused: int = 600) -> tuple[Columns, Columns]:
    """Rows that run and rows that do not, by moves of one to three symbols from rows that run."""
    domain, names = boundary.domain(), tuple(boundary.start)
    runs = {tuple(boundary.start.values()): None}
    fails: dict[tuple[int, ...], None] = {}
    for _ in range(25):
        origins = rng.choices(list(runs), k=200)
        tried = np.array([_moved(origin, names, domain, rng) for origin in origins], np.int64)
        rows = Columns(names, tried)
        proper, good = accepted(domain.always, rows), accepted(boundary.truth, rows)
        for row, runs_there in zip(map(tuple, tried[proper].tolist()), good[proper], strict=True):
            (runs if runs_there else fails)[row] = None
        if len(runs) >= valid and len(fails) >= refused:
            break
    return _some(names, runs, valid, rng), _some(names, fails, refused, rng)


def _some(names: tuple[str, ...], rows: Mapping[tuple[int, ...], None], most: int, rng: Random) -> Columns:
    chosen = rng.sample(list(rows), min(most, len(rows)))
    return Columns(names, np.array(chosen, np.int64).reshape(-1, len(names)))


def _moved(row: tuple[int, ...], names: Sequence[str], domain: Domain, rng: Random) -> list[int]:
    after = list(row)
    for _ in range(rng.choice((1, 1, 2, 3))):
        place, other = rng.randrange(len(row)), rng.randrange(len(row))
        new = rng.choice((after[place] + rng.choice((-1, 1)), after[other], after[place] * 2, rng.randrange(10)))
        alike = [k for k in range(len(row)) if after[k] == after[place]] if rng.random() < 0.4 else [place]
        for k in alike if rng.random() < 0.5 else [place, rng.choice(alike)]:
            after[k] = new
        if rng.random() < 0.2:
            after[place] = after[other] * after[rng.randrange(len(row))]
        if rng.random() < 0.1:
            after[place], after[other] = after[other], after[place]
    return [min(max(value, domain.bounds[n][0]), domain.bounds[n][1]) for n, value in zip(names, after, strict=True)]


def _sizes(text: str) -> dict[str, int]:
    pairs = (entry.split("=") for entry in text.split())
    return {name: int(value) for name, value in pairs}


BOUNDARIES: Mapping[str, Boundary] = {
    "conv2d": Boundary(
        (
            "input_1 == groups*weight_1",
            "weight_0 % groups == 0",
            "bias_0 == weight_0",
            "stride_0 >= 1",
            "stride_1 >= 1",
            "dilation_0 >= 1",
            "dilation_1 >= 1",
            "weight_0 >= 1",
            "weight_1 >= 1",
            "input_2 + 2*padding_0 >= dilation_0*(weight_2 - 1) + 1",
            "input_3 + 2*padding_1 >= dilation_1*(weight_3 - 1) + 1",
        ),
        ("input_0 input_1 input_2 input_3", "weight_0 weight_1 weight_2 weight_3", "bias_0"),
        _sizes(
            "input_0=2 input_1=4 input_2=7 input_3=8 weight_0=6 weight_1=2 weight_2=3 weight_3=3 bias_0=6 "
            "stride_0=1 stride_1=1 padding_0=1 padding_1=0 dilation_0=1 dilation_1=1 groups=2"
        ),
        known=(
            "(input_2 + 2*padding_0 - dilation_0*(weight_2 - 1) - 1)//stride_0 + 1 >= 1",
            "(input_3 + 2*padding_1 - dilation_1*(weight_3 - 1) - 1)//stride_1 + 1 >= 1",
        ),
    ),
    "conv1d, nothing known": Boundary(
        (
            "input_1 == groups*weight_1",
            "weight_0 % groups == 0",
            "stride_0 >= 1",
            "dilation_0 >= 1",
            "groups >= 1",
            "input_2 + 2*padding_0 >= dilation_0*(weight_2 - 1) + 1",
        ),
        ("input_0 input_1 input_2", "weight_0 weight_1 weight_2"),
        _sizes(
            "input_0=2 input_1=4 input_2=7 weight_0=6 weight_1=2 weight_2=3 stride_0=1 padding_0=1 dilation_0=1 "
            "groups=2"
        ),
    ),
    "conv_transpose2d": Boundary(
        (
            "input_1 == weight_0",
            "weight_0 % groups == 0",
            "stride_0 >= 1",
            "stride_1 >= 1",
            "dilation_0 >= 1",
            "dilation_1 >= 1",
            "output_padding_0 < max(stride_0, dilation_0)",
            "output_padding_1 < max(stride_1, dilation_1)",
            "stride_0*(input_2 - 1) + dilation_0*(weight_2 - 1) + output_padding_0 - 2*padding_0 + 1 >= 1",
            "stride_1*(input_3 - 1) + dilation_1*(weight_3 - 1) + output_padding_1 - 2*padding_1 + 1 >= 1",
        ),
        ("input_0 input_1 input_2 input_3", "weight_0 weight_1 weight_2 weight_3"),
        _sizes(
            "input_0=2 input_1=4 input_2=4 input_3=5 weight_0=4 weight_1=2 weight_2=3 weight_3=3 stride_0=2 stride_1=2 "
            "padding_0=1 padding_1=0 output_padding_0=1 output_padding_1=0 dilation_0=1 dilation_1=2 groups=2"
        ),
        known=(
            "stride_0*(input_2 - 1) + dilation_0*(weight_2 - 1) + output_padding_0 - 2*padding_0 + 1 >= 1",
            "stride_1*(input_3 - 1) + dilation_1*(weight_3 - 1) + output_padding_1 - 2*padding_1 + 1 >= 1",
        ),
    ),
    "matmul": Boundary(
        (
            "input_3 == other_2",
            "input_0 == other_0 or input_0 == 1 or other_0 == 1",
            "input_1 == other_1 or input_1 == 1 or other_1 == 1",
        ),
        ("input_0 input_1 input_2 input_3", "other_0 other_1 other_2 other_3"),
        _sizes("input_0=2 input_1=3 input_2=4 input_3=5 other_0=2 other_1=3 other_2=5 other_3=2"),
    ),
    "reshape": Boundary(
        ("input_0*input_1*input_2 == shape_0*shape_1",),
        ("input_0 input_1 input_2",),
        _sizes("input_0=2 input_1=3 input_2=4 shape_0=6 shape_1=4"),
    ),
    "cat": Boundary(
        (
            "tensors_0_0 == tensors_1_0",
            "tensors_0_2 == tensors_1_2",
            "tensors_1_0 == tensors_2_0",
            "tensors_1_2 == tensors_2_2",
        ),
        (
            "tensors_0_0 tensors_0_1 tensors_0_2",
            "tensors_1_0 tensors_1_1 tensors_1_2",
            "tensors_2_0 tensors_2_1 tensors_2_2",
        ),
        _sizes(
            "tensors_0_0=2 tensors_0_1=3 tensors_0_2=4 tensors_1_0=2 tensors_1_1=5 tensors_1_2=4 tensors_2_0=2 "
            "tensors_2_1=1 tensors_2_2=4"
        ),
    ),
    "embedding": Boundary(
        ("input_high < weight_0",),
        ("input_0 input_1", "weight_0 weight_1"),
        _sizes("input_0=2 input_1=3 input_low=0 input_high=4 weight_0=6 weight_1=3"),
        always=("input_low <= input_high",),
    ),
    "narrow": Boundary(
        ("start + length <= input_1",),
        ("input_0 input_1 input_2",),
        _sizes("input_0=2 input_1=7 input_2=3 start=2 length=3"),
    ),
    "reflection_pad2d": Boundary(
        ("pad_0 < input_3", "pad_1 < input_3", "pad_2 < input_2", "pad_3 < input_2", "input_1 >= 1"),
        ("input_0 input_1 input_2 input_3",),
        _sizes("input_0=2 input_1=3 input_2=6 input_3=7 pad_0=1 pad_1=2 pad_2=1 pad_3=2"),
    ),
    "pixel_shuffle": Boundary(
        ("input_1 % (upscale_factor*upscale_factor) == 0", "upscale_factor >= 1"),
        ("input_0 input_1 input_2 input_3",),
        _sizes("input_0=2 input_1=12 input_2=3 input_3=4 upscale_factor=2"),
        most={"input_1": 64},
    ),
    "group_norm": Boundary(
        ("input_1 % num_groups == 0", "weight_0 == input_1", "bias_0 == input_1", "num_groups >= 1"),
        ("input_0 input_1 input_2", "weight_0", "bias_0"),
        _sizes("input_0=2 input_1=6 input_2=5 num_groups=2 weight_0=6 bias_0=6"),
    ),
    "unfold": Boundary(
        ("size <= input_1", "step >= 1"),
        ("input_0 input_1 input_2",),
        _sizes("input_0=2 input_1=8 input_2=3 size=3 step=2"),
    ),
    "fold": Boundary(
        (
            "input_1 % (kernel_0*kernel_1) == 0",
            "stride_0 >= 1",
            "kernel_0 >= 1",
            "kernel_1 >= 1",
            "input_2 == ((output_0 - kernel_0)//stride_0 + 1)*((output_1 - kernel_1)//stride_0 + 1)",
            "output_0 >= kernel_0",
            "output_1 >= kernel_1",
        ),
        ("input_0 input_1 input_2",),
        _sizes("input_0=2 input_1=12 input_2=12 output_0=4 output_1=5 kernel_0=2 kernel_1=2 stride_0=1"),
        known=("input_2 == ((output_0 - kernel_0)//stride_0 + 1)*((output_1 - kernel_1)//stride_0 + 1)",),
        most={"input_1": 48, "input_2": 48},
    ),
    "max_pool2d": Boundary(
        (
            "2*padding_0 <= kernel_0",
            "2*padding_1 <= kernel_1",
            "stride_0 >= 1",
            "stride_1 >= 1",
            "kernel_0 >= 1",
            "kernel_1 >= 1",
            "input_2 + 2*padding_0 >= kernel_0",
            "input_3 + 2*padding_1 >= kernel_1",
            "input_1 >= 1",
        ),
        ("input_0 input_1 input_2 input_3",),
        _sizes(
            "input_0=2 input_1=3 input_2=7 input_3=8 kernel_0=3 kernel_1=2 stride_0=1 stride_1=2 padding_0=1 "
            "padding_1=1"
        ),
        known=(
            "(input_2 + 2*padding_0 - kernel_0)//stride_0 + 1 >= 1",
            "(input_3 + 2*padding_1 - kernel_1)//stride_1 + 1 >= 1",
        ),
    ),
    "either": Boundary(
        ("dim < 2 or input_0 >= 1", "input_1 == 1 or input_1 == groups*input_0"),
        ("input_0 input_1",),
        _sizes("input_0=2 input_1=4 groups=2 dim=1"),
    ),
    "conv_transpose1d": Boundary(
        (
            "input_1 == weight_0",
            "output_padding_0 < stride_0 or output_padding_0 < dilation_0",
            "stride_0 >= 1",
            "dilation_0 >= 1",
            "(input_2 - 1)*stride_0 + dilation_0*(weight_2 - 1) + output_padding_0 >= 2*padding_0",
        ),
        ("input_0 input_1 input_2", "weight_0 weight_1 weight_2"),
        _sizes(
            "input_0=2 input_1=3 input_2=5 weight_0=3 weight_1=2 weight_2=3 stride_0=2 padding_0=1 "
            "output_padding_0=1 dilation_0=1"
        ),
        known=("(input_2 - 1)*stride_0 - 2*padding_0 + dilation_0*(weight_2 - 1) + output_padding_0 + 1 >= 1",),
    ),
    "conv_transpose1d with groups": Boundary(
        (
            "input_1 == weight_0",
            "bias_0 == weight_1*groups",
            "input_1 % groups == 0",
            "output_padding_0 < stride_0 or output_padding_0 < dilation_0",
            "stride_0 >= 1",
            "dilation_0 >= 1",
            "(input_2 - 1)*stride_0 + dilation_0*(weight_2 - 1) + output_padding_0 >= 2*padding_0",
        ),
        ("input_0 input_1 input_2", "weight_0 weight_1 weight_2", "bias_0"),
        _sizes(
            "input_0=2 input_1=4 input_2=5 weight_0=4 weight_1=2 weight_2=3 bias_0=4 stride_0=2 padding_0=1 "
            "output_padding_0=1 dilation_0=1 groups=2"
        ),
        known=("stride_0*(input_2 - 1) + dilation_0*(weight_2 - 1) + output_padding_0 - 2*padding_0 + 1 >= 1",),
    ),
    "take": Boundary(
        ("index_high < input_0*input_1", "index_low + input_0*input_1 >= 0"),
        ("input_0 input_1", "index_0"),
        _sizes("input_0=2 input_1=3 index_0=4 index_low=-1 index_high=4"),
        least={"index_low": -16, "index_high": -16},
        always=("index_low <= index_high", "index_0 >= 2"),
    ),
    "indexing": Boundary(
        ("index_high < input_0", "index_low + input_0 >= 0"),
        ("input_0 input_1", "index_0"),
        _sizes("input_0=4 input_1=3 index_0=4 index_low=-1 index_high=2"),
        least={"index_low": -16, "index_high": -16},
        always=("index_low <= index_high", "index_0 >= 2"),
    ),
    "split_with_sizes": Boundary(
        ("sizes_0 + sizes_1 + sizes_2 == input_1",),
        ("input_0 input_1",),
        _sizes("input_0=2 input_1=6 sizes_0=1 sizes_1=2 sizes_2=3"),
    ),
    "lstm_cell": Boundary(
        (
            "weight_ih_0 == 4*hidden_1",
            "weight_hh_0 == 4*hidden_1",
            "weight_hh_1 == hidden_1",
            "input_1 == weight_ih_1",
            "input_0 == hidden_0",
        ),
        ("input_0 input_1", "hidden_0 hidden_1", "weight_ih_0 weight_ih_1", "weight_hh_0 weight_hh_1"),
        _sizes("input_0=2 input_1=5 hidden_0=2 hidden_1=3 weight_ih_0=12 weight_ih_1=5 weight_hh_0=12 weight_hh_1=3"),
        most={"weight_ih_0": 64, "weight_hh_0": 64},
    ),
    "gather": Boundary(
        (
            "index_0*index_1 == 0 or index_0 <= input_0",
            "index_0*index_1 == 0 or index_high < input_1",
            "index_low >= 0",
        ),
        ("input_0 input_1", "index_0 index_1"),
        _sizes("input_0=4 input_1=5 index_0=3 index_1=2 index_low=1 index_high=4"),
        least={"index_low": -4},
        always=(
            "index_low <= index_high",
            "index_0*index_1 >= 2 or index_low == index_high",
            "index_0*index_1 >= 1 or index_high == 0",
        ),
    ),
    "where": Boundary(
        (
            "input_0 == other_0 or input_0 == 1 or other_0 == 1",
            "condition_0 == other_0 or condition_0 == 1 or other_0 == 1",
            "condition_0 == input_0 or condition_0 == 1 or input_0 == 1",
            "condition_1 == other_1 or condition_1 == 1 or other_1 == 1",
        ),
        ("condition_0 condition_1", "input_0", "other_0 other_1"),
        _sizes("condition_0=3 condition_1=4 input_0=3 other_0=3 other_1=4"),
    ),
    "cross": Boundary(
        ("input_0 == other_0", "input_1 == 3", "other_1 == 3"),
        ("input_0 input_1", "other_0 other_1"),
        _sizes("input_0=2 input_1=3 other_0=2 other_1=3"),
    ),
    "kthvalue": Boundary(("k >= 1", "k <= input_1"), ("input_0 input_1",), _sizes("input_0=2 input_1=5 k=2")),
    "split": Boundary(
        ("split_size >= 1 or input_0 == 0",), ("input_0 input_1",), _sizes("input_0=5 input_1=3 split_size=2")
    ),
    "expand": Boundary(
        ("input_0 == 1 or input_0 == size_1", "input_1 == 1 or input_1 == size_2"),
        ("input_0 input_1",),
        _sizes("input_0=1 input_1=3 size_0=2 size_1=4 size_2=3"),
    ),
    "attention": Boundary(
        (
            "embed % heads == 0",
            "in_proj_weight_0 == 3*embed",
            "in_proj_weight_1 == embed",
            "query_2 == embed",
            "key_0 == value_0",
            "key_1 == query_1",
        ),
        ("query_0 query_1 query_2", "key_0 key_1", "value_0", "in_proj_weight_0 in_proj_weight_1"),
        _sizes(
            "query_0=3 query_1=2 query_2=4 key_0=5 key_1=2 value_0=5 in_proj_weight_0=12 in_proj_weight_1=4 "
            "embed=4 heads=2"
        ),
        most={"in_proj_weight_0": 64},
    ),
    "glu": Boundary(("input_1 % 2 == 0",), ("input_0 input_1",), _sizes("input_0=3 input_1=4")),
}
