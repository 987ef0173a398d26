"""An architecture is written as JSON and read back the same; its digest is that of its network and its recipe."""

import json
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsmith.graph import text as graph_text
from archsmith.graph.book import Operator
from archsmith.graph.errors import UserError
from archsmith.graph.ops import DECLARED
from archsmith.graph.rules import rule
from archsmith.spaces.architecture import Architecture, architecture_of, from_json, to_json
from archsmith.spaces.books import book_in
from archsmith.spaces.decisions import Derivation, Label, Trace, replay
from archsmith.spaces.nodes import any_of, chain, choose, floats, op, optional, shared
from archsmith.spaces.sampling import sample
from archsmith.spaces.space import TreeSpace, digest, search_space
from tests.strategies import derivations, tree_spaces

WIDTH = shared("width", choose(2, 4))
TREE = chain(op("linear", out=WIDTH), optional(op("identity")), any_of(op("relu"), op("silu")))
SPACE = search_space(TREE, input=(4,), recipe={"rate": floats(0.0, 1.0, count=3), "batch": 8 * WIDTH, "by": "adamw"})


def found(seed: int = 0, space: TreeSpace = SPACE) -> Architecture:
    return architecture_of(space, sample(space, Random(seed)))


def at(**answers: Label) -> Architecture:
    """The architecture of SPACE with these answers, 2 wide and trained at a rate of 0.5 unless told otherwise."""
    whole: dict[str, Label] = {"width": 2, "1/optional": False, "2/any_of": "relu()", "recipe/rate": 0.5, **answers}
    return architecture_of(SPACE, replay(SPACE, Trace.of(whole)))


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    space = draw(tree_spaces())
    return architecture_of(space, draw(derivations(space)))


@settings(max_examples=30)
@given(architectures())
def test_an_architecture_is_read_back_as_it_was(architecture: Architecture) -> None:
    text = to_json(architecture)
    again = from_json(text)

    assert again == architecture
    assert again.digest() == architecture.digest() == graph_text.digest(architecture.graph)
    assert to_json(again) == text


@given(st.integers())
def test_a_recipe_and_a_trace_are_read_back_too(seed: int) -> None:
    architecture = found(seed)
    again = from_json(to_json(architecture))

    assert again == architecture
    assert again.digest() == architecture.digest()
    assert again.space == digest(SPACE)
    assert replay(SPACE, again.trace).graph == again.graph


def test_an_architecture_says_what_it_is() -> None:
    architecture = at()

    assert architecture.recipe == (("batch", 16), ("by", "adamw"), ("rate", 0.5))
    assert json.loads(to_json(architecture)) == {
        "format": 1,
        "graph": json.loads(graph_text.to_json(architecture.graph)),
        "recipe": {"batch": 16, "by": "adamw", "rate": 0.5},
        "space": digest(SPACE),
        "trace": {"width": 2, "1/optional": False, "2/any_of": "relu()", "recipe/rate": 0.5},
    }


def test_two_traces_that_lead_to_one_network_and_recipe_share_the_digest() -> None:
    once, twice = at(), at(**{"1/optional": True})

    assert once.graph == twice.graph  # what does nothing is not in a graph
    assert once.trace != twice.trace
    assert once.digest() == twice.digest()


def test_another_network_or_another_recipe_has_another_digest() -> None:
    digests = {at().digest(), at(width=4).digest(), at(**{"recipe/rate": 1.0}).digest(), graph_text.digest(at().graph)}

    assert len(digests) == 4
    assert all(re.fullmatch(r"[0-9a-f]{32}", name) for name in digests)


def test_a_digest_is_the_same_in_another_process() -> None:
    code = "from tests.spaces.test_architecture import *; print(at().digest())"
    root = Path(__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=120)

    assert done.stdout == f"{at().digest()}\n", done.stderr


def test_a_dead_end_has_no_architecture() -> None:
    with pytest.raises(ValueError, match="only a valid derivation has an architecture; this one is a dead end: no"):
        architecture_of(SPACE, Derivation(Trace(), (), None, "no"))


def test_types_are_inferred_anew() -> None:
    document = json.loads(to_json(found()))
    document["graph"]["nodes"][-1]["out"] = [["float32", 1, 99]]

    with pytest.raises(UserError, match="graph: node .* is said to return"):
        from_json(json.dumps(document))


def test_operators_of_ones_own_are_judged_by_the_book_of_the_space() -> None:
    own = Operator("mine:Same", "itself", (), (rule("mine:Same", ["float32[N, C]"], ["float32[N, C]"]),))
    space = search_space(chain(op(own), op("linear", out=choose(2, 3))), input=(4,))
    architecture = found(0, space)

    assert from_json(to_json(architecture), book=book_in(space)) == architecture
    with pytest.raises(UserError, match="no operator 'mine:Same' in the rule book"):
        from_json(to_json(architecture), book=DECLARED)


DOCUMENT = json.loads(to_json(at()))


@pytest.mark.parametrize("key", DOCUMENT)
@pytest.mark.parametrize("value", [..., None, True, 3, "x\0", [], [1], {"x": None}, {"nodes": [], "outputs": []}])
def test_a_changed_document_is_an_architecture_or_a_mistake(key: str, value: object) -> None:
    changed = {name: inner for name, inner in (DOCUMENT | {key: value}).items() if inner is not ...}
    if key == "space" and isinstance(value, str):
        assert from_json(json.dumps(changed)).space == value
        return

    with pytest.raises(UserError, match=rf"^{key}|the document: needs '{key}'"):
        from_json(json.dumps(changed))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an architecture's text must be JSON"),
        ("[" * 100_000, "an architecture's text must be JSON"),
        (
            json.dumps(DOCUMENT | {"format": 2}),
            "format: this archsmith reads format 1 of an architecture's text; got 2",
        ),
        (json.dumps(DOCUMENT | {"root": {}}), "root: is no key here"),
        (json.dumps(DOCUMENT | {"trace": {"width": [1]}}), "trace.width: must be a number, text, true or false"),
    ],
)
def test_what_is_no_architecture_is_named(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        from_json(text)
