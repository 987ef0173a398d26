"""Operators have public names, names lead back to operators only, and arguments by name are the same call."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode, get_overridable_functions
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils._pytree import tree_flatten, tree_map

from archsmith.fuzz.collect.naming import function_of, named, operator_name, operators
from archsmith.graph.errors import UserError

OVERRIDABLE = sorted(
    {function for functions in get_overridable_functions().values() for function in functions},
    key=lambda function: str(operator_name(function)),
)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (torch.add, "torch.add"),
        (torch.mm, "torch.mm"),
        (torch.split, "torch.split"),
        (torch.unique, "torch.unique"),
        (torch.zeros, "torch.zeros"),
        (torch.conv2d, "torch.nn.functional.conv2d"),
        (F.max_pool2d, "torch.nn.functional.max_pool2d"),
        (F.hardswish, "torch.nn.functional.hardswish"),
        (torch.Tensor.add_, "torch.Tensor.add_"),
        (torch.Tensor.__getitem__, "torch.Tensor.__getitem__"),
        (torch.linalg.svd, "torch.linalg.svd"),
        (torch.fft.fft, "torch.fft.fft"),
        (torch.special.entr, "torch.special.entr"),
        (torch.nn.init.uniform_, "torch.nn.init.uniform_"),
        (torch.nn.Conv2d, "torch.nn.Conv2d"),
        (torch.ops.aten.add.Tensor, "aten.add.Tensor"),
    ],
)
def test_an_operator_goes_by_its_public_name(function: Callable[..., Any], name: str) -> None:
    assert operator_name(function) == name
    assert function_of(name) == function


@pytest.mark.parametrize(
    "function",
    [
        torch.Tensor.T.__get__,  # type: ignore[attr-defined]
        torch.Tensor.__repr__,
        torch.Tensor.size,
        torch.Tensor.data_ptr,
        torch.Tensor.register_hook,
        torch.load,
        torch.compile,
        print,
        [],
    ],
    ids=["T", "__repr__", "size", "data_ptr", "register_hook", "load", "compile", "print", "list"],
)
def test_what_computes_nothing_has_no_name(function: object) -> None:
    assert operator_name(function) is None


def test_a_name_leads_back_to_what_it_names() -> None:
    names = [name for function in OVERRIDABLE if (name := operator_name(function)) is not None]

    assert len(set(names)) > 1_000
    assert [name for name in names if operator_name(function_of(name)) != name] == []
    assert [function for function in OVERRIDABLE if operator_name(function) and _led_back(function) != function] == []
    assert set(names) <= set(operators())


def _led_back(function: Callable[..., Any]) -> object:
    return function_of(operator_name(function) or "")


@pytest.mark.parametrize(
    "name",
    [
        "torch.load",
        "torch.save",
        "torch.from_file",
        "torch.compile",
        "torch.os.system",
        "torch.hub",
        "torch.hub.load",
        "torch.Tensor",
        "torch.Tensor.__class__",
        "torch.Tensor.__reduce_ex__",
        "torch.Tensor.map_",
        "torch.nn.functional.handle_torch_function",
        "torch.nn.Sequential.__init__",
        "torch.add.__call__",
        "torch._C._nn",
        "torch.ops.load_library",
        "aten.from_file.default",
        "aten.add.Tensor.__class__",
        "aten.__class__.mro",
        "aten.add.no_such",
        "prims.add.default",
        "builtins.eval",
        "os.system",
        "add",
        "",
        ".",
    ],
)
def test_a_name_reaches_nothing_but_operators(name: str) -> None:
    with pytest.raises(UserError, match=r"public one of PyTorch"):
        function_of(name)


X = torch.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "expected"),
    [
        (torch.add, (X, X), {}, ("torch.add", {"input": X, "other": X, "alpha": 1}, 2)),
        (torch.add, (X,), {"other": 2, "out": X}, ("torch.add", {"input": X, "other": 2, "alpha": 1, "out": X}, 2)),
        (torch.sum, (X,), {"axis": 1}, ("torch.sum", {"input": X, "dim": 1, "keepdim": False}, 2)),
        (torch.Tensor.view, (X, 3, 2), {}, ("torch.Tensor.view", {"self": X, "size": (3, 2)}, 2)),
        (torch.Tensor.view, (X, [3, 2]), {}, ("torch.Tensor.view", {"self": X, "size": [3, 2]}, 2)),
        (torch.Tensor.polygamma, (X, 2), {}, ("torch.Tensor.polygamma", {"self": X, "n": 2}, 2)),
        (torch.zeros, (2, 3), {"dtype": float}, ("torch.zeros", {"size": (2, 3), "dtype": torch.float64}, 1)),
        (torch.Tensor.__getitem__, (X, 0), {}, ("torch.Tensor.__getitem__", {"self": X, "index": 0}, 2)),
        (torch.Tensor.__eq__, (X, 0), {}, ("torch.Tensor.__eq__", {"self": X, "other": 0}, 2)),
        (torch.einsum, ("ij->j", X), {}, ("torch.einsum", {"args0": "ij->j", "args1": X}, 2)),
        (torch.meshgrid, (X[0],), {"indexing": "ij"}, ("torch.meshgrid", {"tensors0": X[0], "indexing": "ij"}, 1)),
        (F.softmax, (X, 1), {}, ("torch.nn.functional.softmax", {"input": X, "dim": 1}, 1)),
        (
            F.max_pool2d,
            (X[None], 2),
            {},
            (
                "torch.nn.functional.max_pool2d",
                {
                    "input": X[None],
                    "kernel_size": 2,
                    "stride": None,
                    "padding": 0,
                    "dilation": 1,
                    "ceil_mode": False,
                    "return_indices": False,
                },
                2,
            ),
        ),
        (torch.roll, (X, "no"), {}, ("torch.roll", {"arg0": X, "arg1": "no"}, 2)),
    ],
    ids=lambda entry: operator_name(entry) or "" if callable(entry) else "",
)
def test_arguments_go_by_their_documented_names(
    function: Callable[..., Any], args: Any, kwargs: Any, expected: tuple[str, dict[str, object], int]
) -> None:
    operator, arguments, positional = named(function, args, kwargs)
    name, values, places = expected

    assert (operator, [word for word, _ in arguments], positional) == (name, list(values), places)
    for word, value in arguments:
        assert _same(value, values[word]), word


def test_what_is_no_operator_has_no_arguments() -> None:
    with pytest.raises(UserError, match=r"operator of PyTorch; got <built-in function print>"):
        named(print, (), {})


def _copied(value: Any) -> Any:
    return tree_map(lambda entry: entry.detach().clone() if isinstance(entry, torch.Tensor) else entry, value)


def _same(one: Any, other: Any) -> bool:
    ones, others = tree_flatten(one)[0], tree_flatten(other)[0]
    return len(ones) == len(others) and all(map(_same_leaf, ones, others))


def _same_leaf(one: Any, other: Any) -> bool:
    if not isinstance(one, torch.Tensor):
        return bool(one == other)
    if not isinstance(other, torch.Tensor):
        return False
    if one.layout is not torch.strided:
        return bool(one.layout == other.layout and one.shape == other.shape)
    return bool(one.dtype == other.dtype) and torch.equal(one.nan_to_num(), other.nan_to_num())


class _Recalled(TorchFunctionMode):
    """Makes each call again with its arguments by name, and keeps those that came out otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.differ: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = operator_name(func)
        if name is not None and "empty" not in name:  # what was in memory before is never the same
            operator, arguments, places = named(func, args, kwargs or {})
            first = _outcome(func, *_copied((args, kwargs or {})))
            values = [value for _, value in arguments]
            again = _outcome(function_of(operator), *_copied((values[:places], dict(arguments[places:]))))
            self.calls += 1
            if not _same(first, again):
                self.differ.append(f"{operator}{[word for word, _ in arguments]} {places}")
        return func(*args, **(kwargs or {}))


def _outcome(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    torch.manual_seed(0)
    try:
        return function(*args, **kwargs)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        return type(error).__name__


def _sampled() -> Iterator[Callable[[], object]]:
    """Every 16th operator of PyTorch's own tests, as function and as method."""
    for entry in op_db[::16]:
        if entry.name.startswith("jiterator"):
            continue  # needs a GPU
        dtype = torch.float32 if torch.float32 in entry.dtypes else min(entry.dtypes, key=str)
        for number, sample in enumerate(entry.sample_inputs("cpu", dtype)):  # type: ignore[no-untyped-call]
            if number == 3:
                break
            for variant in (entry.op, entry.method_variant, entry.inplace_variant):
                if variant is not None:
                    yield lambda call=variant, given=sample: call(_copied(given.input), *given.args, **given.kwargs)  # type: ignore[misc]


def test_a_call_with_its_arguments_by_name_is_the_same_call() -> None:
    mode = _Recalled()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations, of what PyTorch's own tests call
        for call in _sampled():
            with mode:
                _outcome(call, (), {})

    assert mode.calls > 150
    assert mode.differ == []
