"""Weight inheritance: what grew computes what it did, what has no pair stays random, and all of it by the seed."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from archsmith.evaluate.alignment import aligned
from archsmith.evaluate.digits import DIGITS
from archsmith.evaluate.inheritance import Parent, inherit
from archsmith.evaluate.settings import Budget, TrainingSettings
from archsmith.evaluate.training import TrainingEvaluator
from archsmith.evaluate.weights import save_weights
from archsmith.evaluate.widening import shares, widened
from archsmith.graph.builder import Builder
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph, Value
from archsmith.graph.ops import DECLARED
from archsmith.runtime.lower import lower
from tests.evaluate.toys import graph, perceptron

ELEMENTWISE = ("relu", "tanh", "silu", "dropout", "hardswish")


class Layer(NamedTuple):
    """A convolution or, behind them, a linear layer: its width and kernel, and what follows it."""

    width: int
    kernel: int = 3
    norm: bool = True
    then: str = "relu"
    depthwise: bool = False


def network(convs: Sequence[Layer], linears: Sequence[Layer], *, pooled: bool = True, images: int = 6) -> Graph:
    """Convolutions on images, then linear layers, the last one with three outputs."""

    def layers(builder: Builder, x: Value) -> Value:
        for layer in convs:
            out, groups = ("conv2d", "depthwise") if layer.depthwise else ("conv2d", 1)
            width = builder.type_of(x).shape[1] if layer.depthwise else layer.width
            x = builder.add(out, x, out=width, kernel=layer.kernel, padding="same", groups=groups)
            x = builder.add("batch_norm2d", x) if layer.norm else x
            x = builder.add(layer.then, x)
        x = builder.add("global_avg_pool" if pooled else "flatten", x)
        for layer in linears:
            x = builder.add("linear", x, out=layer.width)
            x = builder.add("batch_norm1d", x) if layer.norm else x
            x = builder.add(layer.then, x)
        return builder.add("linear", x, out=3)

    return graph(2, images, images, of=layers)


def lived(network: Graph, seed: int = 0) -> nn.Module:
    """A module whose every number differs from a fresh one's, the statistics of batch norm included."""
    module, source = lower(network, DECLARED), torch.Generator().manual_seed(seed)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            noise = torch.randn(tensor.shape, generator=source) * 0.5
            tensor.copy_(noise.abs() + 0.5 if name.endswith("running_var") else noise)
    return module.eval()


def inherited(child: Graph, parent: Graph, old: nn.Module, seed: int = 0) -> tuple[nn.Module, float]:
    module = lower(child, DECLARED)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        save_weights(old, path)
        share = inherit(module, child, Parent(parent, path), seed)
    return module.eval(), share


def outputs(module: nn.Module, network: Graph) -> Tensor:
    (type_,) = network.input_types
    images = torch.randn(4, *type_.shape[1:], generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return torch.as_tensor(module(images))


def same_function(child: Graph, parent: Graph, seed: int = 0) -> float:
    """Demand that the child computes what its parent does; the share of parameters that it inherited."""
    old = lived(parent)
    module, share = inherited(child, parent, old, seed)
    wanted = outputs(old, parent)

    torch.testing.assert_close(outputs(module, child), wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))
    return share


LAYERS = st.builds(Layer, st.integers(1, 5), st.sampled_from([1, 3]), st.booleans(), st.sampled_from(ELEMENTWISE))
GROWTH = st.tuples(st.integers(0, 7), st.sampled_from([0, 2]))


@given(
    convs=st.lists(st.tuples(LAYERS, st.booleans(), GROWTH), min_size=1, max_size=3),
    linears=st.lists(st.tuples(LAYERS, GROWTH), max_size=2),
    pooled=st.booleans(),
    seed=st.integers(0, 5),
)
def test_a_chain_of_which_widths_and_kernels_grew_computes_what_it_did(
    convs: list[tuple[Layer, bool, tuple[int, int]]],
    linears: list[tuple[Layer, tuple[int, int]]],
    pooled: bool,
    seed: int,
) -> None:
    def sized(grows: int) -> Graph:
        first = [
            layer._replace(width=layer.width + grows * wider, kernel=layer.kernel + grows * larger, depthwise=depthwise)
            for layer, depthwise, (wider, larger) in convs
        ]
        return network(
            first, [la._replace(width=la.width + grows * wider) for la, (wider, _) in linears], pooled=pooled
        )

    share = same_function(sized(1), sized(0), seed)

    assert 0 < share <= 1
    if not any(larger for _, _, (_, larger) in convs):
        assert share == 1


