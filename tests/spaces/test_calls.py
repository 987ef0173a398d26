"""What may be called on which types: found by search, and exactly what the rule book accepts."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.errors import Infeasible
from archsmith.graph.graph import Scalar
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.spaces.calls import Calls

CALLS = Calls(DECLARED, elements=200)
SMALL = st.builds(
    TensorType,
    st.lists(st.sampled_from([1, 2, 3, 4]), max_size=4).map(tuple),
    st.sampled_from(["float32", "float64", "int64", "bool"]),
)


def accepted(name: str, inputs: tuple[TensorType, ...]) -> list[dict[str, Scalar]]:
    """The choices among the examples that the book accepts and whose results are small, by trying all of them."""
    attributes = DECLARED.operator(name).attributes
    found = []
    for values in product(*(attribute.examples for attribute in attributes)):
        choice = dict(zip((attribute.name for attribute in attributes), values, strict=True))
        try:
            types = DECLARED.apply(name, inputs, choice).types
        except Infeasible:
            continue
        if all(kind.elements <= 200 for kind in types):
            found.append(choice)
    return found


def distinct(choices: list[dict[str, Scalar]]) -> set[str]:
    return {repr(sorted(choice.items())) for choice in choices}


@given(name=st.sampled_from(sorted(DECLARED.operators)), inputs=st.lists(SMALL, min_size=1, max_size=3).map(tuple))
def test_completions_are_all_the_choices_that_the_book_accepts(name: str, inputs: tuple[TensorType, ...]) -> None:
    found = list(CALLS.completions(name, inputs, {}))

    assert distinct(found) == distinct(accepted(name, inputs))
    assert len(distinct(found)) == len(found)
    assert CALLS.is_open(name, inputs, {}) == bool(found)


@given(types=st.lists(SMALL, min_size=1, max_size=3).map(tuple))
def test_an_operator_is_offered_if_some_choice_of_inputs_completes(types: tuple[TensorType, ...]) -> None:
    for name in DECLARED.operators:
        arities = {
            arity
            for arity in (1, 2, 3)
            if any(CALLS.is_open(name, inputs, {}) for inputs in product(types, repeat=arity))
        }

        assert set(CALLS.arities(name, types)) - {4} == arities
        assert (name in CALLS.operators(types)) == bool(CALLS.arities(name, types))


def test_fixed_attributes_narrow_what_is_open() -> None:
    image = (TensorType((1, 2, 4, 4)),)

    assert CALLS.is_open("conv2d", image, {"kernel": 5, "padding": 1})
    assert not CALLS.is_open("conv2d", image, {"kernel": 5, "padding": 0})
    assert not CALLS.is_open("conv2d", image, {"groups": 4})
    assert {choice["kernel"] for choice in CALLS.completions("conv2d", image, {"padding": 0})} == {1, 2, 3}


def test_results_beyond_the_limit_are_not_offered() -> None:
    wide = (TensorType((1, 4, 7, 7)),)

    assert not CALLS.is_open("upsample_nearest2d", wide, {"scale": 2})
    assert CALLS.is_open("upsample_nearest2d", wide, {"scale": 1})
    assert {choice["out"] for choice in CALLS.completions("conv2d", wide, {"kernel": 1, "stride": 1})} == {1, 2, 4}
