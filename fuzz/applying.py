"""Modules as operators: a call of ``torch.nn.Conv2d`` is to make the module, in training mode, and to apply it.

Its arguments are those of the constructor and those of ``forward``, told apart by their names alone.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_overloads

import torch

from archsmith.graph.errors import UserError

LEFT_OUT = frozenset({"device", "dtype", "size_average", "reduce"})
"""Arguments of constructors that are not mentioned where they have their default, which is None."""

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def applied(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself; of a module's class, one that takes the arguments of both, by keyword."""
    if not (isinstance(function, type) and issubclass(function, torch.nn.Module)):
        return function
    module = function
    names = constructor_names(module)

    def apply(**arguments: object) -> object:
        made = module(**{name: value for name, value in arguments.items() if name in names})
        return made(**{name: value for name, value in arguments.items() if name not in names})

    return apply


def named_application(
    module: type[torch.nn.Module],
    made: tuple[Sequence[Any], Mapping[str, Any]],
    fed: tuple[Sequence[Any], Mapping[str, Any]],
) -> dict[str, object]:
    """What ``applied`` takes for a module that is made with these arguments and applied to those, defaults filled in.

    Raises:
        UserError: an argument of ``forward`` has no name, or that of an argument of the constructor.
        TypeError: the module does not take these arguments.
    """
    makes = _bound(_constructor(module), (), *made)
    feeds = _bound(inspect.signature(module.forward), (None,), *fed)
    feeds.pop("self")
    if shared := sorted(makes.keys() & feeds.keys()):
        raise UserError(f"{module.__name__} must have different names for what makes it and what it is fed: {shared}")
    return makes | feeds


def constructor_names(module: type[torch.nn.Module]) -> frozenset[str]:
    """The names of a module's constructor arguments."""
    return frozenset(_constructor(module).parameters)


def _constructor(module: type[torch.nn.Module]) -> inspect.Signature:
    """That of the first overload, where there are some; what only inherits a constructor takes nothing."""
    if module.__init__ is torch.nn.Module.__init__:
        return inspect.Signature()
    overloads = get_overloads(module.__init__)
    if not overloads:
        return inspect.signature(module)
    found = inspect.signature(overloads[0])
    return found.replace(parameters=[*found.parameters.values()][1:])


def _bound(
    signature: inspect.Signature, first: tuple[object, ...], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, object]:
    if any(parameter.kind in _VARIADIC for parameter in signature.parameters.values()):
        raise UserError(f"arguments must have names; {signature} has none")
    found = signature.bind(*first, *args, **kwargs)
    found.apply_defaults()
    return {name: value for name, value in found.arguments.items() if not (value is None and name in LEFT_OUT)}