def residual(width: int, kernel: int = 3) -> Graph:
    """A stem, a residual block with squeeze and excitation, and a concatenation with the stem."""

    def layers(builder: Builder, x: Value) -> Value:
        stem = builder.add("relu", builder.add("conv2d", x, out=width, kernel=3, padding="same"))
        block = builder.add("batch_norm2d", builder.add("conv2d", stem, out=width, kernel=kernel, padding="same"))
        squeezed = builder.add("sigmoid", builder.add("linear", builder.add("global_avg_pool", block), out=width))
        scale = builder.add("unsqueeze", builder.add("unsqueeze", squeezed, dim=2), dim=3)
        summed = builder.add("add", stem, builder.add("mul", block, scale))
        joined = builder.apply("cat", (summed, stem), {"dim": 1})[0]
        return builder.add("linear", builder.add("flatten", builder.add("max_pool2d", joined, kernel=2)), out=3)

    return graph(2, 4, 4, of=layers)


@pytest.mark.parametrize("width", [4, 5, 8, 11])
def test_sums_and_concatenations_of_what_grew_alike_compute_what_they_did(width: int) -> None:
    assert same_function(residual(width), residual(4)) == 1


def test_zeros_around_a_kernel_are_not_inherited() -> None:
    child, parent = residual(4, kernel=5), residual(4, kernel=1)

    assert 0 < same_function(child, parent) < 0.5


def transformer(width: int) -> Graph:
    def layers(builder: Builder, x: Value) -> Value:
        x = builder.add("position_embedding", builder.add("class_token", builder.add("linear", x, out=width)))
        x = builder.add("linear", builder.add("layer_norm", x), out=6)
        return builder.add("linear", builder.add("mean", x, dim=1), out=3)

    return graph(5, 4, of=layers)


def test_a_layer_norm_that_doubles_computes_what_it_did() -> None:
    assert same_function(transformer(8), transformer(4)) == 1


def test_a_transposed_convolution_grows_too() -> None:
    def upscaling(width: int, kernel: int, groups: str | int) -> Graph:
        def layers(builder: Builder, x: Value) -> Value:
            x = builder.add("conv2d", x, out=width, kernel=1)
            out = width if groups != 1 else 2 * width
            x = builder.add("conv_transpose2d", x, out=out, kernel=kernel, stride=2, padding="same", groups=groups)
            return builder.add("linear", builder.add("flatten", x), out=3)

        return graph(2, 3, 3, of=layers)

    for groups in (1, "depthwise"):
        same_function(upscaling(5, 5, groups), upscaling(3, 3, groups))


def test_an_architecture_inherits_all_of_its_own_weights() -> None:
    parent = network([Layer(4), Layer(4, depthwise=True), Layer(3)], [Layer(5)])
    old = lived(parent)
    module, share = inherited(parent, parent, old)

    assert share == 1
    assert all(torch.equal(tensor, old.state_dict()[name]) for name, tensor in module.state_dict().items())


@pytest.mark.parametrize(("layer", "fresh"), [(Layer(3), True), (Layer(8, kernel=1), True), (Layer(9), False)])
def test_what_became_smaller_stays_random_and_the_rest_is_inherited(layer: Layer, fresh: bool) -> None:
    parent, child = network([Layer(4), Layer(8)], [Layer(6)]), network([Layer(4), layer], [Layer(6)])
    old = lived(parent)
    module, share = inherited(child, parent, old)
    first, second = (name for name in module.state_dict() if name.startswith("conv2d") and name.endswith("weight"))
    torch.manual_seed(0)
    begun = lower(child, DECLARED)

    torch.manual_seed(0)
    again, _ = inherited(child, parent, old)
    assert torch.equal(module.state_dict()[first], old.state_dict()[first])
    assert torch.equal(again.state_dict()[second], begun.state_dict()[second]) == fresh
    assert (share == 1) != fresh
    assert share > 0


def positions(network: Graph, operator: str) -> list[int]:
    return [position for position, node in network.operators() if node.operator == operator]


@pytest.mark.parametrize(
    ("child", "wanted"),
    [
        ([5, 5, 7, 7], {0: 0, 1: 1, 2: 2, 3: 3}),
        ([5, 9, 7, 7], {0: 0, 1: 1, 2: 2, 3: 3}),
        ([5, 5, 7], {0: 0, 1: 1, 2: 2}),
        ([5, 7, 7], {0: 0, 1: 2, 2: 3}),
        ([5, 5, 6, 7, 7], {0: 0, 1: 1, 3: 2, 4: 3}),
        ([2, 5, 5, 7, 7], {1: 0, 2: 1, 3: 2, 4: 3}),
    ],
)
def test_blocks_that_were_put_in_taken_out_or_changed_are_paired_around(
    child: list[int], wanted: dict[int, int]
) -> None:
    ours, theirs = (network([Layer(width) for width in widths], []) for widths in (child, [5, 5, 7, 7]))
    convs, others = positions(ours, "conv2d"), positions(theirs, "conv2d")
    found = aligned(ours, theirs, convs, others)

    assert {convs.index(one): others.index(other) for one, other in found.items()} == wanted


