"""Modules of a user's own as operators: typed as torch types them, found again by name, and refused with a reason."""

from collections.abc import Mapping, Sequence
from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from archsmith.graph.builder import Builder, recheck
from archsmith.graph.cost import macs, parameters
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Graph, Node, Scalar, Value
from archsmith.graph.ops import DECLARED
from archsmith.graph.text import from_json, to_json
from archsmith.graph.types import TensorType
from archsmith.runtime.emit import header, network_class
from archsmith.runtime.lower import DTYPES, lower, type_of
from archsmith.runtime.modules import book_of, class_of, module, size
from archsmith.spaces.checking import check_space
from archsmith.spaces.nodes import any_of, call, chain, choose, op
from archsmith.spaces.sampling import sample
from archsmith.spaces.space import search_space
from tests.runtime.own_layers import (
    Counted,
    Demanding,
    Fuse,
    Halves,
    Looking,
    Misbehaving,
    Patches,
    SqueezeExcite,
    Stateful,
    Unsaid,
)

EXCITE = "tests.runtime.own_layers:SqueezeExcite"
SIZES = st.integers(1, 9)


def types(cls: type[nn.Module], *inputs: TensorType, **attributes: Scalar) -> tuple[TensorType, ...]:
    """What the rule book says that the module returns."""
    operator = module(cls)
    return DECLARED.extended([operator]).apply(operator.name, inputs, attributes).types


def real(made: nn.Module, *inputs: TensorType) -> tuple[TensorType, ...]:
    """What torch returns, for a batch of two more, its batch taken back."""
    given = [torch.ones((t.shape[0] + 2, *t.shape[1:]), dtype=DTYPES[t.dtype]) for t in inputs]
    found = made(*given)
    several = found if isinstance(found, tuple) else (found,)
    return tuple(TensorType((t.shape[0] - 2, *t.shape[1:]), type_of(t).dtype) for t in several)


def agree(cls: type[nn.Module], x: TensorType, given: Mapping[str, Scalar], made: Mapping[str, Scalar]) -> None:
    """The rules and torch accept the same calls and give the same types."""
    try:
        expected = real(cls(**made), x)
    except (ValueError, RuntimeError) as error:
        with pytest.raises(Infeasible, match=type(error).__name__):
            types(cls, x, **given)
    else:
        assert types(cls, x, **given) == expected


@given(SIZES, SIZES, SIZES, st.integers(1, 4))
def test_a_module_that_fails_on_some_sizes_is_typed_as_torch_types_it(c: int, h: int, w: int, by: int) -> None:
    agree(
        SqueezeExcite,
        TensorType((1, c, h, w)),
        {"channels": size(1), "reduction": by},
        {"channels": c, "reduction": by},
    )


@given(SIZES, SIZES, SIZES, st.integers(1, 3))
def test_a_module_that_cuts_patches_is_typed_as_torch_types_it(c: int, h: int, w: int, patch: int) -> None:
    agree(Patches, TensorType((1, c, h, w)), {"channels": size(1), "patch": patch}, {"channels": c, "patch": patch})


@given(
    st.lists(st.integers(2, 7), min_size=1, max_size=3), st.booleans(), st.sampled_from(["floor", "ceil"]), st.just(0.5)
)
def test_a_module_with_two_outputs_is_typed_as_torch_types_it(
    sizes: Sequence[int], whole: bool, mode: str, scale: float
) -> None:
    settings: dict[str, Scalar] = {"whole": whole, "mode": mode, "scale": scale}
    agree(Halves, TensorType((1, *sizes)), settings, settings)


@given(SIZES, SIZES)
def test_a_module_with_state_is_typed_as_torch_types_it(width: int, given: int) -> None:
    agree(Stateful, TensorType((1, given)), {"width": width}, {"width": width})


@given(st.sampled_from(["float32", "float64", "int64"]), SIZES)
def test_a_layer_that_is_given_another_dtype_is_refused_as_torch_refuses_it(dtype: str, width: int) -> None:
    agree(
        nn.Linear,
        TensorType((1, width), dtype),
        {"in_features": size(1), "out_features": 2},
        {"in_features": width, "out_features": 2},
    )


def test_a_module_that_looks_at_values_is_run_for_real() -> None:
    assert types(Looking, TensorType((1, 4))) == (TensorType((1, 4, 1)),)


def test_a_table_of_a_single_row_takes_whole_numbers() -> None:
    given = {"num_embeddings": 1, "embedding_dim": 3}

    assert types(nn.Embedding, TensorType((1, 4), "int64"), **given) == (TensorType((1, 4, 3)),)


