"""How each operator is written in PyTorch: one table, from which both modules and source files are made.

A template's braces hold the inputs by position (``{0}``), all inputs together (``{all}``), the attributes and
the symbols of the rule that accepted the call (``{C}`` is the channel count that conv2d's rule bound), or the
operator's own sub-module or parameter (``{module}``). Nothing may depend on the batch size: a graph is typed with one
sample in the batch, and its network takes any number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Kernel:
    """``call`` computes the outputs; ``module`` constructs what holds the operator's state, if it has any."""

    call: str
    module: str | None = None


def _function(name: str, *arguments: str) -> Kernel:
    return Kernel(f"{name}({', '.join(['{0}', *arguments])})")


def _binary(name: str) -> Kernel:
    return _function(name, "{1}")


def _layer(module: str) -> Kernel:
    return Kernel("{module}({0})", module)


def _learned(*sizes: str) -> str:
    """Vectors that begin as in vision transformers (Dosovitskiy et al. 2021)."""
    return f"nn.Parameter(nn.init.trunc_normal_(torch.empty({', '.join(sizes)}), std=0.02))"


def _along(name: str) -> Kernel:
    return _function(name, "dim={dim}")


_CONVOLUTION = (
    "({C}, {out}, {kernel}, stride={stride}, padding={padding}, dilation={dilation}, groups={groups}, bias={bias})"
)
_POOL = ("{kernel}", "stride={stride}", "padding={padding}")

KERNELS: Mapping[str, Kernel] = MappingProxyType(
    {
        "identity": Kernel("{0}"),
        "relu": _function("torch.relu"),
        "gelu": _function("F.gelu"),
        "silu": _function("F.silu"),
        "sigmoid": _function("torch.sigmoid"),
        "tanh": _function("torch.tanh"),
        "softplus": _function("F.softplus"),
        "hardswish": _function("F.hardswish"),
        "hardsigmoid": _function("F.hardsigmoid"),
        "mish": _function("F.mish"),
        "leaky_relu": _function("F.leaky_relu", "{slope}"),
        "elu": _function("F.elu", "{alpha}"),
        "hardtanh": _function("F.hardtanh", "{low}", "{high}"),
        "dropout": _function("F.dropout", "{rate}", "training=self.training"),
        "neg": _function("torch.neg"),
        "abs": _function("torch.abs"),
        "sign": _function("torch.sign"),
        "square": _function("torch.square"),
        "exp": _function("torch.exp"),
        "sin": _function("torch.sin"),
        "cos": _function("torch.cos"),
        "erf": _function("torch.erf"),
        "floor": _function("torch.floor"),
        "ceil": _function("torch.ceil"),
        "logical_not": _function("torch.logical_not"),
        "cast": Kernel("{0}.to(torch.{dtype})"),
        "add": _binary("torch.add"),
        "sub": _binary("torch.sub"),
        "mul": _binary("torch.mul"),
        "maximum": _binary("torch.maximum"),
        "minimum": _binary("torch.minimum"),
        "eq": _binary("torch.eq"),
        "lt": _binary("torch.lt"),
        "ge": _binary("torch.ge"),
        "logical_and": _binary("torch.logical_and"),
        "logical_xor": _binary("torch.logical_xor"),
        "where": _function("torch.where", "{1}", "{2}"),
        "conv1d": _layer("nn.Conv1d" + _CONVOLUTION),
        "conv2d": _layer("nn.Conv2d" + _CONVOLUTION),
        "conv3d": _layer("nn.Conv3d" + _CONVOLUTION),
        "conv_transpose2d": _layer("nn.ConvTranspose2d" + _CONVOLUTION),
        "max_pool1d": _function("F.max_pool1d", *_POOL),
        "max_pool2d": _function("F.max_pool2d", *_POOL),
        "avg_pool1d": _function("F.avg_pool1d", *_POOL),
        "avg_pool2d": _function("F.avg_pool2d", *_POOL),
        "global_avg_pool": Kernel("{0}.flatten(2).mean(2)"),
        "upsample_nearest2d": Kernel('F.interpolate({0}, scale_factor={scale}, mode="nearest")'),
        "pixel_shuffle": _function("F.pixel_shuffle", "{scale}"),
        "linear": _layer("nn.Linear({C}, {out}, bias={bias})"),
        "matmul": _binary("torch.matmul"),
        "outer": _binary("torch.outer"),
        "scaled_dot_product_attention": _function("F.scaled_dot_product_attention", "{1}", "{2}"),
        "class_token": Kernel("torch.cat(({module}.expand_as({0}[:, :1]), {0}), dim=1)", _learned("{C}")),
        "position_embedding": Kernel("{0} + {module}", _learned("{T}", "{C}")),
        "batch_norm1d": _layer("nn.BatchNorm1d({C})"),
        "batch_norm2d": _layer("nn.BatchNorm2d({C})"),
        "batch_norm3d": _layer("nn.BatchNorm3d({C})"),
        "layer_norm": _layer("nn.LayerNorm({C})"),
        "group_norm": _layer("nn.GroupNorm({groups}, {C})"),
        "sum": _along("torch.sum"),
        "mean": _along("torch.mean"),
        "amax": _along("torch.amax"),
        "amin": _along("torch.amin"),
        "prod": _along("torch.prod"),
        "logsumexp": _along("torch.logsumexp"),
        "all": _along("torch.all"),
        "any": _along("torch.any"),
        "argmax": _along("torch.argmax"),
        "max_with_index": _along("torch.max"),
        "softmax": _along("torch.softmax"),
        "log_softmax": _along("torch.log_softmax"),
        "cumsum": _along("torch.cumsum"),
        "sort": _function("torch.sort", "dim={dim}", "stable=True"),
        "topk": _function("torch.topk", "{k}", "dim={dim}"),
        "flatten": _function("torch.flatten", "1"),
        "transpose": _function("torch.transpose", "{first}", "{second}"),
        "unsqueeze": _function("torch.unsqueeze", "{dim}"),
        "squeeze": _function("torch.squeeze", "{dim}"),
        "narrow": _function("torch.narrow", "{dim}", "{start}", "{length}"),
        "unflatten": _function("torch.unflatten", "{dim}", "(-1, {factor})"),
        "flip": _function("torch.flip", "({dim},)"),
        "roll": _function("torch.roll", "{shift}", "{dim}"),
        "repeat": Kernel("torch.cat(({0},) * {factor}, dim={dim})"),
        "split_in_two": _function("torch.tensor_split", "({size},)", "dim={dim}"),
        "zero_pad2d": _function("F.pad", "({amount}, {amount}, {amount}, {amount})"),
        "cat": Kernel("torch.cat(({all}), dim={dim})"),
        "stack": Kernel("torch.stack(({all}), dim={dim})"),
    }
)
