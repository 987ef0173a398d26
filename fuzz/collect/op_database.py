"""PyTorch's database of operators, which its own tests run on: for each, samples and calls that must fail.

It ships with PyTorch (``torch.testing._internal``), which seeds the generators that its samples are drawn from.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from itertools import islice
from typing import Any

import torch
from torch.testing._internal.common_methods_invocations import op_db

from archsmith.fuzz.call import CallRecord
from archsmith.fuzz.collect.naming import operator_name
from archsmith.fuzz.collect.tracer import Tracer
from archsmith.fuzz.perform import quietly

SOURCE = "op_db"

DTYPES = ("float32", "float64", "complex64", "int64", "bool", "int32", "float16", "bfloat16")
"""Samples are taken in the first of these that the operator supports; others are for whoever learns to try."""

TWIN_SPACES = (torch, torch.Tensor, torch.nn.functional, torch.special)
"""Where an operator may have another of the same name."""

MOST_SAMPLES = 300
"""Samples taken of one function."""

MOST_ALIKE = 60
"""Records kept of its calls that differ in numbers and sizes only."""

Skip = Callable[[str], None]
Given = tuple[tuple[object, ...], Mapping[str, object]]


def op_database_entries() -> tuple[str, ...]:
    """The names of the entries, in the database's order; variants of an operator have a name each."""
    return tuple(_entries())


def op_database_records(entry: str, skip: Skip) -> Iterator[CallRecord]:
    """Calls of the operator, as a function, as a method and in place, under all of its names.

    ``skip`` hears what is left out, and why.
    """
    info = _entries()[entry]
    dtype = next((found for name in DTYPES if (found := getattr(torch, name)) in info.supported_dtypes("cpu")), None)
    if dtype is None:
        skip("it supports none of the usual dtypes on a CPU")
    else:
        for function in _functions(info):
            yield from _recorded(function, partial(_samples, info, dtype), skip)
    if info.error_inputs_func is not None:
        yield from _recorded(info.op, partial(_errors, info), skip)


@cache
def _entries() -> dict[str, Any]:
    return {info.formatted_name: info for info in op_db}


def _functions(info: Any) -> list[Callable[..., Any]]:
    """What takes the entry's samples, or likely does as it goes by the same word, each once."""
    found = [info.op, info.method_variant, info.inplace_variant]
    found += [_method(info.operator_variant), _method(info.inplace_operator_variant)]
    for alias in info.aliases:
        found += [alias.op, alias.method_variant, alias.inplace_variant]
    words = {name.rpartition(".")[2] for name in (info.name, *(alias.name for alias in info.aliases))}
    found += [twin for word in sorted(words) for twin in _twins(word)]
    return [function for function in dict.fromkeys(found) if function is not None]


def _twins(word: str) -> Iterator[Callable[..., Any]]:
    """Operators elsewhere that are called so, and those in place (``relu_``) and that copy (``select_copy``)."""
    for space in TWIN_SPACES:
        for ending in ("", "_", "_copy"):
            twin = getattr(space, word + ending, None)
            if twin is not None and operator_name(twin) is not None:
                yield twin


def _method(operator: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """The tensors' method behind a function of Python's ``operator``."""
    if operator is None:
        return None
    return getattr(torch.Tensor, f"__{operator.__name__.strip('_')}__", None)


def _samples(info: Any, dtype: torch.dtype) -> Iterator[Given]:
    for sample in info.sample_inputs("cpu", dtype):
        yield (sample.input, *sample.args), sample.kwargs


def _errors(info: Any) -> Iterator[Given]:
    for error in info.error_inputs("cpu"):
        sample = error.sample_input
        yield (sample.input, *sample.args), sample.kwargs


def _recorded(function: Callable[..., Any], givens: Callable[[], Iterator[Given]], skip: Skip) -> Iterator[CallRecord]:
    """The calls of the function, or, of one that is no operator itself, of the operators that it calls."""
    name = operator_name(function) or str(getattr(function, "__qualname__", function))
    try:
        taken = list(islice(givens(), MOST_SAMPLES))
    except Exception as error:  # noqa: BLE001 (the boundary: the database's own code makes the samples)
        skip(f"{name}: no samples, {type(error).__name__}: {error}")
        return
    records: list[CallRecord] = []
    with quietly(), Tracer(records.append, source=SOURCE, most=MOST_ALIKE):
        for args, kwargs in taken:
            with suppress(Exception):  # the record says that it was raised
                function(*args, **kwargs)
    if taken and not records:
        skip(f"{name}: none of its {len(taken)} samples was recorded")
    yield from records