def test_a_module_is_made_once_for_the_same_types_and_attributes_and_a_refusal_is_kept_too() -> None:
    before = Counted.made

    for _ in range(3):
        types(Counted, TensorType((1, 4)), width=1)
        with pytest.raises(Infeasible, match=r"Counted raised ValueError; on float32\[1, 4\], width=3: too wide"):
            types(Counted, TensorType((1, 4)), width=3)
    assert Counted.made == before + 2

    types(Counted, TensorType((1, 5)), width=1)
    types(Counted, TensorType((1, 4)), width=2)
    assert Counted.made == before + 4


def test_finding_a_type_leaves_the_generator_of_random_numbers_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)

    types(SqueezeExcite, TensorType((1, 64, 3, 3)), channels=64, reduction=16)

    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("transposes the batch", r"must keep the batch, .* returned float32\[4, 1\] for 1 samples and float32\[4, 2\]"),
        ("drops the batch", "must keep the batch"),
        ("joins samples", "must keep the batch"),
        ("counts samples", r"treat every sample alike, but returned float32\[1, 1\] for 1 samples"),
        ("differs in training", "treat every sample alike"),
        ("rare", "must return one of float32, .* but returned float8_e4m3fnuz"),
        ("dictionary", "must return a tensor, or a tuple of several, but returned dict"),
        ("nested", r"must return a tensor, or a tuple of several, but returned tuple\(Tensor, tuple\)"),
        ("one", r"must return a tensor, or a tuple of several, but returned tuple\(Tensor\)"),
        ("empty", r"would return float32\[1, 0\]"),
    ],
)
def test_what_a_search_cannot_use_is_refused_with_its_reason(mode: str, message: str) -> None:
    with pytest.raises(Infeasible, match=message):
        types(Misbehaving, TensorType((1, 4)), mode=mode)


def test_a_size_that_the_input_has_not_is_a_dead_end() -> None:
    with pytest.raises(Infeasible, match=r"asks for size\(2\), which its input has not; got float32\[1, 4\]"):
        types(SqueezeExcite, TensorType((1, 4)), channels=size(2))


@pytest.mark.parametrize("dimension", [0, -1, 8, True, "1"])
def test_a_size_is_of_a_dimension_behind_the_batch(dimension: int) -> None:
    with pytest.raises(UserError, match="size takes a dimension from 1 to 7, 0 being the batch"):
        size(dimension)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (SqueezeExcite(4), "takes a class of torch.nn.Module, not made yet"),
        (int, "takes a class of torch.nn.Module"),
        (Demanding, r"must say that sizes is an int, float, bool or str.* it says sizes: list\[int\]"),
        (Unsaid, "must say that width is an int, float, bool or str"),
        (type("Made", (nn.Module,), {"__module__": __name__}), "Made must stand at the top of a module or file"),
    ],
)
def test_what_is_no_usable_class_is_said_when_the_space_is_written(given: type[nn.Module], message: str) -> None:
    with pytest.raises(UserError, match=message):
        module(given)


def test_the_attributes_are_the_constructors_arguments_of_our_kinds() -> None:
    found = {entry.name: (entry.kind, entry.default) for entry in module(Halves).attributes}

    assert found == {"scale": (float, 0.5), "whole": (bool, False), "mode": (str, "floor")}
    assert [entry.name for entry in module(nn.Linear).attributes] == ["in_features", "out_features", "bias"]
    with pytest.raises(UserError, match=f"{EXCITE} needs channels"):
        types(SqueezeExcite, TensorType((1, 4, 2, 2)))


EXCITING = search_space(
    chain(
        op("conv2d", out=choose(4, 8), kernel=3),
        op(module(SqueezeExcite), channels=size(1), reduction=choose(2, 3, 4)),
        op("global_avg_pool"),
    ),
    input=(2, 6, 6),
)


def test_a_space_names_the_class_and_asks_its_choices_by_its_short_name() -> None:
    found = sample(EXCITING, Random(0))

    assert f"  {EXCITE}(channels='size(1)', reduction=choose(2, 3, 4))" in EXCITING.text()
    assert found.trace.as_dict().keys() == {"0/conv2d.out", "1/SqueezeExcite.reduction"}
    assert found.graph is not None
    node = found.graph.nodes[2]
    assert (node.operator, node.attribute["channels"]) == (EXCITE, found.graph.nodes[1].attribute["out"])


def test_a_space_is_checked_with_its_dead_ends_and_the_cost_of_its_own_modules() -> None:
    report = check_space(EXCITING, Random(0), walks=60)

    assert [reason.rule for reason in report.reasons] == ["SqueezeExcite raised ValueError"]
    assert report.parameters is not None
    # 76 of the convolution and, for 4 channels reduced by 4, two linear layers of 5 and 8 numbers
    assert report.parameters.least == 76 + 5 + 8
    assert report.macs is not None
    assert report.macs.least == 4 * 2 * 9 * 16 + 4 + 4


