"""A tracer records what a program calls, and changes nothing of what the program does."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from archsmith.fuzz.call import Call, CallRecord, Refused, Returned, TensorValue
from archsmith.fuzz.collect.naming import function_of, operator_name
from archsmith.fuzz.collect.tracer import Tracer, record_calls
from archsmith.graph.signature import Word

X = TensorValue((2, 3))


def names(records: list[CallRecord]) -> list[str]:
    return [record.call.operator for record in records]


def only(records: list[CallRecord], operator: str) -> CallRecord:
    found = [record for record in records if record.call.operator == operator]
    assert len(found) == 1, names(records)
    return found[0]


def test_a_record_says_what_went_in_and_what_came_out() -> None:
    x = torch.ones(2, 3)
    with record_calls(source="test") as records:
        x.sum(dim=1)

    call = Call("torch.Tensor.sum", (("self", X), ("dim", 1), ("keepdim", False)), 2)
    returned = Returned((TensorValue((2,)),), (None,), ())
    assert records == [CallRecord(call, returned, torch.__version__, "test")]


def test_nothing_is_recorded_outside() -> None:
    with record_calls() as records:
        pass
    torch.ones(2).sum()

    assert records == []


def test_factories_are_calls_too() -> None:
    with record_calls() as records:
        torch.zeros(2, 3, dtype=torch.int64)

    assert only(records, "torch.zeros").call.arguments == (("size", (2, 3)), ("dtype", Word("dtype", "int64")))


def test_views_share_storage_with_what_they_are_views_of() -> None:
    x = torch.ones(2, 3)
    with record_calls() as records:
        x.t()
        x.chunk(2)
        x.clone()
        torch.broadcast_tensors(torch.ones(3), x)  # type: ignore[no-untyped-call]

    assert only(records, "torch.Tensor.t").verdict == Returned((TensorValue((3, 2), "float32", (1, 3)),), (0,), ())
    assert only(records, "torch.Tensor.chunk").verdict == Returned((TensorValue((1, 3)),) * 2, (0, 0), ())
    assert only(records, "torch.Tensor.clone").verdict == Returned((X,), (None,), ())
    verdict = only(records, "torch.broadcast_tensors").verdict
    assert isinstance(verdict, Returned)
    assert verdict.aliases == (0, 1)


def test_what_is_written_to_is_told() -> None:
    x, y = torch.ones(2, 3), torch.ones(2, 3)
    norm = nn.BatchNorm1d(3)
    with record_calls() as records:
        x += y
        torch.mul(x, y, out=torch.empty(2, 3))
        x[0] = 5
        x[0].zero_()
        norm(x)

    assert records[0].call.operator == "torch.Tensor.add_"
    assert records[0].verdict == Returned((X,), (0,), (0,))
    assert only(records, "torch.mul").verdict == Returned((X,), (2,), (2,))
    assert only(records, "torch.Tensor.__setitem__").verdict == Returned((None,), (None,), (0,))
    assert only(records, "torch.Tensor.zero_").verdict == Returned((TensorValue((3,)),), (0,), (0,))
    batch_norm = only(records, "torch.nn.functional.batch_norm")
    assert [name for name, _ in batch_norm.call.arguments][1:3] == ["running_mean", "running_var"]
    assert batch_norm.verdict == Returned((X,), (None,), (1, 2))


def test_a_tensor_that_shares_storage_with_the_one_written_to_is_not_written_to() -> None:
    x = torch.arange(6.0)
    with record_calls() as records:
        x[:3].copy_(x[3:])

    assert only(records, "torch.Tensor.copy_").verdict == Returned((TensorValue((3,)),), (0,), (0,))


def test_arguments_are_described_as_they_were_before_the_call() -> None:
    index = torch.tensor([1, 0])
    out = torch.empty(0)
    with record_calls() as records:
        index.add_(5)
        torch.add(torch.ones(3), 1, out=out)

    assert only(records, "torch.Tensor.add_").call.arguments[0][1] == TensorValue((2,), "int64", None, 0, 1)
    assert only(records, "torch.add").call.arguments[-1] == ("out", TensorValue((0,)))


def test_an_error_is_recorded_and_reaches_the_program_as_it_is() -> None:
    x = torch.ones(2, 3)
    with pytest.raises(RuntimeError) as untraced:
        torch.mm(x, x)
    with record_calls() as records, pytest.raises(RuntimeError) as traced:
        torch.mm(x, x)

    assert str(traced.value) == str(untraced.value)
    assert only(records, "torch.mm").verdict == Refused("RuntimeError", str(untraced.value))


def test_refusals_that_no_call_says_why_are_left_out() -> None:
    leaf = torch.ones(2, requires_grad=True)
    with record_calls() as records, pytest.raises(RuntimeError, match="leaf Variable"):
        leaf.add_(1)

    assert records == []


def test_an_operand_of_another_class_has_its_turn() -> None:
    class Other:
        def __radd__(self, left: object) -> str:
            return "mine"

    with record_calls():
        total: Any = torch.ones(2) + Other()

    assert total == "mine"


def test_the_same_call_is_recorded_once_and_counted() -> None:
    x, records = torch.ones(2, 3), list[CallRecord]()
    with Tracer(records.append) as tracer:
        for _ in range(10):
            x.sum(1)
        x.sum(dim=1)
        x.sum(axis=1)  # type: ignore[call-overload]

    assert names(records) == ["torch.Tensor.sum"]
    assert (tracer.calls, tracer.records) == (12, 1)
    assert tracer.operators == {"torch.Tensor.sum"}


def test_numbers_of_another_kind_make_another_call() -> None:
    x = torch.ones(2, 3)
    with record_calls() as records:
        for number in (1, 1.0, True, 2, 1):
            x.add(number)

    assert [repr(record.call.arguments[1][1]) for record in records] == ["1", "1.0", "True", "2"]


def test_calls_that_differ_in_numbers_only_are_recorded_so_often() -> None:
    records: list[CallRecord] = []
    with Tracer(records.append, most=5):
        for size in range(20):
            torch.ones(size, 3)
            torch.ones(size)

    assert [len(record.call.arguments[0][1]) for record in records] == [2, 1] * 5  # type: ignore[arg-type]


def test_a_function_that_calls_others_is_one_call() -> None:
    x = torch.ones(1, 2, 4, 4)
    with record_calls() as records:
        F.max_pool2d(x, 2)
        F.cross_entropy(x[0, 0], torch.tensor([0, 1, 2, 3]))

    operators = {name for name in names(records) if name.startswith("torch.nn")}
    assert operators == {"torch.nn.functional.max_pool2d", "torch.nn.functional.cross_entropy"}


def test_what_is_given_lazily_is_not_used_up() -> None:
    def tensors() -> Iterator[torch.Tensor]:
        yield torch.ones(2)

    given = tensors()
    with record_calls(), pytest.raises(TypeError):
        torch.stack(given)  # type: ignore[arg-type]

    assert torch.equal(next(given), torch.ones(2))


def test_a_generator_that_is_run_inside_is_traced() -> None:
    def rows() -> Iterator[torch.Tensor]:
        for size in (1, 2):
            yield torch.ones(size)

    with record_calls() as records:
        assert len(list(rows())) == 2

    assert names(records) == ["torch.ones", "torch.ones"]


def test_calls_inside_vmap_and_tracers_and_on_subclasses_are_not_taken_for_what_they_are_not() -> None:
    class Own(torch.Tensor):
        pass

    x = torch.ones(2, 3)
    with record_calls() as records:
        torch.vmap(torch.sin)(x)
        with pytest.warns(DeprecationWarning, match="torch.jit.trace"):
            torch.jit.trace(torch.cos, (x,), check_trace=False)  # type: ignore[no-untyped-call]
        x.as_subclass(Own).tan()
        torch.ones(2, 3, device="meta").exp()
        x.to_sparse().neg()

    assert set(names(records)) & {f"torch.{space}{name}" for space in ("", "Tensor.") for name in
                                  ("sin", "cos", "tan", "exp", "neg")} == set()  # fmt: skip


def test_calls_that_nobody_could_make_again_are_left_out() -> None:
    with record_calls() as records:
        torch.fx.symbolic_trace(nn.Linear(3, 4))  # calls F.linear with placeholders
        with torch.autocast("cpu", torch.bfloat16):
            torch.mm(torch.ones(2, 2), torch.ones(2, 2))

    assert {"torch.mm", "torch.nn.functional.linear"} & set(names(records)) == set()


def test_threads_that_are_started_inside_are_traced_and_others_left_alone() -> None:
    x, start = torch.ones(2, 3), threading.Thread.start
    with record_calls() as records:
        thread = threading.Thread(target=lambda: x.cumsum(0))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(torch.cumprod, x, 1).result()
    late = threading.Thread(target=lambda: x.sinh())
    late.start()
    late.join()

    assert sorted(names(records)) == ["torch.Tensor.cumsum", "torch.cumprod"]
    assert threading.Thread.start is start


def test_a_thread_that_outlives_the_tracer_is_no_longer_traced() -> None:
    x, go, records = torch.ones(2, 3), threading.Event(), list[CallRecord]()
    with Tracer(records.append):
        thread = threading.Thread(target=lambda: (go.wait(), x.sinh()))
        thread.start()
    go.set()
    thread.join()

    assert records == []


def test_tracers_may_be_nested() -> None:
    x = torch.arange(3)
    with record_calls() as outer, record_calls() as inner:
        x.add(1)

    assert names(inner) == names(outer) == ["torch.Tensor.add"]


def test_at_the_dispatcher_the_backward_pass_is_seen_too() -> None:
    with record_calls(native=True) as records:
        x = torch.ones(2, 3, requires_grad=True)
        torch.autograd.backward(x.sigmoid().sum())

    operators = names(records)
    assert "torch.Tensor.sigmoid" in operators
    assert {"aten.sigmoid.default", "aten.sigmoid_backward.default"} <= set(operators)
    assert only(records, "aten.sigmoid.default").verdict == Returned((X,), (None,), ())


def test_at_the_dispatcher_writes_are_those_that_schemas_declare() -> None:
    x = torch.ones(2, 3)
    with record_calls(native=True) as records:
        x.add_(1)
        torch.add(x, x, out=torch.empty(2, 3))

    assert only(records, "aten.add_.Tensor").verdict == Returned((X,), (0,), (0,))
    assert only(records, "aten.add.out").verdict == Returned((X,), (2,), (2,))


def test_compiled_code_stays_compiled() -> None:
    graphs: list[Any] = []

    def backend(graph: torch.fx.GraphModule, inputs: object) -> Callable[..., Any]:
        graphs.append([node.target for node in graph.graph.nodes if node.op == "call_function"])
        return graph.forward

    @torch.compile(backend=backend)
    def compiled(x: torch.Tensor) -> torch.Tensor:
        return torch.relu(torch.sin(x))

    x = torch.randn(3)
    with record_calls():
        first = compiled(x)
        second = compiled(x)

    assert graphs == [[torch.sin, torch.relu]]
    assert torch.equal(first, torch.relu(torch.sin(x)))
    assert torch.equal(first, second)


def _trained(steps: int) -> list[torch.Tensor]:
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(), nn.Flatten(), nn.LazyLinear(3)
    )
    inputs, targets = torch.randn(4, 1, 6, 6), torch.tensor([0, 1, 2, 0])
    optimizer = torch.optim.Adam(layers.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        torch.autograd.backward(F.cross_entropy(layers(inputs), targets))
        optimizer.step()
    return [*layers.parameters(), *layers.buffers()]


@pytest.mark.parametrize("native", [False, True])
def test_a_traced_training_ends_with_the_same_weights(native: bool) -> None:
    expected = _trained(3)
    with record_calls(native=native) as records:
        found = _trained(3)

    assert all(torch.equal(one, other) for one, other in zip(expected, found, strict=True))
    assert {"torch.nn.functional.conv2d", "torch.nn.functional.cross_entropy"} <= set(names(records))


def test_what_is_recorded_can_be_called_again_by_its_name() -> None:
    with record_calls() as records:
        _trained(1)

    assert len(records) > 20
    assert [name for name in names(records) if operator_name(function_of(name)) != name] == []
