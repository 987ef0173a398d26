"""What PyTorch's documentation says of calls: their sizes and preconditions, written by hand as functions of a call.

A function has the operator's arguments, written as a rule's signature has them: a tensor is the tuple of its sizes, a
whole number the name of its symbol or itself, a list a tuple. The least and greatest element of a tensor of indices are
called after it, ``index_low`` and ``index_high``. A function gives the truth about such calls, or None where the
documentation says nothing that can be written so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Argument = Any
Number = str | int
Tensor = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """The sizes of the result, what a call must meet, and of which calls the documentation says so.

    Mostly it is silent about tensors without elements.
    """

    sizes: tuple[Number, ...]
    requires: tuple[str, ...] = ()
    given: tuple[str, ...] = ()


Formula = Callable[..., Truth | None]


def each(value: Argument, dims: int) -> tuple[Number, ...]:
    """A number for each spatial dimension: one that is given alone, or in a list of one, is for all of them."""
    entries = value if isinstance(value, tuple) else (value,)
    return entries * dims if len(entries) == 1 else entries


def product(sizes: Sequence[Number]) -> str:
    return "*".join(f"({size})" for size in sizes) or "1"


def one(value: Argument) -> int:
    """A dimension that is given as a number, or in a list of one."""
    (only,) = value if isinstance(value, tuple) else (value,)
    return int(only)


def same(a: Sequence[Number], b: Sequence[Number]) -> tuple[str, ...]:
    return tuple(f"{one} == {other}" for one, other in zip(a, b, strict=True))


def has_elements(*tensors: Sequence[Number]) -> tuple[str, ...]:
    return tuple(f"{size} >= 1" for tensor in tensors for size in tensor)


def broadcast(a: Sequence[Number], b: Sequence[Number]) -> Truth:
    """The broadcasting semantics: from the last dimension on sizes are equal, one of them is 1, or one is not there."""
    short, long = sorted((tuple(a), tuple(b)), key=len)
    ahead, behind = long[: len(long) - len(short)], long[len(long) - len(short) :]
    pairs = list(zip(behind, short, strict=True))
    sizes = tuple(f"broadcast({x}, {y})" for x, y in pairs)
    return Truth((*ahead, *sizes), tuple(f"{x} == {y} or {x} == 1 or {y} == 1" for x, y in pairs))


def convolution(dims: int) -> Formula:
    """Padding "valid" is none, and with "same", for a stride of 1, sizes stay."""

    def formula(
        input: Tensor, weight: Tensor, bias: Tensor | None, stride: Argument, padding: Argument, dilation: Argument,
        groups: Number,
    ) -> Truth:  # fmt: skip
        *batch, channels = input[: len(input) - dims]
        numbers = (each(value, dims) for value in (stride, 0 if padding in ("same", "valid") else padding, dilation))
        windows = list(zip(input[-dims:], weight[2:], *numbers, strict=True))
        sizes = [f"({x} + 2*{p} - {d}*({k} - 1) - 1)//{s} + 1" for x, k, s, p, d in windows]
        fits = [f"{d}*({k} - 1) + 1 <= {x} + 2*{p}" for x, k, s, p, d in windows]
        if padding == "same":
            sizes, fits = list(input[-dims:]), [f"{s} == 1" for _, _, s, _, _ in windows]
        positive = [f"{number} >= 1" for _, _, s, _, d in windows for number in (s, d)]
        return Truth(
            (*batch, weight[0], *sizes),
            (
                *(f"{channels} == {weight[1]}*{groups}", f"{weight[0]} % {groups} == 0", *positive, *fits),
                *(same(bias, weight[:1]) if bias is not None else ()),
            ),
            has_elements(input, weight),
        )

    return formula


def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Argument, padding: Argument, output_padding: Argument,
    groups: Number, dilation: Argument,
) -> Truth:  # fmt: skip
    *batch, channels = input[:-2]
    numbers = (each(value, 2) for value in (stride, padding, output_padding, dilation))
    windows = list(zip(input[-2:], weight[2:], *numbers, strict=True))
    sizes = [f"({x} - 1)*{s} - 2*{p} + {d}*({k} - 1) + {o} + 1" for x, k, s, p, o, d in windows]
    within = [f"{o} < {s} or {o} < {d}" for _, _, s, _, o, d in windows]
    positive = [f"{number} >= 1" for _, _, s, _, _, d in windows for number in (s, d)]
    return Truth(
        (*batch, f"{weight[1]}*{groups}", *sizes),
        (
            *(f"{channels} == {weight[0]}", f"{weight[0]} % {groups} == 0", *positive, *within),
            *(f"{size} >= 1" for size in sizes),
            *((f"{bias[0]} == {weight[1]}*{groups}",) if bias is not None else ()),
        ),
        has_elements(input, weight),
    )


def pooled(x: Number, k: Number, s: Number, p: Number, d: Number, *, ceil_mode: bool) -> str:
    """The size of a pooled dimension; with ``ceil_mode`` no window starts behind the input and its left padding."""
    if not ceil_mode:
        return f"({x} + 2*{p} - {d}*({k} - 1) - 1)//{s} + 1"
    return f"min(({x} + 2*{p} - {d}*({k} - 1) - 1 + {s} - 1)//{s} + 1, ({x} + {p} - 1)//{s} + 1)"


def pooling(dims: int, input: Tensor, kernel: Argument, stride: Argument, padding: Argument, dilation: Argument,
            *, ceil_mode: bool) -> Truth:  # fmt: skip
    strides = kernel if stride is None or stride == () else stride
    windows = list(zip(input[-dims:], *(each(v, dims) for v in (kernel, strides, padding, dilation)), strict=True))
    sizes = [pooled(*window, ceil_mode=ceil_mode) for window in windows]
    positive = [f"{number} >= 1" for _, k, s, _, d in windows for number in (k, s, d)]
    padded = [f"2*{p} <= {k}" for _, k, _, p, d in windows]
    return Truth(
        (*input[: len(input) - dims], *sizes),
        (*positive, *padded, *(f"{size} >= 1" for size in sizes)),
        has_elements(input),
    )


def max_pool(dims: int) -> Formula:
    def formula(
        input: Tensor, kernel_size: Argument, stride: Argument, padding: Argument, dilation: Argument,
        ceil_mode: bool, return_indices: bool,
    ) -> Truth | None:  # fmt: skip
        if return_indices:
            return None
        return pooling(dims, input, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode)

    return formula


def avg_pool(dims: int) -> Formula:
    """Of a divisor that is given instead of the window's size only 0 is refused."""

    def formula(
        input: Tensor, kernel_size: Argument, stride: Argument, padding: Argument, ceil_mode: bool,
        count_include_pad: bool, divisor_override: Number | None = None,
    ) -> Truth:  # fmt: skip
        truth = pooling(dims, input, kernel_size, stride, padding, 1, ceil_mode=ceil_mode)
        divides = () if divisor_override is None else (f"{divisor_override} != 0",)
        return Truth(truth.sizes, (*truth.requires, *divides), truth.given)

    return formula


