"""Constraints: what meets them is all that can be had, whichever way it is had."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from math import sqrt
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archsmith.graph.cost import macs, parameters
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.spaces import reach as reaching
from archsmith.spaces.checking import blinded
from archsmith.spaces.counting import Counts, count
from archsmith.spaces.decisions import Trace, derive, randomly, replay
from archsmith.spaces.enumeration import architectures, traces
from archsmith.spaces.nodes import any_of, chain, choose, op, optional, parallel, repeat, residual, shared
from archsmith.spaces.recipe import recipe_of
from archsmith.spaces.sampling import mutate, sample
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.spaces.uniform import draw_uniformly
from tests.spaces.leaves import leaves
from tests.strategies import trees

WIDTH = shared("width", choose(2, 4, 6))
DEPTH = shared("depth", choose(0, 1, 3))
ACTIVATION = shared("activation", choose("relu", "gelu"))

TREE = chain(
    op("conv2d", out=WIDTH, kernel=choose(1, 3), padding="same"),
    repeat(op("conv2d", out=WIDTH, kernel=choose(1, 3), padding="same", bias=False), DEPTH),
    residual(op("conv2d", out=choose(2, 4), kernel=1)),
    any_of(op("relu"), wide=op("conv2d", out=2 * WIDTH, kernel=1)),
    op("max_pool2d", kernel=choose(2, 5)),
    op("max_pool2d", kernel=2),
)
"""Shared values, a tied count, a projection and dead ends; some networks have few parameters and many MACs."""

ONE_BRANCH = chain(
    op("linear", out=choose(4, 8)),
    any_of(plain=op("relu"), wide=op("linear", out=shared("wide", choose(2, 8, 16)))),
    optional(op("linear", out=shared("late", choose(3, 5)))),
)
"""``wide`` and ``late`` are each asked in one branch only."""


def in_order(width: int, depth: int) -> bool:
    """A predicate of two values."""
    return width > depth and width != 4


def narrow(wide: int) -> bool:
    return wide < 8


def differ(wide: int, late: int) -> bool:
    return (wide + late) % 4 == 1


Facts = dict[str, Any]
Demand = tuple[str | Callable[..., bool], Callable[[Facts], bool]]

DEMANDS: dict[str, list[Demand]] = {
    "at most": [("parameters <= 120", lambda fact: fact["parameters"] <= 120)],
    "fewer than": [("parameters < 84", lambda fact: fact["parameters"] < 84)],
    "at least": [("parameters >= 150", lambda fact: fact["parameters"] >= 150)],
    "more macs": [("macs > 3000", lambda fact: fact["macs"] > 3000)],
    "a window": [
        ("parameters >= 80", lambda fact: fact["parameters"] >= 80),
        ("parameters <= 96", lambda fact: fact["parameters"] <= 96),
    ],
    "one number": [("parameters == 102", lambda fact: fact["parameters"] == 102)],
    "any other number": [("parameters != 102", lambda fact: fact["parameters"] != 102)],
    "every third": [("parameters % 3 == 1", lambda fact: fact["parameters"] % 3 == 1)],
    "two costs": [
        ("parameters <= 150", lambda fact: fact["parameters"] <= 150),
        ("macs >= 2000", lambda fact: fact["macs"] >= 2000),
    ],
    "costs together": [("macs - 20 * parameters >= 300", lambda fact: fact["macs"] - 20 * fact["parameters"] >= 300)],
    "cost by width": [("parameters <= 30 * width", lambda fact: fact["parameters"] <= 30 * fact["width"])],
    "either": [
        (
            "parameters < 50 or macs > 4000 and not width == 6",
            lambda fact: fact["parameters"] < 50 or (fact["macs"] > 4000 and fact["width"] != 6),
        )
    ],
    "values": [("width * depth <= 6", lambda fact: fact["width"] * fact["depth"] <= 6)],
    "a divisor that may be 0": [("12 // depth == 4", lambda fact: fact["depth"] == 3)],
    "a cost that may be 0 divides": [("9000 // parameters > 50", lambda fact: 9000 // fact["parameters"] > 50)],
    "a predicate": [(in_order, lambda fact: in_order(fact["width"], fact["depth"]))],
    "values, a predicate and costs": [
        (in_order, lambda fact: in_order(fact["width"], fact["depth"])),
        ("width + depth <= 7", lambda fact: fact["width"] + fact["depth"] <= 7),
        ("macs <= 3000", lambda fact: fact["macs"] <= 3000),
        ("parameters >= 40", lambda fact: fact["parameters"] >= 40),
    ],
}


def facts(graph: Graph, trace: Trace) -> Facts:
    return {**trace.as_dict(), "parameters": parameters(graph, DECLARED), "macs": macs(graph, DECLARED)}


def valid(space: TreeSpace) -> dict[Trace, Graph]:
    """What brute force finds in a space without constraints."""
    return {leaf.trace: leaf.graph for leaf in leaves(space) if leaf.graph is not None}


FREE = valid(search_space(TREE, input=(2, 6, 6)))


def demanding(demands: list[Demand]) -> TreeSpace:
    return search_space(TREE, input=(2, 6, 6), require=[text for text, _ in demands])


def meeting(demands: list[Demand]) -> dict[Trace, Graph]:
    return {
        trace: graph
        for trace, graph in FREE.items()
        if all(met(facts(graph, trace)) for _, met in demands)  # the same in Python
    }


EVERY = pytest.mark.parametrize("demands", DEMANDS.values(), ids=DEMANDS)


@EVERY
def test_what_meets_the_constraints_is_listed_and_counted(demands: list[Demand]) -> None:
    space, wanted = demanding(demands), meeting(demands)

    assert 0 < len(wanted) < len(FREE)
    assert count(space) == len(wanted)
    assert {found.trace: found.graph for found in architectures(space)} == wanted


@EVERY
def test_walks_draws_and_mutations_meet_the_constraints(demands: list[Demand]) -> None:
    space, wanted = demanding(demands), meeting(demands)
    rng = Random(0)
    for _ in range(12):
        walked = derive(space, randomly(rng))
        trace = space.draw(rng)

        assert walked.graph == wanted[walked.trace]
        assert {trace, space.mutated(trace, rng), sample(space, rng).trace, mutate(space, trace, rng).trace} <= set(
            wanted
        )


@pytest.mark.parametrize("name", ["a window", "values, a predicate and costs"])
def test_uniform_draws_are_uniform_under_constraints(name: str) -> None:
    space, wanted = demanding(DEMANDS[name]), meeting(DEMANDS[name])
    counts, rng = Counts(space.reach), Random(0)
    taken = Counter(draw_uniformly(space, counts, rng) for _ in range(20 * len(wanted)))
    chi_squared = sum((taken[trace] - 20) ** 2 / 20 for trace in wanted)

    assert taken.keys() <= wanted.keys()
    assert abs(chi_squared - (len(wanted) - 1)) < 3.5 * sqrt(2 * (len(wanted) - 1))


@settings(max_examples=40)
@given(trees(), st.data())
def test_any_tree_under_a_limit_of_any_kind(tree: object, data: st.DataObject) -> None:
    free = search_space(tree, input=(4, 6, 6))  # type: ignore[arg-type]  # a node
    assume(count(free) <= 150)
    found = valid(free)
    assume(found)
    limit = parameters(data.draw(st.sampled_from(sorted(found.items(), key=str)))[1], DECLARED)
    comparison = data.draw(st.sampled_from(["<=", ">=", "==", "!="]))
    space = search_space(tree, input=(4, 6, 6), require=f"parameters {comparison} {limit}")  # type: ignore[arg-type]
    keeps = {"<=": int.__le__, ">=": int.__ge__, "==": int.__eq__, "!=": int.__ne__}[comparison]
    wanted = {trace for trace, graph in found.items() if keeps(parameters(graph, DECLARED), limit)}

    assert count(space) == len(wanted)
    assert {one.trace for one in architectures(space)} == wanted


@pytest.mark.parametrize("demands", [["parameters >= 0"], ["parameters >= 0", "macs >= 0"]], ids=["one", "two"])
def test_what_turned_out_to_be_dead_is_not_taken_again(demands: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the constraints on cost are met wherever one goes."""
    monkeypatch.setattr(reaching, "LOOKS", 1)
    monkeypatch.setattr(reaching, "PATIENCE", 1)
    tree = chain(op("linear", out=WIDTH), any_of(op("relu"), op("tanh")), residual(op("linear", out=4), project=False))
    space = search_space(tree, input=(2,), require=demands)
    rng = Random(0)
    draws = [space.draw(rng) for _ in range(20)]

    assert space.reach.undecided
    assert {trace.as_dict()["width"] for trace in draws} == {4}
    assert {space.mutated(trace, rng).as_dict()["width"] for trace in draws} == {4}


