"""A space is written as JSON and read back the same; what is malformed is refused by its path, and no code is run."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsmith.graph.builder import Builder
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Value
from archsmith.spaces.catalog import CATALOG
from archsmith.spaces.loading import load_space
from archsmith.spaces.node import Node
from archsmith.spaces.nodes import (
    any_of,
    call,
    cell,
    chain,
    choose,
    floats,
    integers,
    op,
    repeat,
    shared,
)
from archsmith.spaces.parts import Chain
from archsmith.spaces.sampling import sample
from archsmith.spaces.space import TreeSpace, digest, search_space
from archsmith.spaces.text import from_json, needs_of, to_json
from archsmith.spaces.values import Given
from tests.spaces.documents import depth_of, every_kind, narrow
from tests.strategies import CELL, WIDTH, gate, trees

GOLDEN = Path(__file__).parent.parent / "golden" / "space.json"
OWN_PARTS = ("darts", "nas-bench-101")
"""Entries of the catalogue that have parts of a class of their own."""


def further() -> st.SearchStrategy[Node]:
    """Parts that the strategies of all tests lack."""
    return st.sampled_from(
        [
            cell(op("relu"), same=op("identity"), nodes=2, gaps=True),
            cell(op("relu"), nodes=3, degree=2, output="cat", name="dag"),
            op("conv2d", out=integers(2, 8, step=3, name="out"), kernel=1),
            op("dropout", rate=floats(0, 0.5, count=6)),
            op("leaky_relu", slope=choose(0.0, 1, 0.25, weights=(1, 2, 3), ordered=False)),
            shared("stage", chain(CELL, any_of(op("relu"), none=op("silu")))),
            repeat(op("relu"), (WIDTH + 1) // 2),
        ]
    )


@st.composite
def spaces(draw: st.DrawFn) -> TreeSpace:
    """Spaces with any parts, recipes and constraints."""
    values: list[Given] = [
        0.1,
        1.0,
        -0.0,
        "é\ud800",
        True,
        choose(1, 2),
        WIDTH,
        3 - 2 * WIDTH,
        floats(1e-5, 1, log=True),
    ]
    names = st.sampled_from(["rate", "size", "kind"])
    root = chain(draw(trees()), draw(further()), op("conv2d", out=WIDTH, kernel=1))
    demands: list[str | Callable[..., bool]] = ["parameters <= 1e6", "macs > -1", "2*width//3 != 1 or not width == 2"]
    made = search_space(
        root,
        input=(4, 6, 6),
        recipe=draw(st.dictionaries(names, st.sampled_from(values))),
        require=draw(st.lists(st.sampled_from([*demands, narrow]), max_size=2)),
        alike=draw(st.sampled_from([None, depth_of])),
    )
    return replace(made, ahead=draw(st.booleans()))


@given(spaces())
def test_a_space_is_read_back_as_it_was(space: TreeSpace) -> None:
    text = to_json(space)
    again = from_json(text, trusted=True)

    assert again == space
    assert again.alike is space.alike
    assert (again.text(), digest(again)) == (space.text(), digest(space))
    assert to_json(again) == text


@settings(max_examples=15)
@given(spaces(), st.randoms(use_true_random=False))
def test_what_is_read_back_asks_the_same(space: TreeSpace, rng: Random) -> None:
    found = replace(space, constraints=(), ahead=True)
    again = from_json(to_json(found), trusted=True)
    seed = rng.random()
    try:
        first = sample(found, Random(seed))
    except UserError:
        with pytest.raises(UserError):
            sample(again, Random(seed))
        return

    second = sample(again, Random(seed))
    assert (first.trace, first.asked, first.graph) == (second.trace, second.asked, second.graph)


def test_every_part_and_setting_is_read_back() -> None:
    space = every_kind()

    assert from_json(to_json(space)) == space
    assert needs_of(space) == ()


def test_the_text_of_a_space_is_what_it_was() -> None:
    """Files that people keep are of this form: a change of it is another format."""
    assert f"{to_json(every_kind())}\n" == GOLDEN.read_text(encoding="utf-8")
    assert from_json(GOLDEN.read_text(encoding="utf-8")) == every_kind()


def test_another_program_may_write_the_document_in_its_own_way() -> None:
    """Keys in another order, no white space, whole numbers without a fraction."""
    turned = json.dumps(json.loads(GOLDEN.read_text(encoding="utf-8"), parse_float=whole), separators=(",", ":"))

    assert '"weights":[1,3]' in turned
    assert from_json(turned) == every_kind()
    assert digest(from_json(turned)) == digest(every_kind())


def whole(digits: str) -> float:
    return int(float(digits)) if float(digits).is_integer() else float(digits)


@pytest.mark.parametrize("name", sorted(CATALOG.keys() - OWN_PARTS))
def test_the_catalogue_is_read_back(name: str) -> None:
    space = tree(name)
    text, needs = to_json(space), needs_of(space)

    assert from_json(text, trusted=bool(needs)) == space
    assert digest(from_json(text, trusted=bool(needs))) == digest(space)
    assert len(text) < 40_000


def test_most_of_the_catalogue_is_data_alone() -> None:
    data = [name for name in CATALOG.keys() - OWN_PARTS if not needs_of(tree(name))]

    assert set(data) >= {"deep-architect", "resnext-a", "resnext-b", "tabular"}


@pytest.mark.parametrize("name", OWN_PARTS)
def test_an_entry_with_a_part_of_its_own_class_has_no_form(name: str) -> None:
    with pytest.raises(UserError, match="only parts made by the words of the language have a form in JSON"):
        to_json(tree(name))


def tree(name: str) -> TreeSpace:
    space = load_space(name)
    assert isinstance(space, TreeSpace)
    return space


def test_the_text_is_the_same_in_another_process() -> None:
    code = "from tests.spaces.test_space_text import *; print(to_json(every_kind())); print(digest(every_kind()))"
    root = Path(__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=120)

    assert done.stdout == f"{to_json(every_kind())}\n{digest(every_kind())}\n", done.stderr


# What cannot be written


@dataclass(frozen=True, slots=True)
class Own(Chain):
    """A part of a user's own: no reader could make it again."""


