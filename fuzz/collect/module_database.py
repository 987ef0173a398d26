"""PyTorch's database of modules: how each is made, what it is applied to, and what must fail.

Every sample gives a call of the module itself (see ``archsmith.fuzz.applying``) and those of the functions in which its
``forward`` consists.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from itertools import chain, islice
from typing import Any

import torch
from torch.testing._internal.common_modules import module_db

from archsmith.fuzz.call import CallRecord
from archsmith.fuzz.collect.module_uses import Use, use_records
from archsmith.fuzz.collect.tracer import Tracer
from archsmith.fuzz.perform import quietly

SOURCE = "module_db"

MOST_SAMPLES = 100
"""Samples taken of one module."""

MOST_ALIKE = 60
"""Records kept of one function's calls that differ in numbers and sizes only."""

Skip = Callable[[str], None]


def module_database_entries() -> tuple[str, ...]:
    """The names of the modules, in the database's order."""
    return tuple(_entries())


def module_database_records(entry: str, skip: Skip) -> Iterator[CallRecord]:
    """Calls of the module, and of the functions that it calls; ``skip`` hears what is left out, and why."""
    info = _entries()[entry]
    torch.manual_seed(0)
    uses = [_use(sample) for sample in islice(_samples(info, skip), MOST_SAMPLES) if sample.forward_input is not None]
    records = use_records(info.module_cls, uses, SOURCE, skip)
    with quietly(), Tracer(records.append, source=SOURCE, most=MOST_ALIKE):
        for (args, kwargs), (fed, named) in uses:
            with suppress(Exception):  # the records say what was raised
                info.module_cls(*args, **kwargs)(*fed, **named)
    yield from records


@cache
def _entries() -> dict[str, Any]:
    return {info.name: info for info in module_db}


def _samples(info: Any, skip: Skip) -> Iterator[Any]:
    given = {"device": "cpu", "dtype": torch.float32, "requires_grad": False, "training": True}
    try:
        plain = info.module_inputs_func(info, **given)
        bad = info.module_error_inputs_func(info, **given) if info.module_error_inputs_func else ()
        yield from chain(plain, (error.module_error_input for error in bad))
    except Exception as error:  # noqa: BLE001 (the boundary: the database's own code makes the samples)
        skip(f"{info.name}: its samples ended with {type(error).__name__}: {error}")


def _use(sample: Any) -> Use:
    made, fed = sample.constructor_input, sample.forward_input
    return (made.args, made.kwargs), (fed.args, fed.kwargs)
