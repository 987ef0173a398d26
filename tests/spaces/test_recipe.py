"""Recipes: decisions of the same walk, values of the same trace."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from archsmith.graph.errors import UserError
from archsmith.graph.ops import DECLARED
from archsmith.spaces.decisions import Trace, derive, replay
from archsmith.spaces.growth import GrowthSpace
from archsmith.spaces.nodes import any_of, chain, choose, floats, op, optional, shared
from archsmith.spaces.recipe import decided, recipe_of, values_in_recipe
from archsmith.spaces.sampling import mutate, sample
from archsmith.spaces.space import TreeSpace, digest, search_space
from tests.spaces.leaves import leaves

WIDTH = shared("width", choose(8, 16, 32))
NET = chain(op("linear", out=WIDTH), any_of(op("relu"), op("tanh")))


def space_of(**recipe: Any) -> TreeSpace:
    return search_space(NET, input=(4,), recipe=recipe)


SPACE = space_of(
    learning_rate=floats(1e-3, 1e-1, log=True, count=3), batch_size=2 * WIDTH, optimizer=choose("sgd"), epochs=3
)


def test_a_recipe_is_asked_after_the_network_and_in_the_order_written() -> None:
    found = derive(
        space_of(optimizer=choose("sgd", "adamw"), epochs=choose(1, 2)), lambda decision, _: decision.options[0]
    )

    assert [decision.name for decision in found.asked] == ["width", "1/any_of", "recipe/optimizer", "recipe/epochs"]
    assert [decision.ordered for decision in found.asked] == [True, False, False, True]


def test_the_values_of_a_recipe_are_chosen_shared_computed_and_fixed() -> None:
    trace = Trace.of({"width": 16, "1/any_of": "tanh()", "recipe/learning_rate": 0.01})

    assert replay(SPACE, trace).trace == trace
    assert recipe_of(SPACE, trace) == {"learning_rate": 0.01, "batch_size": 32, "optimizer": "sgd", "epochs": 3}
    assert decided(trace.as_dict()) == {"learning_rate": 0.01}


def test_a_shared_choice_may_stand_in_the_recipe_alone_or_in_a_part_that_is_left_out() -> None:
    rate = shared("rate", choose(0.1, 0.5))
    space = search_space(
        chain(op("linear", out=2), optional(op("dropout", rate=rate))),
        input=(4,),
        recipe={"weight_decay": rate, "batch_size": shared("size", choose(16, 32)) * 2},
    )
    traces = [leaf.trace for leaf in leaves(space)]

    assert len(traces) == 2 * 2 * 2
    for trace in traces:
        given = trace.as_dict()
        expected = {"weight_decay": given["rate"], "batch_size": 2 * int(given["size"])}

        assert recipe_of(space, trace) == expected


def test_every_walk_differs_in_network_or_recipe() -> None:
    found = {(leaf.graph, tuple(recipe_of(SPACE, leaf.trace).items())) for leaf in leaves(SPACE)}

    assert len(found) == 3 * 2 * 3


def test_sampling_and_mutation_answer_the_recipe_too() -> None:
    parent = sample(SPACE, Random(0))
    changed = [mutate(SPACE, parent.trace, Random(seed)) for seed in range(40)]
    same_graph = [found for found in changed if found.graph == parent.graph]

    assert 0 < len(same_graph) < 40
    assert all(recipe_of(SPACE, found.trace) != recipe_of(SPACE, parent.trace) for found in same_graph)


def test_a_computed_value_that_does_not_exist_is_a_dead_end() -> None:
    space = space_of(batch_size=64 // (WIDTH - 8))

    assert {sample(space, Random(seed)).trace.as_dict()["width"] for seed in range(20)} == {16, 32}


def test_a_recipe_is_part_of_the_space_s_text() -> None:
    plain = search_space(NET, input=(4,))
    told = SPACE.text().removeprefix(plain.text())

    assert told.splitlines() == [
        "",
        "recipe",
        "  learning_rate = floats(0.001, 0.1, log=True, count=3)",
        "  batch_size = 2*width where width = choose(8, 16, 32)",
        "  optimizer = choose('sgd')",
        "  epochs = 3",
    ]
    assert space_of().text() == plain.text()
    assert len({digest(space) for space in (plain, SPACE, space_of(epochs=3), space_of(epochs=4))}) == 4


def test_a_space_without_a_recipe_has_none() -> None:
    grown = GrowthSpace(DECLARED, nodes=3)

    assert recipe_of(space_of(), Trace.of({"width": 8, "1/any_of": "tanh()"})) == {}
    assert recipe_of(grown, sample(grown, Random(0)).trace) == {}
    assert values_in_recipe(grown) == {}


def test_the_values_that_a_recipe_can_take_are_known_but_for_computed_ones() -> None:
    assert values_in_recipe(SPACE) == {
        "learning_rate": (0.001, 0.01, 0.1),
        "batch_size": (),
        "optimizer": ("sgd",),
        "epochs": (3,),
    }


@pytest.mark.parametrize("answers", [{}, {"width": 8}, {"width": 8, "recipe/learning_rate": 0.02}])
def test_a_trace_of_another_space_has_no_recipe_here(answers: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="the trace says .*: it is of another space"):
        recipe_of(SPACE, Trace.of(answers))


REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: search_space(NET, input=(4,), recipe=[1]), r"a recipe is values by name, .*; got \[1\]"),  # type: ignore[arg-type]
    (
        lambda: search_space(NET, input=(4,), recipe={"learning rate": 1}),
        "of letters, digits and _; got 'learning rate'",
    ),
    (lambda: space_of(optimizer=("sgd", "adamw")), "a recipe's optimizer is a value, a choice .*; got \\('sgd'"),
    (lambda: space_of(optimizer=None), "a recipe's optimizer is a value, a choice or something shared; got None"),
    (lambda: space_of(epochs=choose(1, 2, name="long")), "asked as recipe/epochs, by no other name; got choose"),
    (lambda: space_of(epochs=shared("width", choose(1, 2))), "'width' is shared with two meanings"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_what_is_no_recipe_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()