@pytest.mark.parametrize(
    ("root", "message"),
    [
        (
            chain(op("relu"), any_of(x=Own((op("relu"),)))),
            r"root.chain\[1\].any_of.branches\[0\].x: only parts .* have a form in JSON; got one of class tests.*\.Own",
        ),
        (
            chain(op("hardtanh", high=choose(1.0, float("inf")))),
            r"root.chain\[0\].op.attributes\[0\].high: JSON has finite numbers",
        ),
        (repeat(op("relu"), 2 * shared("if", choose(1, 2))), "root.repeat.times: a name in 2.if is a word of Python"),
        (
            chain(shared("x", chain(Own(()))), shared("x", chain(chain()))),
            r"shared.x.chain\[0\]: only parts",
        ),
    ],
    ids=["own class", "infinity", "word of Python", "own class, shared"],
)
def test_what_has_no_form_is_named_with_its_path(root: Node, message: str) -> None:
    space = replace(every_kind(), root=root)

    with pytest.raises(UserError, match=message):
        to_json(space)


def test_a_word_of_python_may_be_shared_by_itself() -> None:
    space = search_space(op("linear", out=shared("if", choose(1, 2))), input=(4,))

    assert from_json(to_json(space)) == space


def local(builder: Builder, x: Value) -> Value:
    """Not what its name says, below."""
    return x


def test_a_function_that_is_not_found_under_its_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    space = search_space(call(local), input=(4,))
    monkeypatch.setattr(sys.modules[__name__], "local", gate)

    with pytest.raises(
        UserError, match="root.call: a function is named by where it is found; .*:local is not found, or another"
    ):
        to_json(space)
