"""Operators by their public names: of a function its name, of a name its function, of a call its named arguments.

A name may come from a file that a stranger wrote. What it can reach is a table, made of what ``torch.overrides`` lists,
PyTorch's factories and the modules of ``torch.nn``; nothing is imported or looked up because a name says so.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import Any

import torch
from torch.overrides import get_overridable_functions

from archsmith.fuzz.collect.binding import bound_by_schemas, bound_by_signature, by_place, schemas_of
from archsmith.graph.errors import UserError

Arguments = tuple[tuple[str, object], ...]
"""Arguments by their documented names, in order; those left out have their defaults."""

SPACES: Mapping[str, type | ModuleType] = {
    "torch.nn.functional": torch.nn.functional,
    "torch.linalg": torch.linalg,
    "torch.fft": torch.fft,
    "torch.special": torch.special,
    "torch": torch,
    "torch.nn.init": torch.nn.init,
    "torch.Tensor": torch.Tensor,
}
"""Where operators live; of two places that have one function, the first names it."""

OPERATOR_SYNTAX = frozenset(
    f"__{prefix}{word}__"
    for word in (
        "add",
        "sub",
        "mul",
        "truediv",
        "floordiv",
        "mod",
        "pow",
        "matmul",
        "and",
        "or",
        "xor",
        "lshift",
        "rshift",
    )
    for prefix in ("", "r", "i")
) | {
    "__getitem__",
    "__setitem__",
    "__invert__",
    "__neg__",
    "__abs__",
    "__eq__",
    "__ne__",
    "__lt__",
    "__le__",
    "__gt__",
    "__ge__",
}
"""The methods with two underscores that compute."""

NOT_OPERATORS = frozenset(
    {
        "apply_",
        "as_subclass",
        "assert_int_or_pair",
        "backward",
        "const_data_ptr",
        "cuda",
        "data_ptr",
        "dim",
        "dim_order",
        "element_size",
        "from_file",
        "get_device",
        "has_names",
        "hpu",
        "ipu",
        "is_coalesced",
        "is_complex",
        "is_conj",
        "is_contiguous",
        "is_distributed",
        "is_floating_point",
        "is_inference",
        "is_neg",
        "is_pinned",
        "is_set_to",
        "is_shared",
        "is_signed",
        "is_vulkan_available",
        "item",
        "map2_",
        "map_",
        "module_load",
        "mtia",
        "ndimension",
        "nelement",
        "new",
        "numel",
        "numpy",
        "pin_memory",
        "qscheme",
        "record_stream",
        "register_hook",
        "register_post_accumulate_grad_hook",
        "reinforce",
        "requires_grad_",
        "retain_grad",
        "share_memory_",
        "size",
        "storage",
        "storage_offset",
        "storage_type",
        "stride",
        "tolist",
        "type",
        "untyped_storage",
        "wait",
        "xpu",
    }
)
"""Names that ask about a tensor, take Python functions, or reach memory, files and devices."""


def operator_name(function: object) -> str | None:
    """The public qualified name of what PyTorch was asked for; None of properties, internals and what computes nothing.

    An overload of the dispatcher is named as it names itself, ``aten.add.Tensor``.
    """
    if isinstance(function, torch._ops.OpOverload):
        name = str(function)
        return name if _is_aten(name) else None
    try:
        return _table()[1].get(function)
    except TypeError:  # not hashable, so none of PyTorch's
        return None


def function_of(operator: str) -> Callable[..., Any]:
    """The function that has this name; the inverse of ``operator_name``.

    Raises:
        UserError: no operator or module of PyTorch has this name.
    """
    function = _table()[0].get(operator)
    if function is not None:
        return function
    if _is_aten(operator):
        _, packet, overload = operator.split(".")
        found: Callable[..., Any] = getattr(getattr(torch.ops.aten, packet), overload)
        return found
    raise UserError(f"an operator must be a public one of PyTorch, such as torch.add; got {operator!r}")


def names() -> Mapping[object, str]:
    """The name of each operator above the dispatcher: what ``operator_name`` looks up, for who has no time to ask."""
    return _table()[1]


def operators() -> tuple[str, ...]:
    """The names of all operators above the dispatcher, one each, in order."""
    return tuple(sorted(set(_table()[1].values())))


def named(
    function: Callable[..., Any], args: Sequence[object], kwargs: Mapping[str, object]
) -> tuple[str, Arguments, int]:
    """The operator, its arguments by name, and how many of them stand by place.

    Names and defaults are those of PyTorch's schemas, or of the Python function's signature; where none fits,
    arguments by place are called ``arg0``, ``arg1``... Calling ``function`` with the arguments so arranged is the same
    call.

    Raises:
        UserError: ``function`` is no operator.
    """
    operator = operator_name(function)
    if operator is None:
        raise UserError(f"a call must be one of an operator of PyTorch; got {function!r}")
    function = function_of(operator)  # equal to the one given, but it may have another name of its own
    found = bound_by_schemas(function, args, kwargs) or bound_by_signature(function, args, kwargs)
    return (operator, *(found or by_place(function, args, kwargs)))


@cache
def _table() -> tuple[dict[str, Callable[..., Any]], dict[object, str]]:
    """Functions by every name that they have, and by each function the name it goes by."""
    overridable = {function for found in get_overridable_functions().values() for function in found}
    functions: dict[str, Callable[..., Any]] = {}
    names: dict[object, str] = {}
    for space, word, function in _public():
        if not (function in overridable or _is_built_in(function, word) or _asks_modes(space, word, function)):
            continue
        name = f"{space}.{word}"
        functions[name] = function
        if function not in names or (_has_schema(word) and not _has_schema(names[function].rpartition(".")[2])):
            names[function] = name  # one native function may have several names, as torch.mm is torch.dsmm
    for word, module in sorted(vars(torch.nn.modules).items()):
        if isinstance(module, type) and issubclass(module, torch.nn.Module):
            functions[f"torch.nn.{word}"] = module
            names.setdefault(module, f"torch.nn.{word}")
    return functions, names


def _public() -> Iterator[tuple[str, str, Callable[..., Any]]]:
    for space, holder in SPACES.items():
        for word in sorted(dir(holder)):
            function = getattr(holder, word, None)
            if callable(function) and not isinstance(function, type) and _may_compute(word):
                yield space, word, function


def _may_compute(word: str) -> bool:
    if word.startswith("_"):
        return word in OPERATOR_SYNTAX
    return word not in NOT_OPERATORS and not word.startswith("sym_")


def _is_built_in(function: object, word: str) -> bool:
    """Whether it is native: factories and in-place functions are overridable by modes, and listed nowhere."""
    return not hasattr(function, "__code__") and not word.startswith("__") and bool(schemas_of(function))


def _asks_modes(space: str, word: str, function: object) -> bool:
    """Whether it is one of the Python functions that modes see, though ``torch.overrides`` does not list them."""
    if space == "torch.nn.init":
        return word.endswith("_")
    own = space == "torch.nn.functional" and getattr(function, "__module__", None) == space
    return own or f"{space}.{word}" == "torch.Tensor.unflatten"


def _has_schema(word: str) -> bool:
    return f"aten::{word}" in _dispatched_bases()


def _is_aten(name: str) -> bool:
    parts = name.split(".")
    if len(parts) != 3 or parts[0] != "aten" or parts[1] == "from_file":
        return False
    _, packet, overload = parts
    return (f"aten::{packet}" if overload == "default" else f"aten::{packet}.{overload}") in _dispatched()


@cache
def _dispatched_bases() -> frozenset[str]:
    return frozenset(name.partition(".")[0] for name in _dispatched())


@cache
def _dispatched() -> frozenset[str]:
    return frozenset(torch._C._dispatch_get_all_op_names())
