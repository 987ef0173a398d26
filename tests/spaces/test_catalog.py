"""The catalogue's spaces have the sizes that their papers give, and hold networks that train and export."""

from collections.abc import Mapping
from itertools import chain, combinations
from math import comb, isfinite
from pathlib import Path
from random import Random

import pytest
import torch
from torch import nn
from torch.nn import functional

from archsmith.graph.builder import Builder
from archsmith.graph.cost import parameters
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.runtime.emit import HEADER, network_class
from archsmith.runtime.lower import lower
from archsmith.spaces.catalog import CATALOG, PUBLISHED
from archsmith.spaces.catalog.darts import darts
from archsmith.spaces.catalog.deep_architect import deepconv
from archsmith.spaces.catalog.mlp_table import mlp_table
from archsmith.spaces.catalog.mobilenet_v3 import divisible_by_8, mobilenet_v3, squeeze_and_excite
from archsmith.spaces.catalog.nas_bench_101 import isomorphism, nas_bench_101, shares
from archsmith.spaces.catalog.nas_bench_201 import nas_bench_201, written
from archsmith.spaces.catalog.orbits import modules
from archsmith.spaces.catalog.resnet import resnext
from archsmith.spaces.catalog.vit import HEAD, attend, autoformer
from archsmith.spaces.counting import count
from archsmith.spaces.decisions import Label, Trace, replay
from archsmith.spaces.enumeration import traces
from archsmith.spaces.loading import load_space
from archsmith.spaces.sampling import sample
from archsmith.spaces.space import TreeSpace

SIZES: Mapping[str, int] = {
    # 6 widths and 3 kernels; 6 widths, 2 kernels, 2 orders, no dropout or one of 2 rates, 6 depths; twice
    "deep-architect": ((6 * 3) * (6 * 2 * 2 * (1 + 2) * 6)) ** 2,
    # 3 kernels and 3 expansions for each of 2, 3 or 4 blocks; in 5 stages
    "mobilenet-v3": (9**2 + 9**3 + 9**4) ** 5,
    # depth, width, ratio and groups; in 3 stages
    "resnext-a": (5 * 5 * 3 * 3) ** 3,
    "resnext-b": (5 * 5 * 3 * 5) ** 3,
    # by edges and operations, for which there is no short formula: see below
    "nas-bench-101": 9_100_558,
    # an edge is left out or one of four operations
    "nas-bench-201": (1 + 4) ** 6,
    # two of 2, 3, 4 and 5 earlier values, with operations; in two kinds of cell
    "darts": (comb(2, 2) * comb(3, 2) * comb(4, 2) * comb(5, 2) * 7**8) ** 2,
    # a width, and heads and ratio for each of the layers
    "autoformer-tiny": 3 * sum((2 * 2) ** depth for depth in (12, 13, 14)),
    "autoformer-small": 3 * sum((3 * 3) ** depth for depth in (12, 13, 14)),
    "autoformer-base": 3 * sum((3 * 3) ** depth for depth in (14, 15, 16)),
    # a rate, and one width, two or three; or a norm, a depth, a width, a factor and two rates
    "tabular": 4 * (4 + 4**2 + 6 * 4**3) + 2 * 8 * 4 * 4 * 4 * 4,
}

PUBLISHED_SIZES: Mapping[str, str] = {
    "deep-architect": "60466176",
    "mobilenet-v3": "2e+19",
    "resnext-a": "11390625",
    "resnext-b": "52734375",
    "nas-bench-201": "15625",
    "darts": "1e+18",
}
"""What the papers print, to the digits that they print."""

SMALL: Mapping[str, tuple[TreeSpace, int]] = {
    "deep-architect": (deepconv(input=(3, 8, 8), classes=3), 3),
    "mobilenet-v3": (mobilenet_v3(input=(3, 32, 32), classes=3), 3),
    "resnext-a": (resnext(input=(3, 8, 8), classes=3), 3),
    "resnext-b": (resnext(input=(3, 8, 8), classes=3, widths=(64, 128, 256), groups=(1, 2, 4, 8, 16)), 3),
    "nas-bench-101": (nas_bench_101(input=(3, 8, 8), classes=3, modules=1, channels=8), 3),
    "nas-bench-201": (nas_bench_201(input=(3, 8, 8), classes=3, cells=1, channels=4), 3),
    "darts": (darts(input=(3, 8, 8), classes=3, layers=3, channels=4), 3),
    "autoformer-tiny": (autoformer(input=(3, 32, 32), classes=3), 3),
    "autoformer-small": (autoformer(input=(3, 32, 32), classes=3, supernet="small"), 1),
    "autoformer-base": (autoformer(input=(3, 16, 16), classes=3, supernet="base"), 1),
    "tabular": (mlp_table(features=5, outputs=3), 3),
}
"""Each space with small inputs, and how many architectures of it are tried: fewer of those with many weights."""


