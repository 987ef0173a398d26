"""Uses of modules, what each was made with and applied to, and their records as calls of the module."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch

from archsmith.fuzz.applying import applied, named_application
from archsmith.fuzz.call import Argument, Call, CallRecord, TensorValue
from archsmith.fuzz.collect.describing import describe
from archsmith.fuzz.collect.naming import operator_name
from archsmith.fuzz.perform import quietly, verdict_of
from archsmith.graph.errors import UserError

Given = tuple[Sequence[Any], Mapping[str, Any]]
Use = tuple[Given, Given]
"""The arguments of the constructor, and those of ``forward``."""


@contextmanager
def uses_of(module: Any) -> Iterator[list[Use]]:
    """The uses of modules of this class, and no subclass, that are made inside; the list grows."""
    uses: list[Use] = []
    make, inherited = module.__init__, "__init__" not in vars(module)

    @wraps(make)
    def noting(self: torch.nn.Module, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        if type(self) is module:
            made = (args, kwargs)
            self.register_forward_pre_hook(lambda _, fed, named: uses.append((made, (fed, named))), with_kwargs=True)

    module.__init__ = noting
    try:
        yield uses
    finally:
        if inherited:
            del module.__init__
        else:
            module.__init__ = make


def use_records(
    module: type[torch.nn.Module], uses: Iterable[Use], source: str, skip: Callable[[str], None]
) -> list[CallRecord]:
    """The calls of the module as an operator, each made again, and once; none of a module that is no operator."""
    operator = operator_name(module)
    if operator is None:
        return []
    records: dict[Call, CallRecord] = {}
    failures: dict[str, None] = {}
    for made, fed in uses:
        try:
            arguments = named_application(module, made, fed)
        except (UserError, TypeError) as error:
            failures[f"{operator}: {error}"] = None
            continue
        call = Call(operator, tuple((name, describe(value)) for name, value in arguments.items()), 0)
        if call not in records:
            records[call] = _applied(module, call, arguments, source)
    for failure in failures:
        skip(failure)
    return list(records.values())


def _applied(module: type[torch.nn.Module], call: Call, arguments: Mapping[str, object], source: str) -> CallRecord:
    said = zip(call.arguments, arguments.values(), strict=True)
    tensors = [tensor for (_, argument), value in said for tensor in _tensors(argument, value)]
    with quietly():
        verdict = verdict_of(applied(module), (), arguments, tensors, [None] * len(tensors))
    return CallRecord(call, verdict, torch.__version__, source)


def _tensors(said: Argument, value: Any) -> Iterator[torch.Tensor]:
    """The tensors of an argument that are described as such."""
    if isinstance(said, TensorValue):
        yield value
    elif isinstance(said, tuple):
        for one, entry in zip(said, value, strict=True):
            yield from _tensors(one, entry)
