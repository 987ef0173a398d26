"""Which argument is which: a call's arguments by their documented names, in order, with defaults filled in."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch._jit_internal import boolean_dispatched

Bound = tuple[tuple[tuple[str, object], ...], int]
"""Arguments by name, and how many of them stand by place."""

OTHER_WORDS: Mapping[str, str] = {
    "axis": "dim",
    "keepdims": "keepdim",
    "x": "input",
    "a": "input",
    "x1": "input",
    "x2": "other",
}
"""NumPy's words for arguments, which PyTorch takes too."""

FREE = ("out", "dtype", "layout", "device", "pin_memory", "requires_grad", "memory_format", "generator", "as_tuple")
"""Options of which a schema may know nothing; their defaults are left out."""

DEPRECATED = ("size_average", "reduce")
"""Left out unless they are given."""

PYTHON_DTYPES: Mapping[object, torch.dtype] = {
    bool: torch.bool,
    int: torch.int64,
    float: torch.float64,
    complex: torch.complex128,
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of a schema; ``kind`` is its type as TorchScript writes it, ``Optional[...]`` taken off."""

    name: str
    kind: str
    optional: bool
    repeated: bool
    required: bool
    default: object
    by_keyword: bool


Overload = tuple[Parameter, ...]
"""One overload, without what it writes to."""


BY_PLACE: Mapping[str, tuple[str, ...]] = {
    "__getitem__": ("self", "index"),
    "__setitem__": ("self", "index", "value"),
}
"""What Python's syntax gives."""


def by_place(function: Callable[..., Any], args: Sequence[object], kwargs: Mapping[str, object]) -> Bound:
    """Arguments whose names nobody has written down."""
    word = getattr(function, "__name__", "")
    method = ("self", "other") if word.startswith("__") else ("self",)
    known = BY_PLACE.get(word, method if hasattr(function, "__objclass__") else ())[: len(args)]
    names = [*known, *(f"arg{place}" for place in range(len(known), len(args)))]
    return (*zip(names, args, strict=True), *kwargs.items()), len(args)


def bound_by_signature(
    function: Callable[..., Any], args: Sequence[object], kwargs: Mapping[str, object]
) -> Bound | None:
    """As a Python function's signature has it; None if it has none, or another."""
    try:
        found = _signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return None
    found.apply_defaults()
    taken: list[tuple[str, object]] = []
    positional = 0
    variadic = bool(found.signature.parameters) and any(
        parameter.kind is parameter.VAR_POSITIONAL and found.arguments[parameter.name]
        for parameter in found.signature.parameters.values()
    )
    for name, parameter in found.signature.parameters.items():
        value = found.arguments[name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            taken += [(f"{name}{place}", entry) for place, entry in enumerate(value)]
            positional = len(taken)
        elif parameter.kind is parameter.VAR_KEYWORD:
            taken += list(value.items())
        elif not _left_out(name, value, parameter.default):
            taken.append((name, value))
            required = parameter.default is parameter.empty or variadic
            if parameter.kind is parameter.POSITIONAL_ONLY or (
                required and parameter.kind is not parameter.KEYWORD_ONLY and positional == len(taken) - 1
            ):
                positional = len(taken)
    return tuple(taken), positional


def _left_out(name: str, value: object, default: object) -> bool:
    return value is default and (name.startswith("_") or name in DEPRECATED or name in FREE)


@cache
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """A function that chooses between two by a flag (``max_pool2d``) has the signature of both."""
    pair = boolean_dispatched.get(function)
    return inspect.signature(pair["if_false"] if pair else function)


def bound_by_schemas(
    function: Callable[..., Any], args: Sequence[object], kwargs: Mapping[str, object]
) -> Bound | None:
    """As the first native overload has it that takes these arguments; None if none does."""
    forms = _forms(function)
    for loose in (False, True):
        for form in forms:
            found = _bound(form, args, kwargs, loose=loose)
            if found is not None:
                return found
    return None


def schemas_of(function: object) -> list[Any]:
    """The schemas in the dispatcher of a built-in function or method; none of a Python function."""
    if isinstance(function, torch._ops.OpOverload):
        return [function._schema]
    native = getattr(function, "__wrapped__", function)
    if hasattr(native, "__code__"):
        return []
    name = f"aten::{getattr(native, '__name__', '')}"
    return [schema for schema in torch._C._jit_get_schemas_for_operator(name) if _is_dispatched(schema)]


def _is_dispatched(schema: Any) -> bool:
    """Others with the same name are TorchScript's own."""
    found: bool = torch._C._dispatch_has_kernel(f"{schema.name}.{schema.overload_name}".removesuffix("."))
    return found


@cache
def _forms(function: Callable[..., Any]) -> tuple[Overload, ...]:
    schemas = schemas_of(function)
    functional = [schema for schema in schemas if not any(argument.is_out for argument in schema.arguments)]
    method = getattr(function, "__objclass__", None) is not None
    own = "self" if method or isinstance(function, torch._ops.OpOverload) else "input"
    forms = (
        [_parameter(argument, own) for argument in schema.arguments if not argument.is_out]
        for schema in functional or schemas
    )
    # of a method, the tensor comes first whatever the schema says (polygamma)
    return tuple(tuple(sorted(form, key=lambda parameter: method and parameter.name != own)) for form in forms)


def _parameter(argument: Any, own: str) -> Parameter:
    kind = str(argument.real_type)
    optional = kind.startswith("Optional[")
    return Parameter(
        name=own if argument.name == "self" else argument.name,
        kind=kind.removeprefix("Optional[").removesuffix("]") if optional else kind,
        optional=optional,
        repeated=argument.N is not None,
        required=not argument.has_default_value(),
        default=argument.default_value if argument.has_default_value() else None,
        by_keyword=argument.kwarg_only,
    )


def _bound(form: Overload, args: Sequence[object], kwargs: Mapping[str, object], *, loose: bool) -> Bound | None:
    given = _given(form, args, kwargs)
    if given is None or any(parameter.required and parameter.name not in given for parameter in form):
        return None
    taken: list[tuple[str, object]] = []
    positional = 0
    for parameter in form:
        name = parameter.name
        value = given.pop(name, MISSING)
        if value is not MISSING and not fits(parameter, value, loose=loose):
            return None
        if name in FREE and not parameter.required and (value is MISSING or value is None):
            continue
        taken.append((name, _plain(parameter, parameter.default if value is MISSING else value)))
        if parameter.required and not parameter.by_keyword and positional == len(taken) - 1:
            positional = len(taken)
    return (*taken, *((name, value) for name, value in given.items() if value is not None)), positional


MISSING = object()


def _given(form: Overload, args: Sequence[object], kwargs: Mapping[str, object]) -> dict[str, object] | None:
    """The arguments by name, those of which the form knows nothing at the end; None if they cannot be its own."""
    given = _placed(form, args)
    if given is None:
        return None
    names = {parameter.name for parameter in form}
    for word, value in kwargs.items():
        name = OTHER_WORDS[word] if word not in names and OTHER_WORDS.get(word) in names else word
        if name in given or (name not in names and name not in FREE):
            return None
        given[name] = value
    return given


def _placed(form: Overload, args: Sequence[object]) -> dict[str, object] | None:
    """The arguments by place; sizes may be given one by one (``x.view(2, 3)``)."""
    places = [parameter for parameter in form if not parameter.by_keyword]
    last = len(places) - 1
    if (
        places
        and places[last].kind == "List[int]"
        and len(args) > last
        and (len(args) > len(places) or isinstance(args[last], int))
    ):
        loose = args[last:]
        if all(isinstance(entry, int | torch.SymInt) for entry in loose) and last <= 1:
            args = (*args[:last], tuple(loose))
    if len(args) > len(places):
        return None
    return {parameter.name: value for parameter, value in zip(places, args, strict=False)}


def _plain(parameter: Parameter, value: object) -> object:
    if parameter.kind == "ScalarType" and isinstance(value, type):
        return PYTHON_DTYPES.get(value, value)
    return value


def fits(parameter: Parameter, value: object, *, loose: bool) -> bool:
    """Whether PyTorch takes the value there; ``loose``: whether it does so by converting it."""
    if value is None:
        return parameter.optional
    if parameter.kind.startswith("List["):
        inner = parameter.kind.removeprefix("List[").removesuffix("]")
        if isinstance(value, list | tuple):
            return all(_fits_one(inner, entry, loose=loose) for entry in value)
        return parameter.repeated and _fits_one(inner, value, loose=loose)
    return _fits_one(parameter.kind, value, loose=loose)


NUMBERS = (bool, int, float, complex, torch.SymInt, torch.SymFloat)

ACCEPTED: Mapping[str, tuple[type, ...]] = {
    "Tensor": (torch.Tensor,),
    "Optional[Tensor]": (torch.Tensor, type(None)),
    "number": NUMBERS,
    "Scalar": NUMBERS,
    "int": (int, torch.SymInt),
    "float": (float, int, torch.SymFloat),
    "bool": (bool,),
    "complex": (complex, float, int),
    "str": (str,),
    "ScalarType": (torch.dtype, type),
    "Layout": (torch.layout,),
    "MemoryFormat": (torch.memory_format,),
    "Device": (torch.device, str),
    "Generator": (torch.Generator,),
}
"""What stands for a type of a schema without conversion."""


def _fits_one(kind: str, value: object, *, loose: bool) -> bool:
    accepted = ACCEPTED.get(kind)
    if accepted is None:
        return loose
    if isinstance(value, accepted):
        return kind in ("bool", "number", "Scalar") or loose or not isinstance(value, bool)
    if not loose:
        return False
    if kind == "Tensor":
        return isinstance(value, NUMBERS)
    if isinstance(value, torch.Tensor):
        return kind in ("number", "Scalar", "int", "float", "bool") and value.dim() == 0
    return kind in ("int", "bool", "float", "number", "Scalar") and hasattr(value, "__index__")