def test_inheritance_repeats_itself_and_leaves_the_callers_generator_alone() -> None:
    parent, child = network([Layer(4)], []), network([Layer(9)], [])
    old, fresh = lived(parent), lower(child, DECLARED).state_dict()
    runs = []
    for seed in (3, 3, 4):
        module = lower(child, DECLARED)
        module.load_state_dict(fresh)
        with TemporaryDirectory() as folder:
            save_weights(old, Path(folder) / "weights.pt")
            before = torch.random.get_rng_state()
            inherit(module, child, Parent(parent, Path(folder) / "weights.pt"), seed)
            assert torch.equal(torch.random.get_rng_state(), before)
        runs.append(torch.cat([entry.flatten() for entry in module.parameters()]))

    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


@given(old=st.integers(1, 9), more=st.integers(0, 20), rows=st.integers(1, 4), seed=st.integers(0, 9))
def test_copies_share_out_the_whole_of_a_unit_and_unequally(old: int, more: int, rows: int, seed: int) -> None:
    units = widened(1, old, old + more, seed)
    found = shares(units, rows, torch.Generator().manual_seed(seed))
    counts = torch.bincount(units.index, minlength=old)
    sums = torch.zeros(rows, old).index_add(1, units.index, found)

    assert units.index[:old].tolist() == list(range(old))
    assert counts.max() - counts.min() <= 1
    torch.testing.assert_close(sums, torch.ones(rows, old))
    assert (found[:, counts[units.index] == 1] == 1).all()
    assert len(set(found.flatten().tolist())) > 1 or not more


def test_the_copies_of_a_unit_grow_apart_in_training() -> None:
    parent, child = network([Layer(3)], [], images=8), network([Layer(6)], [], images=8)
    module, _ = inherited(child, parent, lived(parent))
    (name,) = (name for name in module.state_dict() if name.startswith("conv2d") and name.endswith("weight"))
    weight = module.train().get_parameter(name)
    index = widened(1, 3, 6, 0).index

    assert torch.equal(weight[3:], weight[index[3:]])
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.01)
    for _ in range(5):
        loss = module(torch.randn(16, 2, 8, 8)).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert not torch.allclose(weight[3:], weight[index[3:]], atol=1e-4)


def images(width: int) -> Graph:
    def layers(builder: Builder, x: Value) -> Value:
        for out in (width, 2 * width):
            x = builder.add("conv2d", x, out=out, kernel=3, padding="same", stride=2)
            x = builder.add("relu", builder.add("batch_norm2d", x))
        return builder.add("linear", builder.add("flatten", x), out=10)

    return graph(1, 8, 8, of=layers)


def test_a_child_of_a_trained_parent_is_ahead_after_an_epoch(tmp_path: Path) -> None:
    def trained(network: Graph, epochs: int, parent: Parent | None = None) -> dict[str, float]:
        run = TrainingEvaluator(DIGITS, TrainingSettings(), weights=tmp_path / f"{epochs}.pt", parent=parent)
        return dict(run.measure(network, Budget(epochs=epochs), 0, lambda epoch, metrics: None).metrics)

    trained(images(4), 4)
    ahead = trained(images(6), 1, Parent(images(4), tmp_path / "4.pt"))
    alone = trained(images(6), 1)

    assert ahead["inherited"] == 1
    assert "inherited" not in alone
    assert ahead["val_accuracy"] > alone["val_accuracy"] + 0.02


def test_a_parent_whose_weights_are_not_there_or_not_its_own_is_refused(tmp_path: Path) -> None:
    save_weights(lower(perceptron(3), DECLARED), tmp_path / "other.pt")

    for name, message in (("none.pt", "there is none"), ("other.pt", "must hold the weights of this architecture")):
        with pytest.raises(UserError, match=message):
            inherit(lower(perceptron(2), DECLARED), perceptron(2), Parent(perceptron(2), tmp_path / name), 0)


def test_a_network_without_parameters_inherits_nothing() -> None:
    def bare(builder: Builder, x: Value) -> Value:
        return builder.add("relu", x)

    module, share = inherited(graph(4, of=bare), perceptron(2), lived(perceptron(2)))

    assert share == 0
    assert not list(module.parameters())


def test_a_layer_with_other_inputs_than_its_pair_stays_random() -> None:
    parent, child = network([Layer(4)], [Layer(6)], pooled=False), network([Layer(4)], [Layer(6)], pooled=True)
    _, share = inherited(child, parent, lived(parent))
    fresh = 4 * 6 + 6  # the linear layer behind what is pooled or not
    total = sum(entry.numel() for entry in lower(child, DECLARED).parameters())

    assert share == pytest.approx(1 - fresh / total)


@pytest.mark.parametrize(("old", "new"), [(2, 3), (4, 5), (2, 4), (3, 5), (3, 4)])
def test_a_kernel_of_any_size_grows_in_place_under_a_stride(old: int, new: int) -> None:
    """Padding "same" is another in front of even and odd kernels, so zeros are not always as many on both sides."""

    def strided(kernel: int) -> Graph:
        def layers(builder: Builder, x: Value) -> Value:
            x = builder.add("conv2d", x, out=3, kernel=kernel, stride=2, padding="same")
            return builder.add("linear", builder.add("flatten", builder.add("relu", x)), out=3)

        return graph(2, 12, 12, of=layers)

    assert same_function(strided(new), strided(old)) > 0
