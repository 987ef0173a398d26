"""Generated cases run in PyTorch as the rules say, are many, and follow from their seed and number alone."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from archsmith.fuzz.attempt import attempt
from archsmith.fuzz.case import Case, operators
from archsmith.fuzz.generate import ELEMENTS, make_case, make_space
from archsmith.fuzz.inputs import inputs, network
from archsmith.graph.errors import UserError
from archsmith.graph.ops import DECLARED
from archsmith.runtime.lower import type_of
from tests.fuzz.faults import chain

SPACE = make_space()
CASES = [make_case(11, number, SPACE) for number in range(200)]


def test_every_graph_runs_and_returns_what_its_rules_say() -> None:
    for case in CASES:
        result = attempt(network(case, DECLARED), inputs(case))

        assert not isinstance(result, Exception), case
        assert tuple(map(type_of, result)) == case.graph.output_types, case


def test_a_case_follows_from_its_seed_and_number_alone() -> None:
    again = make_space()

    assert [make_case(11, number, again) for number in (199, 3, 57)] == [CASES[199], CASES[3], CASES[57]]
    assert make_case(12, 3, SPACE).graph != CASES[3].graph


def test_cases_are_many_deep_and_mostly_float32() -> None:
    dtypes = Counter(given.dtype for case in CASES for given in case.graph.input_types)
    shapes = {given.shape for case in CASES for given in case.graph.input_types}

    assert len({case.graph for case in CASES}) > 190
    assert len(shapes) > 100
    assert max(len(operators(case)) for case in CASES) >= 7
    assert sum(_depth(case) >= 4 for case in CASES) > 60
    assert dtypes["float32"] > dtypes.total() / 3
    assert len(dtypes) == 5


def _depth(case: Case) -> int:
    """The number of operators on the longest way from an input to an output."""
    depth: list[int] = []
    for node in case.graph.nodes:
        depth.append(1 + max(depth[value.node] for value in node.inputs) if node.inputs else 0)
    return max(depth)


def test_nearly_every_operator_comes_up_in_a_few_hundred_cases() -> None:
    seen = {name for case in CASES for name in operators(case)}

    assert len(seen) > 0.9 * len(SPACE.book.operators)
    assert seen <= DECLARED.operators.keys() - {"dropout"}


def test_no_input_is_larger_than_the_space_allows() -> None:
    space = make_space({"sizes": [2, 9, 17]})
    sizes = [given.elements for number in range(100) for given in make_case(1, number, space).graph.input_types]

    assert max(sizes) <= ELEMENTS


@pytest.mark.parametrize(
    "settings",
    [
        {"include": ["conv3d"], "sizes": [5]},
        {"include": ["conv2d"], "sizes": [64]},
        {"include": ["outer", "logical_not"], "dtypes": ["int64"]},
        {"exclude": ["identity", "relu"], "nodes": 1, "inputs": 1},
        {"include": ["matmul"], "sizes": [100, 7]},
    ],
    ids=str,
)
def test_no_settings_lead_to_a_dead_end(settings: Mapping[str, Any]) -> None:
    space = make_space(settings)
    seen = {name for number in range(30) for name in operators(make_case(1, number, space))}

    assert seen & set(settings.get("include", seen))
    assert seen <= {*settings.get("include", seen), "identity"}


def test_settings_bound_what_is_generated() -> None:
    space = make_space({"nodes": 3, "inputs": 1, "sizes": [2, 3], "dtypes": ["float64"], "include": ["relu", "add"]})
    graphs = [make_case(1, number, space).graph for number in range(30)]

    assert max(len(graph.nodes) for graph in graphs) == 4
    assert {given.dtype for graph in graphs for given in graph.input_types} == {"float64"}
    assert {size for graph in graphs for given in graph.input_types for size in given.shape} == {2, 3}


def test_dropout_is_drawn_only_where_it_is_asked_for() -> None:
    assert "dropout" in make_space({"include": ["dropout"]}).book.operators
    assert "dropout" not in SPACE.book.operators


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"node": 3}, "settings: there is no 'node'; did you mean one of: nodes"),
        ({"include": ["conv2"]}, "include: there is no 'conv2'; did you mean one of: conv2d"),
        ({"exclude": ["zzz"]}, "exclude: there is no 'zzz'"),
        ({"dtypes": ["float"]}, "dtypes: there is no 'float'"),
        ({"dtypes": ["bool"], "include": ["conv2d"]}, "dtypes: the operators take float32; got bool"),
        ({"include": ["relu"], "exclude": ["relu"]}, "no operator is left"),
        ({"include": 3}, "include must be a list of names"),
        ({"nodes": 0}, "nodes must be whole numbers of at least 1"),
        ({"inputs": True}, "inputs must be whole numbers of at least 1"),
        ({"sizes": []}, "sizes must be whole numbers of at least 1"),
        ({"sizes": [2.5]}, "sizes must be whole numbers of at least 1"),
        ({"sizes": "3"}, "sizes must be whole numbers of at least 1"),
    ],
    ids=str,
)
def test_unknown_settings_are_the_callers_mistake(settings: Mapping[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make_space(settings)


def test_inputs_follow_from_the_seed() -> None:
    case, other = CASES[0], Case(CASES[0].graph, CASES[0].seed + 1)

    assert all(map(lambda a, b: a.equal(b) and a.stride() == b.stride(), inputs(case), inputs(case)))
    assert not all(map(lambda a, b: a.equal(b), inputs(case), inputs(other)))


def test_parameters_follow_from_the_seed() -> None:
    case = chain(2, 4, through=("linear",), fixed={"out": 3})
    weights = [network(given, DECLARED).state_dict()["linear_1.weight"] for given in (case, case, Case(case.graph, 2))]

    assert weights[0].equal(weights[1])
    assert not weights[0].equal(weights[2])