def adaptive_avg_pool(dims: int) -> Formula:
    def formula(input: Tensor, output_size: Argument) -> Truth:
        wanted = each(output_size, dims)
        sizes = [x if size is None else size for x, size in zip(input[-dims:], wanted, strict=True)]
        return Truth((*input[: len(input) - dims], *sizes), (), has_elements(input))

    return formula


def matmul(input: Tensor, other: Tensor) -> Truth:
    inner, outer = input[-1], other[-2] if len(other) > 1 else other[0]
    batch = broadcast(input[:-2], other[:-2])
    return Truth((*batch.sizes, *input[-2:-1], *other[1:][-1:]), (f"{inner} == {outer}", *batch.requires))


def mm(input: Tensor, mat2: Tensor) -> Truth:
    return Truth((input[0], mat2[1]), same(input[1:], mat2[:1]))


def bmm(input: Tensor, mat2: Tensor) -> Truth:
    return Truth((input[0], input[1], mat2[2]), (*same(input[:1], mat2[:1]), *same(input[2:], mat2[1:2])))


def cat(tensors: tuple[Tensor, ...], dim: int) -> Truth:
    """A tensor of one dimension may be empty and then is as good as not there."""
    most = max(map(len, tensors))
    joined = [tensor for tensor in tensors if len(tensor) == most]
    place = dim % most
    alike = [rule for other in joined[1:] for rule in same(_without(joined[0], place), _without(other, place))]
    left_out = [f"{tensor[0]} == 0" for tensor in tensors if len(tensor) < most]
    return Truth((*joined[0][:place], _sum(joined, place), *joined[0][place + 1 :]), (*alike, *left_out))


