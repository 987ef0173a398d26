"""A lowered module computes what its graph says, and what its exported source computes."""

import inspect
from typing import Any

import pytest
import torch
from hypothesis import given
from torch import nn

from archsmith.graph.builder import Builder
from archsmith.graph.errors import Infeasible
from archsmith.graph.graph import Graph, Node, Value
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.runtime.emit import HEADER, network_class
from archsmith.runtime.lower import DTYPES, lower, type_of
from archsmith.spaces.nodes import any_of, chain, choose, op, repeat, residual
from archsmith.spaces.space import search_space
from tests.graph.torch_calls import tensor
from tests.strategies import graphs

NETWORKS = search_space(
    chain(
        op("conv2d", out=choose(4, 8), kernel=choose(1, 3), padding="same", stride=choose(1, 2)),
        repeat(residual(any_of(op("batch_norm2d"), op("softmax", dim=1), op("flip", dim=3))), choose(0, 1, 2)),
        any_of(
            chain(op("global_avg_pool"), op("linear", out=3)),
            chain(op("flatten"), op("layer_norm"), op("linear", out=choose(2, 5))),
            op("max_with_index", dim=2),
        ),
    ),
    input=(2, 6, 6),
)


def results(module: nn.Module, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """What the module returns in evaluation, as a tuple."""
    with torch.no_grad():
        found = module.eval()(*inputs)
    return found if isinstance(found, tuple) else (found,)


@given(graph=graphs())
def test_inferred_types_are_those_that_torch_computes(graph: Graph) -> None:
    found = results(lower(graph, DECLARED), *map(tensor, graph.input_types))

    assert tuple(map(type_of, found)) == graph.output_types


@given(graph=graphs())
def test_the_standalone_source_computes_the_same(graph: Graph) -> None:
    scope: dict[str, Any] = {}
    exec(HEADER + network_class(graph, DECLARED), scope)
    lowered, standalone = lower(graph, DECLARED), scope["Network"]()
    standalone.load_state_dict(lowered.state_dict())
    inputs = list(map(tensor, graph.input_types))

    for ours, theirs in zip(results(lowered, *inputs), results(standalone, *inputs), strict=True):
        assert torch.equal(ours.nan_to_num(7), theirs.nan_to_num(7))


@given(graph=graphs(NETWORKS))
def test_a_network_typed_with_one_sample_takes_any_batch(graph: Graph) -> None:
    module = lower(graph, DECLARED)
    shapes = [[found.shape for found in results(module, torch.zeros(batch, 2, 6, 6))] for batch in (1, 3)]

    assert shapes[0] == [kind.shape for kind in graph.output_types]
    assert shapes[1] == [(3, *kind.shape[1:]) for kind in graph.output_types]


def test_parameters_are_drawn_from_torchs_generator() -> None:
    builder = Builder(DECLARED)
    graph = builder.finish(builder.add("linear", builder.input(TensorType((1, 4))), out=2))

    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return next(lower(graph, DECLARED).parameters())

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_dropout_is_active_while_training_only() -> None:
    builder = Builder(DECLARED)
    graph = builder.finish(builder.add("dropout", builder.input(TensorType((1000,))), rate=0.5))
    module, ones = lower(graph, DECLARED), torch.ones(1000)

    assert (module.train()(ones) == 0).any()
    assert torch.equal(module.eval()(ones), ones)


def test_the_source_of_a_lowered_module_can_be_read() -> None:
    builder = Builder(DECLARED)
    module = lower(builder.finish(builder.add("exp", builder.input(TensorType((4,))))), DECLARED)

    assert inspect.getsource(type(module).forward) == (
        "    def forward(self, x0):\n        v1 = torch.exp(x0)\n        return v1\n"
    )


def test_a_compiler_sees_every_operator_of_a_lowered_module() -> None:
    builder = Builder(DECLARED)
    x = builder.input(TensorType((1, 4)))
    graph = builder.finish(builder.add("add", builder.add("exp", x), builder.add("linear", x, out=4)))
    seen: list[object] = []

    def backend(module: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Any:
        seen.extend(node.target for node in module.graph.nodes if node.op == "call_function")
        return module.forward

    torch.compile(lower(graph, DECLARED), backend=backend, fullgraph=True)(torch.zeros(1, 4))

    assert seen[0] is torch.exp
    assert seen[-1] is torch.add
    assert len(seen) == 3


def test_a_graph_that_the_rules_refuse_is_not_lowered() -> None:
    x = TensorType((1, 4))
    graph = Graph((Node("input", (), (), (x,)), Node("squeeze", (Value(0),), (("dim", 1),), (x,))), (Value(1),))

    with pytest.raises(Infeasible, match="squeeze requires d1 == 1; got d1=4"):
        lower(graph, DECLARED)


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
@pytest.mark.parametrize("dtype", sorted(DTYPES))
def test_a_tensors_type_is_the_graphs_word_for_it(dtype: str) -> None:
    assert type_of(torch.zeros(2, 3, dtype=DTYPES[dtype])) == TensorType((2, 3), dtype)