def test_the_limit_of_looking_leaves_draws_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "LOOKS", 3)
    monkeypatch.setattr(reaching, "PATIENCE", 3)
    demands = DEMANDS["a window"]
    space, wanted = demanding(demands), meeting(demands)
    rng = Random(0)
    traces = [space.draw(rng) for _ in range(20)]
    mutated = [space.mutated(trace, rng) for trace in traces]

    assert space.reach.undecided
    assert {*traces, *mutated} <= wanted.keys()
    assert count(space) == len(wanted)


@pytest.mark.parametrize(
    ("require", "expected"),
    [
        ("wide <= 2", lambda fact: fact.get("wide", 0) <= 2),
        (narrow, lambda fact: fact.get("wide", 0) < 8),
        ("wide > 99", lambda fact: "wide" not in fact),
        (differ, lambda fact: not {"wide", "late"} <= fact.keys() or (fact["wide"] + fact["late"]) % 4 == 1),
        ("wide + late >= 11", lambda fact: not {"wide", "late"} <= fact.keys() or fact["wide"] + fact["late"] >= 11),
        ("parameters < 10 * wide", lambda fact: "wide" not in fact or fact["parameters"] < 10 * fact["wide"]),
    ],
    ids=["a value", "a predicate", "never met", "a predicate of two", "of two", "with a cost"],
)
def test_a_constraint_speaks_of_architectures_that_have_its_values(
    require: str | Callable[..., bool], expected: Callable[[Facts], bool]
) -> None:
    found = valid(search_space(ONE_BRANCH, input=(4,)))
    space = search_space(ONE_BRANCH, input=(4,), require=require)
    wanted = {trace for trace, graph in found.items() if expected(facts(graph, trace))}

    assert 0 < len(wanted) < len(found)
    assert count(space) == len(wanted)
    assert {one.trace for one in architectures(space)} == wanted


