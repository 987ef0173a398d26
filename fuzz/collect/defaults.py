"""What PyTorch takes for arguments that a call leaves out, by the names that a rule's slots have."""

import inspect
from collections.abc import Iterator
from types import FunctionType
from typing import Any

from torch._jit_internal import boolean_dispatched

from archsmith.fuzz.call import Argument, TensorValue
from archsmith.fuzz.collect.binding import schemas_of
from archsmith.fuzz.collect.describing import describe
from archsmith.fuzz.collect.naming import function_of
from archsmith.graph.partial import EMPTY
from archsmith.graph.signature import Plain, identifier


def defaults_of(operator: str) -> dict[str, Plain]:
    """The defaults of an operator's arguments; those of which its overloads say different things are left out.

    Entries of lists have their places behind their names, as in ``stride_0``; if all are one whole number, the list
    itself has it too.

    Raises:
        UserError: there is no such operator.
    """
    found: dict[str, Plain] = {}
    differing: set[str] = set()
    for name, value in _written(function_of(operator)):
        for slot, plain in _flat(identifier(name), describe(value)):
            if slot in found and (type(found[slot]), found[slot]) != (type(plain), plain):
                differing.add(slot)
            found.setdefault(slot, plain)
    return {name: value for name, value in found.items() if name not in differing}


def _written(function: Any) -> Iterator[tuple[str, object]]:
    schemas = schemas_of(function)
    for schema in schemas:
        yield from (
            (argument.name, argument.default_value) for argument in schema.arguments if argument.has_default_value()
        )
    if schemas:
        return
    # A function that a flag chooses has the signature of both; what is native cannot even be looked up there.
    pair = boolean_dispatched.get(function) if isinstance(function, FunctionType) else None
    try:
        parameters = inspect.signature(pair["if_false"] if pair else function).parameters
    except (TypeError, ValueError):  # native, and nobody has written its arguments down
        return
    for name, parameter in parameters.items():
        if parameter.default is not parameter.empty:
            yield name, parameter.default


def _flat(name: str, value: Argument) -> Iterator[tuple[str, Plain]]:
    match value:
        case ():
            yield name, EMPTY
        case tuple():
            if len(set(value)) == 1 and type(value[0]) is int:  # PyTorch takes a number for a list of it
                yield name, value[0]
            for place, entry in enumerate(value):
                yield from _flat(f"{name}_{place}", entry)
        case TensorValue():
            pass
        case _:
            yield name, value
