"""Learned operators in search spaces: by name, their attributes chosen or in lists, samples of a batch kept apart."""

import json
from pathlib import Path
from random import Random

import pytest
import torch
from hypothesis import given

from archsmith.graph import learned
from archsmith.graph.book import RuleBook
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Graph
from archsmith.graph.learned import learned_operator
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.runtime.lower import lower, type_of
from archsmith.spaces.batches import demand_samples_apart
from archsmith.spaces.calls import Calls
from archsmith.spaces.counting import count
from archsmith.spaces.growth import GrowthSpace
from archsmith.spaces.nodes import any_of, chain, choose, op, shared
from archsmith.spaces.sampling import sample
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.spaces.text import from_json, to_json
from tests.learned_rules import integer, learned_rule, operators, tensor, written
from tests.strategies import graphs


@pytest.fixture(autouse=True)
def book(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> RuleBook:
    """The declared operators, with the small book as the one that comes along."""
    folder = tmp_path_factory.mktemp("books")
    written(folder)
    monkeypatch.setattr(learned, "RULEBOOKS", folder)
    found = RuleBook(DECLARED.operators.values(), further=learned.shipped)
    for place in ("archsmith.spaces.books.DECLARED", "archsmith.graph.ops.DECLARED"):
        monkeypatch.setattr(place, found)
    return found


WHICH = shared("which", choose(1, 2))


def space() -> TreeSpace:
    turned = any_of(
        op("torch.roll", shifts=choose(1, 2), dims=1),
        op("torch.roll", shifts=(1, WHICH), dims=(2, 3)),
        op("torch.roll", shifts=3, dims=WHICH - 1),
    )
    tail = (op("torch.nn.functional.softplus", beta=2), op("global_avg_pool"), op("linear", out=3))
    return search_space(chain(op("conv2d", out=4, kernel=3, padding="same"), turned, *tail), input=(1, 8, 8))


def test_a_space_draws_networks_with_learned_operators() -> None:
    found = space()
    networks = {sample(found, Random(seed)).graph for seed in range(40)}

    assert count(found) == 2 + 2 + 1  # along the batch, it would be a dead end
    assert len(networks) == 5
    for graph in networks:
        assert graph is not None
        out = lower(graph, found.book)(torch.ones(5, 1, 8, 8))
        assert type_of(out) == TensorType((5, 3))


def test_a_list_is_its_entries() -> None:
    one, other = (
        op("torch.roll", shifts=(1, 2), dims=[2, 3]),
        op("torch.roll", shifts_0=1, shifts_1=2, dims_0=2, dims_1=3),
    )

    assert one == other
    assert op("torch.sum", dim=None, size=()).attributes == (("dim", "None"), ("size", "[]"))


def test_a_space_is_written_and_read_back() -> None:
    again = from_json(to_json(space()))

    assert isinstance(again, TreeSpace)
    assert again.text() == space().text()
    assert json.loads(to_json(again)) == json.loads(to_json(space()))


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (lambda: op("torch.rol", shifts=1), "did you mean one of: torch.roll"),
        (lambda: op("torch.roll", shifts=1, axis=1), "torch.roll takes shifts, dims, .*; got axis"),
        (lambda: op("torch.roll", shifts=choose(1, -2), dims=1), "of at least 0; got -2"),
        (lambda: op("torch.roll", dims=1), "torch.roll needs shifts"),
        (lambda: op("torch.Tensor.add_", other=1), "torch.Tensor.add_ cannot stand in a graph: it writes to its input"),
        (lambda: op("torch.is_nonzero"), "cannot stand in a graph: it returns no tensor"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_as_the_space_is_made(part: object, message: str) -> None:
    assert callable(part)
    with pytest.raises(UserError, match=message):
        search_space(part(), input=(4,))


@pytest.mark.parametrize(
    ("name", "shape", "attributes", "message"),
    [
        ("torch.roll", (1, 4), {"shifts": 1, "dims": 0}, "with dims=0 would mix the samples of a batch"),
        ("torch.sum", (1, 4, 5), {"dtype": "int64"}, r"would return int64\[\] of float32\[1, 4, 5\]"),
        ("torch.reshape", (1, 4, 6), {"shape_0": 1, "shape_1": 24}, "requires input_0.input_1.input_2 == "),
        ("torch.reshape", (1, 4, 6), {"shape_0": 2, "shape_1": 12}, r"would return float32\[2, 12\]"),
        ("torch.Tensor.unfold", (1, 4, 5), {"dimension": 1, "size": 0}, "which has no elements"),
    ],
)
def test_samples_of_a_batch_are_kept_apart(
    book: RuleBook, name: str, shape: tuple[int, ...], attributes: dict[str, int | str], message: str
) -> None:
    with pytest.raises(Infeasible, match=message):
        demand_samples_apart(book, name, (TensorType(shape),), attributes)


def test_what_keeps_samples_apart_is_let_through(book: RuleBook) -> None:
    for name, attributes in (("torch.roll", {"shifts": 1, "dims": 1}), ("torch.nn.functional.softplus", {})):
        demand_samples_apart(book, name, (TensorType((1, 4)),), attributes)


def test_an_operator_that_ends_every_walk_leaves_none() -> None:
    with pytest.raises(UserError, match="torch.roll with dims=0 would mix the samples"):
        sample(search_space(op("torch.roll", shifts=1, dims=0), input=(4,)), Random(0))


GROWN = GrowthSpace(RuleBook([*operators(), DECLARED.operator("relu")]), nodes=3, sizes=(1, 2, 3), elements=64)


@given(graph=graphs(GROWN))
def test_graphs_grow_with_learned_operators(graph: Graph) -> None:
    assert all(kind.elements <= 64 for node in graph.nodes for kind in node.types)
    assert not {"torch.Tensor.add_", "torch.is_nonzero", "torch.index_select"} & {n.operator for n in graph.nodes}


def test_the_ways_to_call_are_decided_before_the_numbers() -> None:
    found = next(
        derivation
        for seed in range(200)
        if "torch.roll" in (derivation := sample(GROWN, Random(seed))).trace.as_dict().values()
    )
    node = next(name for name, label in found.trace.answers if label == "torch.roll")
    answers = found.trace.as_dict()

    assert str(answers[node.replace("operator", "signature")]).startswith("torch.roll(input[")
    assert node.replace("operator", "shifts") in answers or node.replace("operator", "shifts_0") in answers


def test_only_numbers_that_lead_to_a_call_are_offered() -> None:
    calls = Calls(GROWN.book, elements=64)
    given = (TensorType((1, 2, 3)),)
    ((text, way),) = calls.ways("torch.reshape", given).items()

    assert text == "torch.reshape(input[input_0, input_1, input_2], [shape_0, shape_1])"
    assert calls.options("torch.reshape", way, given, {}, "shape_0") == (1, 2, 3, 6)
    assert calls.options("torch.reshape", way, given, {"shape_0": 2}, "shape_1") == (3,)
    assert calls.ways("torch.reshape", (TensorType((1, 2, 3), "complex64"),)) == {}
    assert calls.ways("relu", given) == {}


def test_a_search_for_numbers_ends() -> None:
    """No choice fits, of more than 4 ** 16."""
    names = [f"p{place}" for place in range(16)]
    total = " + ".join(names)
    rule = learned_rule("torch.f", (tensor("input", 1), *map(integer, names)), (("input_0",),), (f"{total} == 99",))
    calls = Calls(RuleBook([learned_operator("torch.f", [rule])]), elements=64)

    assert calls.ways("torch.f", (TensorType((2,)),)) == {}


def test_the_book_that_comes_along_is_not_opened_for_declared_operators(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"pytorch-{learned.VERSION}.json.gz").write_bytes(b"damaged")
    monkeypatch.setattr(learned, "RULEBOOKS", tmp_path)
    made = search_space(op("relu"), input=(4,))

    assert sample(made, Random(0)).graph is not None
    with pytest.raises(UserError, match="must be a book"):
        search_space(op("torch.roll", shifts=1, dims=1), input=(4,))