def test_a_cost_of_nothing_divides_nothing() -> None:
    """Where the divisor is 0 the constraint has no value, and is not met."""
    tree = chain(optional(op("linear", out=shared("out", choose(1, 2)))), optional(op("relu")))
    for demand in ("1000 // parameters >= 1", "1000 % parameters < 900", "not (1000 // parameters < 0)"):
        space = search_space(tree, input=(4,), require=demand)

        assert count(space) == 2 * 2
        assert {len(found.trace) for found in space} == {3}


def test_words_and_fractions_are_for_predicates() -> None:
    tree = chain(op("linear", out=WIDTH), op("dropout", rate=shared("rate", choose(0.1, 0.5))))
    space = search_space(tree, input=(2,), require=[gentle])

    assert {(found.trace.as_dict()["width"], found.trace.as_dict()["rate"]) for found in space} == {
        (2, 0.1),
        (4, 0.1),
        (6, 0.1),
        (6, 0.5),
    }
    with pytest.raises(UserError, match=r"in 'rate < 1', rate must be whole numbers; it is .*: write a function of"):
        search_space(tree, input=(2,), require="rate < 1")


def gentle(width: int, rate: float) -> bool:
    return rate * width >= 3 or rate < 0.2


def test_values_of_the_recipe_are_constrained_too() -> None:
    size = shared("size", choose(16, 32, 64))
    space = search_space(
        op("linear", out=WIDTH),
        input=(2,),
        recipe={"batch_size": size, "epochs": choose(1, 2)},
        require=["width * size <= 128", "parameters + size >= 30"],
    )
    found = [(found.trace.as_dict(), recipe_of(space, found.trace)) for found in space]

    assert {(trace["width"], recipe["batch_size"]) for trace, recipe in found} == {(2, 32), (2, 64), (4, 32), (6, 16)}
    assert count(space) == len(found) == 8
    rng = Random(0)
    assert {space.draw(rng).as_dict()["size"] for _ in range(40)} == {16, 32, 64}


def test_costs_are_those_of_the_whole_diagram() -> None:
    """Whatever grows a network: projections, joins, functions and what asks nothing."""
    tree = chain(
        op("conv2d", out=4, kernel=3),
        parallel(op("conv2d", out=choose(2, 3), kernel=1), op("conv2d", out=2, kernel=1), join="cat"),
        residual(op("conv2d", out=WIDTH, kernel=choose(1, 3), stride=2, padding="same")),
        op("flatten"),
        op("linear", out=3),
    )
    free = valid(search_space(tree, input=(2, 6, 6)))
    for graph in free.values():
        exact = [f"parameters == {parameters(graph, DECLARED)}", f"macs == {macs(graph, DECLARED)}"]
        same = [
            g for g in free.values() if all(cost(g, DECLARED) == cost(graph, DECLARED) for cost in (parameters, macs))
        ]

        assert count(search_space(tree, input=(2, 6, 6), require=exact)) == len(same)


def test_a_large_space_is_counted_under_a_limit() -> None:
    layer = op("conv2d", out=4, kernel=choose(1, 3), padding="same", bias=False)
    space = search_space(repeat(layer, 30), input=(4, 8, 8), require=f"parameters <= {16 * (30 + 8 * 2)}")

    assert count(space) == 1 + 30 + 30 * 29 // 2
    assert parameters(sample(space, Random(0)).graph, DECLARED) <= 16 * 46  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("require", "reason"),
    [
        ("width > 6", r"the space demands width > 6; got width=2"),
        ("parameters < 7", r"the space demands parameters < 7; it has 12 to "),
        (["width == 4", in_order], r"the space demands "),
        (["width * depth >= 6", "macs <= 500"], r"the space demands macs <= 500; it has \d+ to \d+ parameters"),
    ],
)
def test_a_contradiction_says_what_is_demanded(require: str | list[str], reason: str) -> None:
    space = search_space(TREE, input=(2, 6, 6), require=require)

    assert count(space) == 0
    for draw in (space.draw, partial(sample, space), partial(draw_uniformly, space, Counts(space.reach))):
        with pytest.raises(UserError, match=rf"^no architecture of this space is valid; the .* dead end: .*{reason}"):
            draw(Random(0))


