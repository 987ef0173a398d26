"""Convolutions, with weights of their own. Attributes are the same for all directions."""

from archsmith.graph.book import Attribute, Operator
from archsmith.graph.expr import parse
from archsmith.graph.rules import rule

_OUT = Attribute("out", int, None, (1, 2, 4, 8))
_KERNEL = Attribute("kernel", int, None, (1, 2, 3, 5))
_STRIDE = Attribute("stride", int, 1, (1, 2, 3))
_DILATION = Attribute("dilation", int, 1, (1, 2))
_BIAS = Attribute("bias", bool, True, (True, False))
_GROUPS = Attribute("groups", int, 1, (1, 2, 4), named=(("depthwise", parse("C")),))
_PADDING = Attribute("padding", int, 0, (0, 1, 2), named=(("same", parse("dilation*(kernel - 1)//2")),))

_POSITIVE = ["out >= 1", "kernel >= 1", "stride >= 1", "padding >= 0", "dilation >= 1", "groups >= 1"]
_GROUPED = ["C % groups == 0", "out % groups == 0"]


def _size(name: str) -> str:
    """Output size of a convolution (torch.nn.Conv2d, "Shape")."""
    return f"({name} + 2*padding - dilation*(kernel - 1) - 1)//stride + 1"


def _fits(name: str) -> str:
    return f"{name} + 2*padding >= dilation*(kernel - 1) + 1"


def _convolution(rank: int) -> Operator:
    name, directions = f"conv{rank}d", ["D", "H", "W"][3 - rank :]
    sizes = [_size(direction) for direction in directions]
    taps = "*".join(["kernel"] * rank)
    weight = ["out", "C//groups", *["kernel"] * rank]
    rules = tuple(
        rule(
            name,
            [f"float32[N, C, {', '.join(directions)}]"],
            [f"float32[N, out, {', '.join(sizes)}]"],
            requires=[*_POSITIVE, *_GROUPED, *map(_fits, directions)],
            constants={"bias": bias},
            parameters={"weight": ", ".join(weight)} | ({"bias": "out"} if bias else {}),
            macs="*".join(["N", "out", *(f"({size})" for size in sizes), "(C//groups)", taps]),
        )
        for bias in (True, False)
    )
    attributes = (_OUT, _KERNEL, _STRIDE, _PADDING, _DILATION, _GROUPS, _BIAS)
    return Operator(name, f"{rank}-dimensional convolution", attributes, rules)


def _transposed() -> Operator:
    def size(name: str) -> str:
        return f"({name} - 1)*stride - 2*padding + dilation*(kernel - 1) + 1"

    rules = tuple(
        rule(
            "conv_transpose2d",
            ["float32[N, C, H, W]"],
            [f"float32[N, out, {size('H')}, {size('W')}]"],
            requires=[*_POSITIVE, *_GROUPED, f"{size('H')} >= 1", f"{size('W')} >= 1"],
            constants={"bias": bias},
            parameters={"weight": "C, out//groups, kernel, kernel"} | ({"bias": "out"} if bias else {}),
            macs="N*C*H*W*(out//groups)*kernel*kernel",
        )
        for bias in (True, False)
    )
    attributes = (_OUT, _KERNEL, _STRIDE, _PADDING, _DILATION, _GROUPS, _BIAS)
    return Operator("conv_transpose2d", "transposed 2-dimensional convolution", attributes, rules)


CONVOLUTION = (_convolution(1), _convolution(2), _convolution(3), _transposed())