def _sum(tensors: Sequence[Tensor], place: int) -> str:
    return " + ".join(tensor[place] for tensor in tensors)


def _without(sizes: Sequence[Number], *places: int) -> tuple[Number, ...]:
    return tuple(size for place, size in enumerate(sizes) if place not in places)


def stack(tensors: tuple[Tensor, ...], dim: int) -> Truth:
    first, *others = tensors
    place = dim % (len(first) + 1)
    alike = tuple(rule for other in others for rule in same(first, other))
    return Truth((*first[:place], len(tensors), *first[place:]), alike)


def reshape(input: Tensor, shape: tuple[Number, ...]) -> Truth:
    """At most one size is -1: it is what the others leave, which must not be empty, or it could be anything."""
    if -1 not in shape:
        return Truth(shape, (f"{product(input)} == {product(shape)}",))
    place = shape.index(-1)
    rest = product(_without(shape, place))
    left = f"({product(input)})//({rest})"
    return Truth((*shape[:place], left, *shape[place + 1 :]), (f"({product(input)}) % ({rest}) == 0",))


def reshaped(self: Tensor, shape: tuple[Number, ...]) -> Truth:
    return reshape(self, shape)


def viewed(self: Tensor, size: Argument = None, dtype: Argument = None) -> Truth | None:
    return None if size is None else reshape(self, size)


def flatten(input: Tensor, start_dim: int, end_dim: int) -> Truth:
    if not input:
        return Truth((1,))
    start, end = start_dim % len(input), end_dim % len(input)
    return Truth((*input[:start], product(input[start : end + 1]), *input[end + 1 :]))


def interpolate(
    input: Tensor, size: Argument, scale_factor: Argument, mode: str, align_corners: bool | None,
    recompute_scale_factor: bool | None, antialias: bool,
) -> Truth | None:  # fmt: skip
    """To a given size; mode "area" is adaptive average pooling, of which the size may be 0."""
    if size is None:
        return None
    sizes = each(size, len(input) - 2)
    return Truth((*input[:2], *sizes), () if mode == "area" else has_elements(sizes), has_elements(input))


def blocks(spatial: Sequence[Number], numbers: Sequence[Argument]) -> list[str]:
    """The number of sliding blocks in each dimension."""
    kernel, dilation, padding, stride = (each(value, len(spatial)) for value in numbers)
    windows = zip(spatial, kernel, dilation, padding, stride, strict=True)
    return [f"(({x} + 2*{p} - {d}*({k} - 1) - 1)//{s} + 1)" for x, k, d, p, s in windows]


def unfold(input: Tensor, kernel_size: Argument, dilation: Argument, padding: Argument, stride: Argument) -> Truth:
    counts = blocks(input[-2:], (kernel_size, dilation, padding, stride))
    *batch, channels = input[:-2]
    kernel = each(kernel_size, 2)
    numbers = (*kernel, *each(dilation, 2), *each(stride, 2))
    return Truth(
        (*batch, f"{channels}*{product(kernel)}", product(counts)),
        (*has_elements(numbers), *(f"{count} >= 1" for count in counts)),
        has_elements(input),
    )


def fold(
    input: Tensor, output_size: Argument, kernel_size: Argument, dilation: Argument, padding: Argument, stride: Argument
) -> Truth:
    output, kernel = each(output_size, 2), each(kernel_size, 2)
    counts = blocks(output, (kernel_size, dilation, padding, stride))
    *batch, channels, length = input
    return Truth(
        (*batch, f"{channels}//({product(kernel)})", *output),
        (
            *has_elements((*kernel, *each(dilation, 2), *each(stride, 2))),
            *(f"{channels} % ({product(kernel)}) == 0", f"{length} == {product(counts)}"),
            *(f"{count} >= 1" for count in counts),
        ),
        has_elements(input),
    )


