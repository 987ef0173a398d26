"""Compilers that are wrong in one way each: backends of ``torch.compile`` that spoil what they return."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch

from archsmith.fuzz.case import Case
from archsmith.fuzz.oracles.differential import Backend, Differential
from archsmith.graph.builder import Builder
from archsmith.graph.graph import Scalar
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType

Spoil = Callable[[torch.Tensor], torch.Tensor]


def spoiling(spoil: Spoil) -> Backend:
    """A backend that changes the first output."""

    def backend(module: torch.fx.GraphModule, examples: list[torch.Tensor]) -> Callable[..., Any]:
        def run(*given: torch.Tensor) -> list[torch.Tensor]:
            first, *others = module(*given)
            return [spoil(first), *others]

        return run

    return backend


def spoiling_operator(name: str) -> Backend:
    """A backend that adds 1 to every result of the function of that name."""

    def backend(module: torch.fx.GraphModule, examples: list[torch.Tensor]) -> Callable[..., Any]:
        for node in [node for node in module.graph.nodes if getattr(node.target, "__name__", "") == name]:
            with module.graph.inserting_after(node):
                spoilt = module.graph.call_function(torch.add, (node, 1))
            node.replace_all_uses_with(spoilt, lambda user, spoilt=spoilt: user is not spoilt)
        module.recompile()
        return module

    return backend


def raising(module: torch.fx.GraphModule, examples: list[torch.Tensor]) -> Callable[..., Any]:
    """A backend that cannot compile anything."""
    raise ValueError(f"no lowering for buf{len(list(module.graph.nodes))}")


def nudged(tensor: torch.Tensor) -> torch.Tensor:
    """The same but for the last element."""
    spoilt = tensor.clone()
    spoilt.view(-1)[-1] += 1
    return spoilt


def oracle(backend: Backend, heard: list[str] | None = None) -> Differential:
    """The differential oracle around a backend; ``heard`` collects the filters that it applied."""
    return Differential("planted", backend, DECLARED, (heard if heard is not None else []).append)


def chain(
    *shape: int,
    dtype: str = "float32",
    through: Sequence[str] = ("relu",),
    fixed: Mapping[str, Scalar] = MappingProxyType({}),
) -> Case:
    """A case of one input and one operator after the other; ``fixed`` are the attributes of the last."""
    builder = Builder(DECLARED)
    value = builder.input(TensorType(shape, dtype))
    *first, last = through
    for name in first:
        value = builder.add(name, value)
    return Case(builder.finish(*builder.apply(last, [value], fixed)), seed=1, number=0)
