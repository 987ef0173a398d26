"""Running a network under test: what it returns or raises is the result; nothing that it raises escapes."""

import traceback
import warnings
from collections.abc import Callable

import torch

from archsmith.fuzz.preload import NO_SPACE
from archsmith.runtime.post_mortem import ran_out_of_memory

Values = tuple[torch.Tensor, ...]

LONGEST = 8000
"""Characters that are kept of an exception's text; the compiler may print whole source files."""


def attempt(module: Callable[..., object], given: Values) -> Values | Exception:
    """The outputs, one or several, or the exception; without gradients, and with warnings ignored.

    Raises:
        Exception: memory or disk space ran out, which is not what is judged.
    """
    try:
        with torch.no_grad(), warnings.catch_warnings(action="ignore"):
            result = module(*given)
    except Exception as error:  # the boundary: what PyTorch raises is what is judged
        if ran_out_of_memory(error) or NO_SPACE in described(error):
            raise
        return error
    return result if isinstance(result, tuple) else (result,)


def root(error: BaseException) -> BaseException:
    """The exception that was raised first; the compiler wraps it, and keeps it under a name of its own."""
    while isinstance(inner := getattr(error, "inner_exception", None) or error.__cause__, BaseException):
        error = inner
    return error


def described(error: Exception) -> str:
    """The type and message of the exception that was raised first, then the stack."""
    first = root(error)
    stack = "".join(traceback.format_exception(error))
    return f"{type(first).__name__}: {str(first).strip()}\n\n{stack}"[:LONGEST]


def place(error: Exception) -> str:
    """The first exception's type and the function that raised it: ``AssertionError in codegen_indexing``."""
    first = root(error)
    frames = traceback.extract_tb(first.__traceback__)
    return f"{type(first).__name__} in {frames[-1].name if frames else 'an unknown place'}"