def tried(name: str) -> list[Graph]:
    small, number = SMALL[name]
    return [drawn(small, seed) for seed in range(number)]


def drawn(space: TreeSpace, seed: int) -> Graph:
    graph = sample(space, Random(seed)).graph
    assert graph is not None
    return graph


def tree(name: str) -> TreeSpace:
    space = load_space(name)
    assert isinstance(space, TreeSpace)
    return space


def test_every_entry_has_its_size_and_a_small_variant_here() -> None:
    assert list(SIZES) == list(SMALL) == list(CATALOG) == list(PUBLISHED)


@pytest.mark.parametrize("name", CATALOG)
def test_a_space_is_loaded_by_name_and_has_the_size_of_its_formula(name: str) -> None:
    assert count(tree(name)) == SIZES[name]
    assert PUBLISHED[name].summary
    assert PUBLISHED[name].source


@pytest.mark.parametrize("name", PUBLISHED_SIZES)
def test_a_size_is_the_one_that_the_paper_prints(name: str) -> None:
    printed = PUBLISHED_SIZES[name]

    assert (f"{SIZES[name]:.0e}" if "e" in printed else str(SIZES[name])) == printed


@pytest.mark.parametrize("name", CATALOG)
def test_a_small_variant_asks_what_the_published_space_asks(name: str) -> None:
    small, published = SMALL[name][0], tree(name)
    trace = sample(small, Random(7)).trace

    assert sample(published, Random(7)).trace.as_dict().keys() == trace.as_dict().keys()
    if name != "resnext-b":  # its variant has fewer widths
        assert count(small) == SIZES[name]


@pytest.mark.parametrize("name", CATALOG)
def test_architectures_train_a_step_and_export_what_was_trained(name: str) -> None:
    for graph in tried(name):
        network = lower(graph, DECLARED)
        x = torch.randn(4, *graph.input_types[0].shape[1:])
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
        losses = [trained(network, optimizer, x) for _ in range(2)]
        scope: dict[str, type[nn.Module]] = {}
        exec(HEADER + network_class(graph, DECLARED), scope)  # our own output: source is meant to be run
        exported = scope["Network"]()
        exported.load_state_dict(network.state_dict())

        assert all(map(isfinite, losses))
        assert all(weights.grad is not None for weights in network.parameters())
        assert sum(weights.numel() for weights in network.parameters()) == parameters(graph, DECLARED)
        with torch.no_grad():
            assert torch.equal(exported.eval()(x), network.eval()(x))


def trained(network: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor) -> float:
    """The loss before a step."""
    optimizer.zero_grad()
    loss = functional.cross_entropy(network.train()(x), torch.tensor([0, 1, 2, 0]))
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without types
    optimizer.step()
    return loss.item()


@pytest.mark.parametrize(
    ("name", "width", "heads", "weights"),
    [("autoformer-tiny", 192, 3, 5_717_416), ("autoformer-small", 384, 6, 22_050_664)],
)
def test_the_spaces_of_autoformer_hold_the_transformers_of_deit(
    name: str, width: int, heads: int, weights: int
) -> None:
    """DeiT's tiny and small networks (Touvron et al. 2021), known to have 5.7 and 22 million parameters."""
    answers: dict[str, Label] = {"width": width, "1/repeat.times": 12}
    for layer in range(12):
        answers[f"1/repeat/{layer}/0/residual/1/attention"] = 3 * HEAD * heads
        answers[f"1/repeat/{layer}/1/residual/1/ratio"] = "4"
    found = replay(tree(name), Trace.of(answers))

    assert found.trace.as_dict() == answers
    assert found.graph is not None
    assert parameters(found.graph, DECLARED) == weights


def test_cells_of_nas_bench_201_are_told_apart_as_the_paper_does() -> None:
    kinds = {written(trace) for trace in traces(tree("nas-bench-201").reach)}

    assert len(kinds) == 6_466


@pytest.mark.parametrize(
    ("edges", "weights"),
    [
        # the least of the benchmark; all edges the largest operation; avg 1<-0, the other five as written
        (("none",) * 6, 73_306),
        (("nor_conv_3x3",) * 6, 73_306 + 6 * 243_040),
        (("avg_pool_3x3", "nor_conv_1x1", "skip_connect", "nor_conv_1x1", "skip_connect", "skip_connect"), 129_306),
    ],
)
def test_networks_of_nas_bench_201_have_the_weights_of_the_benchmarks_table(
    edges: tuple[str, ...], weights: int
) -> None:
    names = ("0-1", "0-2", "1-2", "0-3", "1-3", "2-3")
    answers = {f"cell/edge/{name}": label for name, label in zip(names, edges, strict=True)}
    found = replay(tree("nas-bench-201"), Trace.of(answers))

    assert found.trace.as_dict() == answers
    assert found.graph is not None
    assert parameters(found.graph, DECLARED) == weights