@given(st.integers(0, 5))
def test_a_graph_needs_nothing_but_its_text_to_be_lowered_and_measured(seed: int) -> None:
    graph = sample(EXCITING, Random(seed)).graph
    assert graph is not None
    again = from_json(to_json(graph))
    book = book_of(again)
    network = lower(again, book)

    assert recheck(again, book) == graph
    assert parameters(again, book) == sum(p.numel() for p in network.parameters())
    assert macs(again, book) == macs(graph, EXCITING.book)
    assert network(torch.zeros(3, 2, 6, 6)).shape == (3, *graph.output_types[0].shape[1:])


def test_the_weights_that_are_not_trained_do_not_count() -> None:
    operator = module(Stateful)
    builder = Builder(DECLARED.extended([operator]))
    graph = builder.finish(builder.add(operator.name, builder.input(TensorType((1, 5))), width=size(1)))

    assert parameters(graph, builder.book) == 10


def test_the_source_imports_the_class_and_runs() -> None:
    graph = sample(EXCITING, Random(0)).graph
    assert graph is not None
    source = header(graph) + network_class(graph, DECLARED)
    scope: dict[str, type[nn.Module]] = {}
    exec(source, scope)

    assert "import tests.runtime.own_layers\n" in source
    assert f"self.SqueezeExcite_2 = {EXCITE.replace(':', '.')}(channels=" in source
    assert scope["Network"]()(torch.zeros(2, 2, 6, 6)).shape[0] == 2


HALVES, FUSE = module(Halves), module(Fuse)


def split_and_fuse(builder: Builder, x: Value) -> Value:
    left, _ = builder.apply(HALVES.name, (x,), {})
    return builder.add(FUSE.name, left, x, left=size(1))


def test_a_function_may_use_a_module_with_several_inputs_and_outputs() -> None:
    graph = sample(search_space(call(split_and_fuse), input=(6,), operators=[HALVES, FUSE]), Random(0)).graph
    assert graph is not None

    assert graph.output_types == (TensorType((1, 9)),)
    assert lower(graph, DECLARED)(torch.zeros(5, 6)).shape == (5, 9)


def test_an_attribute_that_does_not_exist_is_said_when_the_space_is_made() -> None:
    with pytest.raises(UserError, match=f"{EXCITE} takes channels, reduction; got ratio"):
        search_space(any_of(op("relu"), op(module(SqueezeExcite), ratio=2)), input=(4, 4, 4))


def forged(operator: str, **attributes: Scalar) -> Graph:
    x = TensorType((1, 4))
    return Graph(
        (Node("input", (), (), (x,)), Node(operator, (Value(0),), tuple(attributes.items()), (x,))), (Value(1),)
    )


@pytest.mark.parametrize(
    "operator",
    [
        "os;evil:Gate",
        "a b:Gate",
        "os:Gate()",
        "os:__Gate",
        "os.:Gate",
        ":Gate",
        "nn:Gate",
        "x0:Gate",
        "my\nevil().py:G",
    ],
)
def test_a_name_that_would_be_code_never_reaches_a_source(operator: str) -> None:
    with pytest.raises(UserError, match="rename it"):
        network_class(forged(operator), DECLARED)
    with pytest.raises(UserError, match="rename it"):
        header(forged(operator))


def test_a_folder_or_an_attribute_that_would_be_code_does_not_reach_a_source_either() -> None:
    text = header(forged("/my\nevil()/layers.py:Gate"))

    assert "evil()" not in text.splitlines()
    assert r"import layers  # '/my\nevil()/layers.py'" in text
    with pytest.raises(UserError, match="an attribute's name must be a plain name"):
        network_class(forged("layers:Gate", **{"a=evil(), b": 1}), DECLARED)


@pytest.mark.parametrize(
    ("operator", "message"),
    [
        ("/nowhere/my_space.py:Gate", "must be a Python file that exists"),
        ("archsmith_no_such_module:Gate", "no module"),
        ("tests.runtime.own_layers:Gone", "must define 'Gone'"),
        ("tests.runtime.own_layers:torch", "must be a class of torch.nn.Module"),
    ],
)
def test_a_class_that_is_gone_is_named(operator: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        class_of(operator)


def test_two_files_of_one_name_cannot_be_in_one_source() -> None:
    builder = Builder(DECLARED)
    x = builder.input(TensorType((1, 4)))
    graph = builder.finish(x)

    with pytest.raises(UserError, match="imports one module layers; got /b/layers.py and /a/layers.py"):
        header(graph, forged("/a/layers.py:Gate"), forged("/b/layers.py:Gate"))