def pad(input: Tensor, pad: tuple[Number, ...], mode: str, value: Argument) -> Truth | None:
    """Negative padding crops, and first: no more than there is, which the documentation does not say."""
    if mode != "constant" or len(pad) % 2:
        return None
    sizes: list[Number] = list(input)
    cropped = []
    for place in range(len(pad) // 2):
        size, before, after = input[-1 - place], pad[2 * place], pad[2 * place + 1]
        sizes[-1 - place] = f"{size} + {before} + {after}"
        cropped.append(f"{size} + min({before}, 0) + min({after}, 0) >= 0")
    return Truth(tuple(sizes), tuple(cropped), has_elements(input))


def narrow(input: Tensor, dim: int, start: Number, length: Number) -> Truth | None:
    if not isinstance(start, str):
        return None
    place = dim % len(input)
    return Truth((*input[:place], length, *input[place + 1 :]), (f"{start} + {length} <= {input[place]}",))


def select(input: Tensor, dim: int, index: Number) -> Truth:
    place = dim % len(input)
    return Truth(_without(input, place), (f"{index} < {input[place]}", f"{index} >= -{input[place]}"))


def within(index: str, size: Number) -> tuple[str, ...]:
    """That the elements of the tensor of that name are indices."""
    return f"{index}_low >= 0", f"{index}_high < {size}"


def index_select(input: Tensor, dim: int, index: Tensor) -> Truth | None:
    if not input:
        return None
    place = dim % len(input)
    count = index[0] if index else 1
    return Truth((*input[:place], count, *input[place + 1 :]), within("index", input[place]), has_elements(index))


def gather(input: Tensor, dim: int, index: Tensor, sparse_grad: bool) -> Truth | None:
    if not input or len(index) != len(input):
        return None  # that a number is like a tensor of one element is not documented
    place = dim % len(input)
    smaller = zip(_without(index, place), _without(input, place), strict=True)
    requires = (*within("index", input[place]), *(f"{one} <= {other}" for one, other in smaller))
    return Truth(tuple(index), requires, has_elements(index))


def embedding(
    input: Tensor, weight: Tensor, padding_idx: Number | None, max_norm: Argument, norm_type: Argument,
    scale_grad_by_freq: bool, sparse: bool,
) -> Truth:  # fmt: skip
    padded = () if padding_idx is None else (f"{padding_idx} < {weight[0]}", f"{padding_idx} >= -{weight[0]}")
    return Truth((*input, weight[1]), (*within("input", weight[0]), *padded), has_elements(input, weight))


def reduction(*, of_empty: bool) -> Formula:
    """Sums and the like, which have a value of no elements, and extremes, which have none."""

    def formula(input: Tensor, dim: Argument = None, keepdim: Argument = None, dtype: Argument = None) -> Truth | None:
        if not input:
            return Truth(())
        dims = [one % len(input) for one in ((dim,) if isinstance(dim, int) else tuple(dim or ()))]
        gone = dims or list(range(len(input)))
        kept = tuple(1 if place in gone else size for place, size in enumerate(input))
        requires = () if of_empty else has_elements([input[place] for place in gone])
        return Truth(kept if keepdim else _without(input, *gone), requires)

    return formula


def transpose(input: Tensor, dim0: int, dim1: int) -> Truth:
    if not input:
        return Truth(())
    places = list(range(len(input)))
    one, other = dim0 % len(input), dim1 % len(input)
    places[one], places[other] = other, one
    return Truth(tuple(input[place] for place in places))


def permute(input: Tensor, dims: tuple[int, ...]) -> Truth:
    return Truth(tuple(input[dim] for dim in dims))


def pixel_shuffle(input: Tensor, upscale_factor: Number) -> Truth:
    *batch, channels, height, width = input
    square = f"({upscale_factor}*{upscale_factor})"
    sizes = f"{channels}//{square}", f"{height}*{upscale_factor}", f"{width}*{upscale_factor}"
    return Truth((*batch, *sizes), (f"{channels} % {square} == 0",))


def pixel_unshuffle(input: Tensor, downscale_factor: Number) -> Truth:
    """An empty tensor comes back as it is, which the documentation does not say."""
    *batch, channels, height, width = input
    sizes = f"{channels}*{downscale_factor}*{downscale_factor}", *(f"{x}//{downscale_factor}" for x in (height, width))
    return Truth(
        (*batch, *sizes), tuple(f"{x} % {downscale_factor} == 0" for x in (height, width)), has_elements(input)
    )


def add(input: Argument, other: Argument, alpha: Argument = 1) -> Truth:
    """A number is added to each element."""
    return broadcast(*(given if isinstance(given, tuple) else () for given in (input, other)))


def linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> Truth | None:
    if len(weight) != 2 or (bias is not None and len(bias) != 1):
        return None
    # The documentation has a bias of out_features; it is added as addmm adds, which broadcasts one of a single element.
    biased = (f"{bias[0]} == {weight[0]} or {bias[0]} == 1",) if bias is not None else ()
    return Truth((*input[:-1], weight[0]), (*same(input[-1:], weight[1:]), *biased), has_elements(weight))


def layer_norm(
    input: Tensor, normalized_shape: tuple[Number, ...], weight: Tensor | None, bias: Tensor | None, eps: Argument
) -> Truth:
    last = input[len(input) - len(normalized_shape) :]
    given = [same(each, normalized_shape) for each in (last, weight, bias) if each is not None]
    return Truth(tuple(input), tuple(rule for rules in given for rule in rules))


def group_norm(input: Tensor, num_groups: Number, weight: Tensor | None, bias: Tensor | None, eps: Argument) -> Truth:
    """As in training with batch_norm, a group of one value is refused if there is one such group for each channel."""
    given = [f"{each[0]} == {input[1]}" for each in (weight, bias) if each is not None]
    several = f"{product(input)} > {num_groups}"
    return Truth(tuple(input), (f"{input[1]} % {num_groups} == 0", several, *given), has_elements(input))


def batch_norm(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None, bias: Tensor | None,
    training: bool, momentum: Argument, eps: Argument,
) -> Truth | None:  # fmt: skip
    """In training there must be more than one value for a channel to be normalised by."""
    given = [each for each in (running_mean, running_var, weight, bias) if each is not None]
    if len(input) < 2 or any(len(each) != 1 for each in given):
        return None
    several = [f"{product(_without(input, 1))} != 1"] if training else []
    return Truth(tuple(input), (*(f"{each[0]} == {input[1]}" for each in given), *several), has_elements(input))


def expand(self: Tensor, size: tuple[Number, ...], implicit: bool) -> Truth:
    ahead = len(size) - len(self)
    pairs = list(zip(self, size[ahead:], strict=True))
    sizes = [old if new == -1 else new for old, new in pairs]
    return Truth((*size[:ahead], *sizes), tuple(f"{old} == 1 or {old} == {new}" for old, new in pairs if new != -1))


def repeat(self: Tensor, repeats: tuple[Number, ...]) -> Truth:
    ahead = len(repeats) - len(self)
    return Truth((*repeats[:ahead], *(f"{x}*{times}" for x, times in zip(self, repeats[ahead:], strict=True))))


def tril(input: Tensor, diagonal: Number) -> Truth:
    return Truth(tuple(input))


def diagonal(input: Tensor, offset: Number, dim1: int, dim2: int) -> Truth:
    one, other = dim1 % len(input), dim2 % len(input)
    length = f"max(0, min(min({input[one]}, {input[other]}), min({input[one]} + {offset}, {input[other]} - {offset})))"
    return Truth((*_without(input, one, other), length))


def one_hot(input: Tensor, num_classes: Number) -> Truth:
    if num_classes == -1:
        return Truth((*input, "input_high + 1"), ("input_low >= 0",), has_elements(input))
    return Truth((*input, num_classes), within("input", num_classes), has_elements(input))
