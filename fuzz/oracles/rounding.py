"""How far rounding alone may move a network's outputs: a model of the error instead of one tolerance for all.

Two witnesses. The *reference* computes everything in float64: its difference from eager is eager's own error.
A *shaken* run multiplies what floating-point arithmetic yields by 1 plus a tiny random number, every time
(Parker, "Monte Carlo Arithmetic", UCLA CSD-970002, 1997): where shaken runs differ, the last bits decide, by
cancellation or because a comparison, a sort or a floor sits behind them.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import fx, nn

from archsmith.fuzz.attempt import Values

RUNS = 12
"""Shaken runs: a flip that rounding causes in a third of them is missed once in a hundred times."""

SHAKE: Mapping[torch.dtype, float] = MappingProxyType({torch.float32: 2e-6, torch.float64: 1e-14})
"""Greatest relative change: tens of units in the last place, more than kernels of one operator differ by."""


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


EXACT = _words(
    "relu hardtanh abs neg sign floor ceil maximum minimum where to",
    "eq lt ge logical_not logical_and logical_xor all any",
    "amax amin argmax max sort topk max_pool1d max_pool2d",
    "flatten unflatten transpose unsqueeze squeeze narrow flip roll pad cat stack tensor_split getitem",
    "interpolate pixel_shuffle expand_as",
)
"""Functions and methods that move, choose or compare: there is one right result, to the last bit."""

ACCUMULATING = _words(
    "sum mean prod logsumexp softmax log_softmax cumsum matmul avg_pool1d avg_pool2d",
    "scaled_dot_product_attention",
    "Conv1d Conv2d Conv3d ConvTranspose2d Linear",
    "BatchNorm1d BatchNorm2d BatchNorm3d LayerNorm GroupNorm",
)
"""Functions and modules that add many terms, whose error comes from the terms and not from the result."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The outputs in float64 arithmetic, and those of each shaken run."""

    reference: Values
    shaken: tuple[Values, ...]


def evidence(module: nn.Module, inputs: Values, *, seed: int) -> Evidence:
    """Both witnesses for one network; the module and the inputs stay as they are."""
    traced = fx.symbolic_trace(module)
    source = torch.Generator().manual_seed(seed)
    shaken = tuple(_run(traced, inputs, _shaking(source)) for _ in range(RUNS))
    doubled = fx.symbolic_trace(deepcopy(module)).double()
    return Evidence(_run(doubled, tuple(map(_wide, inputs)), _widening), shaken)


Call = Callable[..., Any]
Step = Callable[[str, Call, Sequence[Any], Mapping[str, Any]], Any]
"""Performs one operator, given its name, what to call, and the arguments."""


def _run(traced: fx.GraphModule, inputs: Values, step: Step) -> Values:
    values: dict[fx.Node, Any] = {}
    remaining = iter(inputs)
    for node in traced.graph.nodes:
        args = fx.node.map_arg(node.args, values.__getitem__)
        kwargs = fx.node.map_arg(node.kwargs, values.__getitem__)
        if node.op == "output":
            return args[0] if isinstance(args[0], tuple) else (args[0],)
        match node.op:
            case "placeholder":
                values[node] = next(remaining)
            case "get_attr":
                values[node] = getattr(traced, str(node.target))
            case _:
                values[node] = step(*_called(traced, node), args, kwargs)
    raise AssertionError("a traced graph ends in its output")


def _called(traced: fx.GraphModule, node: fx.Node) -> tuple[str, Call]:
    match node.op:
        case "call_module":
            module = traced.get_submodule(str(node.target))
            return type(module).__name__, module
        case "call_method":
            return str(node.target), getattr(torch.Tensor, str(node.target))
        case _:
            assert callable(node.target)
            return node.target.__name__, node.target


def _widening(name: str, call: Call, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    return call(*(torch.float64 if given is torch.float32 else given for given in args), **kwargs)


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.double() if tensor.is_floating_point() else tensor


def _shaking(source: torch.Generator) -> Step:
    def shake(given: Any) -> Any:
        if not isinstance(given, torch.Tensor) or not given.is_floating_point():
            return given
        noise = torch.rand(given.shape, generator=source, dtype=given.dtype) * 2 - 1
        shaken = given * (1 + SHAKE[given.dtype] * noise)
        denormal = given.abs() < torch.finfo(given.dtype).tiny
        return torch.where(denormal & (noise > 0), 0.0, shaken)  # fast kernels take such numbers for zero

    def step(name: str, call: Call, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if name in EXACT:
            return call(*args, **kwargs)
        return shake(call(*map(shake, args) if name in ACCUMULATING else args, **kwargs))

    return step
