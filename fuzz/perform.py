"""Performing a call in this process: making its arguments, running the operator, saying what came of it.

What an operator does to its process it does to this one: call it from a sandbox (``archsmith.fuzz.trials``).
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any

import torch

from archsmith.fuzz.applying import applied
from archsmith.fuzz.call import Argument, Call, Lost, Refused, Returned, TensorValue, Verdict
from archsmith.fuzz.collect.describing import describe
from archsmith.fuzz.collect.naming import function_of
from archsmith.fuzz.filling import TooLarge, Unmakeable, made_tensor
from archsmith.fuzz.fills import CANNOT_BE_MADE, FILLS
from archsmith.graph.errors import UserError
from archsmith.graph.signature import Word
from archsmith.runtime.post_mortem import ran_out_of_memory, said

OUT_OF_MEMORY = Lost("out of memory")

LONGEST_MESSAGE = 500
"""Characters kept of an error's message."""


def perform(call: Call, *, fill: str = "normal", seed: int = 0) -> Verdict:
    """What comes of the call, with tensors filled in the way named ``fill``; another ``seed``, other elements.

    Results are described without their least and greatest elements, which hang on the fill.

    Raises:
        UserError: there is no such operator, or no such fill.
    """
    with quietly():
        return performed(call, fill=fill, seed=seed)


def working_fill(call: Call) -> str | None:
    """The first of ``FILLS`` with which the call returns; None if it does with none."""
    return next((fill for fill in FILLS if isinstance(perform(call, fill=fill), Returned)), None)


@contextmanager
def quietly() -> Iterator[None]:
    """Without gradients and without warnings; around many calls, as entering it costs as much as a call."""
    with torch.no_grad(), warnings.catch_warnings(action="ignore"):
        yield


def performed(call: Call, *, fill: str = "normal", seed: int = 0) -> Verdict:
    """``perform``, for callers who are inside ``quietly()`` already."""
    if fill not in FILLS:
        raise UserError(f"fill must be one of {', '.join(FILLS)}; got {fill!r}")
    function = resolved(call.operator)
    making = _Making(fill, seed)
    try:
        given = [(name, making.made(value)) for name, value in call.arguments]
    except Unmakeable as error:
        return Refused(CANNOT_BE_MADE, str(error))
    except (TooLarge, MemoryError):
        return OUT_OF_MEMORY
    positional = [value for _, value in given[: call.positional]]
    return verdict_of(function, positional, dict(given[call.positional :]), making.tensors, making.originals)


def verdict_of(
    function: Callable[..., object],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    tensors: Sequence[torch.Tensor],
    originals: Sequence[torch.Tensor | None],
) -> Verdict:
    """What comes of calling it; ``tensors`` are those among its arguments, each with what it is equal to, if known."""
    versions = [tensor._version for tensor in tensors]
    try:
        result = function(*args, **kwargs)
        mutates = _mutated(tensors, originals, versions)
        return _returned(result, tensors, mutates)
    except Exception as error:  # noqa: BLE001 (the boundary: whatever an operator raises is the result)
        if ran_out_of_memory(error):
            return OUT_OF_MEMORY
        return Refused(type(error).__name__, said(error)[:LONGEST_MESSAGE])


@cache
def resolved(operator: str) -> Callable[..., Any]:
    """What a call of this operator calls.

    Raises:
        UserError: there is no such operator.
    """
    return applied(function_of(operator))


class _Making:
    """Makes the arguments of one call, and keeps its tensors, each with what it was equal to."""

    __slots__ = ("fill", "originals", "seed", "tensors")

    def __init__(self, fill: str, seed: int) -> None:
        self.fill = fill
        self.seed = seed
        self.tensors: list[torch.Tensor] = []
        self.originals: list[torch.Tensor | None] = []

    def made(self, argument: Argument) -> object:
        if isinstance(argument, TensorValue):
            tensor, original = made_tensor(argument, self.fill, len(self.tensors) + 8 * self.seed)
            self.tensors.append(tensor)
            self.originals.append(original)
            return tensor
        if isinstance(argument, tuple):
            return tuple([self.made(entry) for entry in argument])
        return made_word(argument) if isinstance(argument, Word) else argument


@lru_cache(maxsize=1024)
def made_word(word: Word) -> object:
    """The value for which the word stands.

    Raises:
        Unmakeable: it is opaque, or PyTorch has nothing of that name.
    """
    try:
        return _made_word(word.kind, word.text)
    except (AttributeError, RuntimeError, ValueError) as error:
        raise Unmakeable(f"PyTorch {torch.__version__} has no {word.kind} {word.text!r}") from error


def _made_word(kind: str, text: str) -> object:
    match kind:
        case "dtype" | "layout" | "memory_format":
            value = getattr(torch, text)
            if type(value).__name__ != kind:
                raise ValueError(text)
            return value
        case "float":
            return float(text)
        case "complex":
            return complex(text)
        case "device":
            return torch.device(text)
        case "slice":
            start, stop, step = (int(end) if end else None for end in text.split(":"))
            return slice(start, stop, step)
        case "ellipsis":
            return ...
        case _:
            raise Unmakeable(f"a value of the class {text} cannot be made again")


def _returned(result: object, tensors: Sequence[torch.Tensor], mutates: tuple[int, ...]) -> Returned:
    """The result, or its entries; a list with tensors or without is taken apart, but no deeper."""
    values = tuple(result) if isinstance(result, tuple | list) else (result,)
    homes = {_home(tensor): place for place, tensor in reversed([*enumerate(tensors)])}
    aliases = tuple([homes.get(_home(value)) if isinstance(value, torch.Tensor) else None for value in values])
    described = tuple([describe(value, extremes=False) for value in values])
    return Returned(described, aliases, mutates)


def _mutated(
    tensors: Sequence[torch.Tensor], originals: Sequence[torch.Tensor | None], versions: Sequence[int]
) -> tuple[int, ...]:
    """The places of the tensors that were written to; some operators do so without counting a version."""
    found = zip(tensors, originals, versions, strict=True)
    return tuple(
        [
            place
            for place, (tensor, original, version) in enumerate(found)
            if tensor._version != version or (original is not None and not torch.equal(tensor, original))
        ]
    )


def _home(tensor: torch.Tensor) -> int | None:
    """The identity of what it is stored in, also where that is empty; None where it has no storage of its own."""
    if tensor.layout is not torch.strided:
        return None
    return int(tensor.untyped_storage()._cdata)