def test_the_space_of_darts_holds_the_network_that_the_authors_found() -> None:
    """Their second-order network, known to have 3.3 million parameters."""
    kinds = {
        "normal": ("sep3 0 sep3 1", "sep3 0 sep3 1", "skip 0 sep3 1", "skip 0 dil3 2"),
        "reduction": ("max3 0 max3 1", "max3 1 skip 2", "max3 0 skip 2", "max3 1 skip 2"),
    }
    labels = {"sep3": "sep_conv_3x3", "dil3": "dil_conv_3x3", "max3": "max_pool_3x3", "skip": "skip_connect"}
    answers: dict[str, Label] = {}
    for kind, nodes in kinds.items():
        for at, node in enumerate(nodes, start=2):
            first, one, second, other = node.split()
            answers |= {f"1/{kind}/node/{at}.0": int(one), f"1/{kind}/node/{at}.1": int(other)}
            answers |= {f"1/{kind}/node/{one}-{at}": labels[first], f"1/{kind}/node/{other}-{at}": labels[second]}
    found = replay(tree("darts"), Trace.of(answers))

    assert found.trace.as_dict().items() <= answers.items()
    assert found.graph is not None
    assert parameters(found.graph, DECLARED) == 3_349_342


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"layers": 2}, "at least 3 layers"),
        ({"channels": 3}, "even number of channels"),
        ({"input": (3, 6, 8)}, "multiples of 4"),
    ],
)
def test_darts_says_what_it_takes(given: dict[str, object], told: str) -> None:
    with pytest.raises(UserError, match=told):
        darts(**given)  # type: ignore[arg-type]  # one argument of several types


def test_nas_bench_101_has_as_many_different_modules_as_the_paper_says() -> None:
    assert modules() == 423_624


@pytest.mark.parametrize(("vertices", "edges"), [(2, 1), (3, 2), (4, 3), (4, 9), (5, 4), (5, 9)])
def test_small_modules_are_as_many_as_their_traces_tell_apart(vertices: int, edges: int) -> None:
    space = nas_bench_101(input=(3, 8, 8), channels=5, vertices=vertices, edges=edges)
    found = list(traces(space.reach))

    assert count(space) == len(found) == len(set(found)) == ways_by_trying(vertices, edges)
    assert len({isomorphism(trace) for trace in found}) == modules(vertices, edges)


def ways_by_trying(vertices: int, most: int) -> int:
    """All sets of edges, with the operations of the vertices that are on a way from the first vertex to the last."""
    last, ways = vertices - 1, 0
    for edges in chain.from_iterable(combinations(list(combinations(range(vertices), 2)), n) for n in range(most + 1)):
        after = [{vertex} for vertex in range(vertices)]
        for source, at in sorted(edges, reverse=True):
            after[source] |= after[at]
        if last in after[0]:
            ways += int(3 ** sum(last in after[vertex] for vertex in after[0] - {0, last}))
    return ways


def test_a_network_of_nas_bench_101_has_the_weights_that_the_benchmark_gives() -> None:
    """The module that the authors' code shows as its example, known to have 2694282 weights."""
    edges = {"0-1", "0-2", "0-3", "0-5", "1-6", "2-6", "3-4", "4-6", "5-6"}
    answers: dict[str, Label] = {f"3/module/{s}-{t}": f"{s}-{t}" in edges for s, t in combinations(range(7), 2)}
    large, small = "conv3x3-bn-relu", "conv1x1-bn-relu"
    answers |= {f"3/module/{at}": label for at, label in enumerate((small, large, large, large, "maxpool3x3"), start=1)}
    found = replay(tree("nas-bench-101"), Trace.of(answers))

    assert found.graph is not None
    assert parameters(found.graph, DECLARED) == 2_694_282


def test_channels_are_shared_out_before_the_output_and_never_grow_on_the_way() -> None:
    edges = ((0, 1), (1, 2), (1, 5), (2, 3), (2, 5), (3, 5), (0, 4), (4, 5))

    assert shares(10, 6, edges) == {1: 3, 2: 3, 3: 2, 4: 2}
    assert shares(10, 5, ((0, 1), (1, 2), (0, 2), (2, 4), (0, 3), (3, 4))) == {1: 5, 2: 5, 3: 5}
    assert shares(10, 2, ((0, 1),)) == {}


