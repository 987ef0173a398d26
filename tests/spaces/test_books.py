"""The rule book of a space has the operators of a user's own that stand in its tree, wherever they stand."""

import pytest

from archsmith.graph.book import Attribute, Operator
from archsmith.graph.errors import UserError
from archsmith.graph.ops import DECLARED
from archsmith.graph.rules import rule
from archsmith.spaces.books import book_in, book_with
from archsmith.spaces.nodes import any_of, chain, choose, op, optional, parallel, permutation, repeat, residual, shared
from archsmith.spaces.space import search_space


def own(name: str, *attributes: Attribute) -> Operator:
    return Operator(name, "of a user's own", attributes, (rule(name, ["float32[N, C]"], ["float32[N, C]"]),))


GATE, NORM = own("layers:Gate", Attribute("width", int)), own("/home/me/net.py:Norm")


@pytest.mark.parametrize(
    "part",
    [
        op(GATE, width=2),
        chain(op("relu"), repeat(op(GATE, width=choose(1, 2)), 2)),
        any_of(op("relu"), gated=op(GATE, width=2)),
        residual(parallel(op("relu"), optional(op(GATE, width=2)))),
        permutation(op("relu"), shared("cell", op(GATE, width=2))),
    ],
)
def test_an_operator_is_found_in_every_kind_of_part(part: object) -> None:
    book = book_with(part)

    assert book.operators.keys() - DECLARED.operators.keys() == {"layers:Gate"}
    assert book.operator("layers:Gate") is GATE


def test_a_tree_without_any_has_the_declared_book_itself() -> None:
    space = search_space(chain(op("relu"), op("linear", out=3)), input=(4,))

    assert space.book is DECLARED
    assert book_in(space) is DECLARED


def test_a_space_without_a_book_is_judged_by_the_declared_one() -> None:
    class Bare:
        pass

    assert book_in(Bare()) is DECLARED  # type: ignore[arg-type]


def test_an_operator_that_only_a_function_uses_is_named_to_the_space() -> None:
    space = search_space(op(GATE, width=2), input=(4,), operators=[NORM, GATE])

    assert space.book.operators.keys() - DECLARED.operators.keys() == {"layers:Gate", "/home/me/net.py:Norm"}


def test_two_operators_of_one_name_are_refused() -> None:
    with pytest.raises(UserError, match="must be one class: .*'layers:Gate' is given twice; load it once"):
        search_space(chain(op(GATE, width=2), op(own("layers:Gate"))), input=(4,))


def test_the_text_names_the_file_and_not_its_folder() -> None:
    assert str(op(NORM)) == "net.py:Norm()"
    assert str(op(GATE, width=2)) == "layers:Gate(width=2)"
