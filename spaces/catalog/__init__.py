"""Search spaces from the literature, by name: wherever a SPACE is taken, one of these names will do.

A module of the catalogue has a function that makes its space for inputs and outputs of your own, and a variable with
the published one. Its docstring says what was taken from where, and every deviation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Published:
    """A space of the literature: where it stands, as ``module:name``, what it holds, and who published it."""

    target: str
    summary: str
    source: str


PUBLISHED: Mapping[str, Published] = MappingProxyType(
    {
        "deep-architect": Published(
            "archsmith.spaces.catalog.deep_architect:space",
            "two stages of tied convolutions, 1 to 32 in each, for CIFAR-10",
            "Negrinho & Gordon 2017",
        ),
        "mobilenet-v3": Published(
            "archsmith.spaces.catalog.mobilenet_v3:space",
            "once-for-all: elastic depth, kernel and expansion in five stages, for ImageNet",
            "Cai et al. 2020",
        ),
        "resnext-a": Published(
            "archsmith.spaces.catalog.resnet:space",
            "depth, width, bottleneck and groups of three residual stages, for CIFAR-10",
            "Radosavovic et al. 2019",
        ),
        "resnext-b": Published(
            "archsmith.spaces.catalog.resnet:wide",
            "the same, wider and with more groups",
            "Radosavovic et al. 2019",
        ),
        "nas-bench-101": Published(
            "archsmith.spaces.catalog.nas_bench_101:space",
            "modules of seven vertices and nine edges, nine times, for CIFAR-10",
            "Ying et al. 2019",
        ),
        "nas-bench-201": Published(
            "archsmith.spaces.catalog.nas_bench_201:space",
            "a cell of six edges with five operations, fifteen times, for CIFAR-10",
            "Dong & Yang 2020",
        ),
        "darts": Published(
            "archsmith.spaces.catalog.darts:space",
            "a normal and a reduction cell of four nodes with seven operations, for CIFAR-10",
            "Liu et al. 2019",
        ),
        "autoformer-tiny": Published(
            "archsmith.spaces.catalog.vit:space",
            "vision transformers of 12 to 14 layers, 192 to 240 wide, for ImageNet",
            "Chen et al. 2021",
        ),
        "autoformer-small": Published(
            "archsmith.spaces.catalog.vit:small",
            "vision transformers of 12 to 14 layers, 320 to 448 wide, for ImageNet",
            "Chen et al. 2021",
        ),
        "autoformer-base": Published(
            "archsmith.spaces.catalog.vit:base",
            "vision transformers of 14 to 16 layers, 528 to 624 wide, for ImageNet",
            "Chen et al. 2021",
        ),
        "tabular": Published(
            "archsmith.spaces.catalog.mlp_table:space",
            "perceptrons and residual networks for the rows of a table",
            "Gorishniy et al. 2021",
        ),
    }
)
"""All of the catalogue."""

CATALOG: Mapping[str, str] = MappingProxyType({name: entry.target for name, entry in PUBLISHED.items()})
"""Where the space of each name stands, as ``module:name``."""