@pytest.mark.parametrize("given", [{"vertices": 1}, {"edges": 0}, {"channels": 4}])
def test_nas_bench_101_says_what_it_takes(given: dict[str, int]) -> None:
    with pytest.raises(UserError, match="module"):
        nas_bench_101(**given)  # type: ignore[arg-type]  # none of these is the input


def test_attention_is_torchs_multi_head_attention() -> None:
    width, heads = 2 * HEAD, 2
    builder = Builder(DECLARED)
    mixed = attend(builder, builder.add("linear", builder.input(TensorType((1, 5, width))), out=3 * width))
    network = lower(builder.finish(builder.add("linear", mixed, out=width)), DECLARED)
    theirs = nn.MultiheadAttention(width, heads, batch_first=True)
    for ours, given in zip(network.parameters(), theirs.parameters(), strict=True):
        ours.data.copy_(given.data)
    x = torch.randn(3, 5, width)

    torch.testing.assert_close(network(x), theirs(x, x, x)[0])


def test_attention_takes_whole_heads() -> None:
    builder = Builder(DECLARED)

    with pytest.raises(Infeasible, match="192 features for each head; got 100"):
        attend(builder, builder.input(TensorType((1, 5, 100))))


def test_squeeze_and_excite_weighs_each_channel_by_itself() -> None:
    builder = Builder(DECLARED)
    network = lower(builder.finish(squeeze_and_excite(builder, builder.input(TensorType((1, 72, 4, 4))))), DECLARED)
    x = torch.rand(2, 72, 4, 4) + 1
    factors = network(x) / x

    assert [tuple(weights.shape) for weights in network.parameters()] == [(24, 72), (24,), (72, 24), (72,)]
    assert torch.allclose(factors, factors[:, :, :1, :1].expand_as(factors))
    assert 0 <= factors.min() < factors.max() <= 1


@pytest.mark.parametrize(("given", "rounded"), [(19.2, 24), (18, 24), (28.8, 32), (4, 8), (12, 16), (960, 960)])
def test_channels_are_rounded_to_eights_and_lose_a_tenth_at_most(given: float, rounded: int) -> None:
    assert divisible_by_8(given) == rounded


def test_a_width_multiplier_changes_the_networks_and_not_their_number() -> None:
    wide = mobilenet_v3(width=1.2)

    assert count(wide) == SIZES["mobilenet-v3"]
    assert parameters(drawn(wide, 0), DECLARED) > parameters(drawn(mobilenet_v3(), 0), DECLARED)


def test_a_bottleneck_that_is_no_multiple_of_the_groups_is_a_dead_end() -> None:
    space = resnext(depths=(1,), widths=(8, 12), ratios=(1, 2), groups=(1, 4))

    # of (8, 12) and their halves (4, 6), all are multiples of 1, and 6 is none of 4
    assert count(space) == (4 + 3) ** 3


@pytest.mark.parametrize("input", [(3, 30, 32), (3, 32), (3, 0, 16)])
def test_an_image_is_whole_patches(input: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="whole patches of 16 pixels a side"):
        autoformer(input=input)


def test_a_supernet_is_one_of_three() -> None:
    with pytest.raises(UserError, match="has the supernets tiny, small, base; got 'huge'"):
        autoformer(supernet="huge")


@pytest.mark.parametrize(
    ("given", "guess"),
    [("mobilenet-v2", "did you mean mobilenet-v3? "), ("autoformer", "did you mean autoformer-"), ("xyzzy", "")],
)
def test_a_name_that_nothing_has_is_told_the_names_that_there_are(given: str, guess: str) -> None:
    with pytest.raises(UserError) as caught:
        load_space(given)

    told = str(caught.value)
    assert told.startswith(f"{given!r} must be a file ending in .py or .json, module:name, or a space of the catalogue")
    assert guess in told
    assert ("did you mean" in told) == bool(guess)
    assert told.endswith(f"The catalogue has: {', '.join(CATALOG)}")


def test_a_file_comes_before_the_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tabular.py").write_text("space = 3\n", encoding="utf-8")
    (tmp_path / "resnext-a").write_text("no Python\n", encoding="utf-8")
    (tmp_path / "mobilenet-v3").mkdir()

    with pytest.raises(UserError, match=r"tabular.py must give a space"):
        load_space("tabular.py")
    with pytest.raises(UserError, match="'resnext-a' must be a file ending in .py, or module:name"):
        load_space("resnext-a")
    assert load_space("mobilenet-v3") is load_space(CATALOG["mobilenet-v3"])


def test_a_modules_own_name_still_is_one() -> None:
    with pytest.raises(UserError, match="json must define 'space'"):
        load_space("json")