@pytest.mark.parametrize(
    ("require", "message"),
    [
        ("size <= 3", r"speaks of size; it may speak of parameters, macs, activation, depth, width"),
        ("parameters <= 1.5", r"a constraint is an expression over whole numbers: .*'1.5' is not integer arithmetic"),
        ("macs / 2 < 9", r"a constraint is an expression over whole numbers: .*'macs / 2' is not"),
        ("parameters <=", r"a constraint is an expression over whole numbers: not an expression"),
        ("activation == 1", r"activation must be whole numbers; it is choose\('relu', 'gelu'\)"),
        ("1 < 2", r"a constraint speaks of parameters, macs or of shared values; '1 < 2' speaks of none"),
        (lambda width: True, r"a predicate is a function of shared values by name, at the top of a file; got .*lambda"),
        (max, r"max does not tell its names"),
        (len, r"the constraint 'len' speaks of obj|a predicate is a function of shared values by name"),
        (narrow, r"the constraint 'narrow' speaks of wide; it may speak of parameters, macs, activation, depth, width"),
        ([3], r"a constraint is text such as \"parameters <= 1e6\", or a function; got 3"),
    ],
)
def test_what_is_no_constraint_is_refused(require: object, message: str) -> None:
    tree = chain(TREE, optional(op("hardtanh", high=1.0)), op("dropout", rate=0.5))
    noted = search_space(tree, input=(2, 6, 6), recipe={"activation": ACTIVATION})
    assert count(noted)

    with pytest.raises(UserError, match=message):
        search_space(tree, input=(2, 6, 6), recipe={"activation": ACTIVATION}, require=require)  # type: ignore[arg-type]


def test_constraints_are_part_of_a_spaces_text() -> None:
    plain = search_space(TREE, input=(2, 6, 6))
    space = search_space(TREE, input=(2, 6, 6), require=["parameters <= 1e3", in_order])
    first, *demands = space.text().splitlines()[:3]

    assert demands == [
        "require parameters <= 1000",
        "require tests.spaces.test_constraints:in_order(depth, width)",
    ]
    assert plain.text() == "\n".join([first, *space.text().splitlines()[3:]])


def test_a_trace_that_breaks_a_constraint_is_refused() -> None:
    demands = DEMANDS["values"]
    space, wanted = demanding(demands), meeting(demands)
    broken = next(trace for trace in FREE if trace not in wanted)

    with pytest.raises(UserError, match="it is of another space"):
        replay(space, broken)


def test_what_is_spent_before_the_first_question_counts_in_a_listing() -> None:
    width = shared("width", choose(4, 8))
    space = search_space(chain(op("linear", out=10), op("linear", out=width)), input=(9,), require="parameters <= 150")

    assert [trace.as_dict() for trace in traces(space.reach)] == [{"width": 4}]


def test_a_constraint_that_reads_like_a_value_is_not_taken_for_it() -> None:
    """A constraint that has been met is remembered by its text, and a value by its name."""
    flag, width = shared("flag", choose(2, 3, 50)), shared("width", choose(4, 8))
    layers = chain(op("linear", out=width), op("linear", out=flag))
    space = search_space(layers, input=(4,), require=["flag >= 1", "parameters <= 3*flag*width"])

    assert count(space) == sum(1 for _ in architectures(blinded(space))) == 4


@pytest.mark.parametrize("text", ["width", "width - 4", "min(width, 8)", "2*parameters"])
def test_a_constraint_compares(text: str) -> None:
    with pytest.raises(UserError, match="a constraint compares"):
        search_space(op("linear", out=shared("width", choose(4, 8))), input=(4,), require=text)


def test_a_value_that_is_called_like_a_cost_is_refused_where_it_could_be_meant() -> None:
    tree = op("linear", out=shared("macs", choose(4, 8)))

    assert count(search_space(tree, input=(4,))) == 2
    with pytest.raises(UserError, match="macs is the network's cost"):
        search_space(tree, input=(4,), require="macs <= 6")


def test_a_part_that_is_a_dead_end_whatever_is_answered_is_not_offered() -> None:
    turns = shared("turns", choose(1, 2)) - 5
    space = search_space(any_of(op("relu"), repeat(op("tanh"), turns)), input=(4,))

    assert [trace.as_dict() for trace in traces(space.reach)] == [{"any_of": "relu()"}]
