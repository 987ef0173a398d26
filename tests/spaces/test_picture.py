"""What the picture of a space shows: every part, every choice, whatever they are called."""

from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archsmith.graph.ops import DECLARED
from archsmith.spaces.growth import GrowthSpace
from archsmith.spaces.node import Node
from archsmith.spaces.nodes import (
    any_of,
    chain,
    choose,
    op,
    optional,
    parallel,
    repeat,
    residual,
    shared,
    some_of,
)
from archsmith.spaces.picture import picture, picture_of_text
from archsmith.spaces.sampling import sample
from archsmith.spaces.space import TreeSpace, search_space
from tests.spaces.ties import TIES, Own
from tests.strategies import tree_spaces

GOLDEN = Path(__file__).parent.parent / "golden" / "space.svg"
SVG = "{http://www.w3.org/2000/svg}"
WIDTH = shared("width", choose(8, 16))


def small() -> TreeSpace:
    """A bit of everything that a picture tells apart."""
    cell = shared("cell", chain(op("relu"), op("tanh")))
    return search_space(
        chain(
            op("conv2d", out=WIDTH, kernel=choose(3, 5, weights=(1, 3)), padding="same"),
            any_of(op("relu"), wide=chain(op("conv2d", out=2 * WIDTH, kernel=1), cell), weights=(3, 1)),
            optional(residual(cell), probability=0.25),
            some_of(1, op("gelu"), norm=op("batch_norm2d"), name="last"),
        ),
        input=(3, 8, 8),
    )


def of(root: Node) -> str:
    return picture(search_space(root, input=(3, 8, 8)))


def parsed(drawn: str) -> ElementTree.Element:
    return ElementTree.fromstring(drawn.encode("utf-8", "replace"))


def said(drawn: str) -> list[str]:
    """The words of the picture in order, without the tooltips and the numbers of places."""
    texts = [text for text in parsed(drawn).iter(f"{SVG}text") if text.get("class") != "place"]
    return [text.text or "" for text in texts]


def rectangles(drawn: str) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of every block, its label and its chips."""
    found = []
    for rect in parsed(drawn).iter(f"{SVG}rect"):
        x, y, width, height = (float(rect.get(side) or "") for side in ("x", "y", "width", "height"))
        found.append((x, y, x + width, y + height))
    return found


def test_a_picture_is_the_same_every_time() -> None:
    drawn = picture(small())

    assert drawn == picture(small())
    assert drawn.replace("><", ">\n<") + "\n" == GOLDEN.read_text(encoding="utf-8")


@given(tree_spaces(), st.integers(0, 99))
@settings(deadline=None)
def test_every_option_of_every_decision_is_in_the_picture(space: TreeSpace, seed: int) -> None:
    text = "".join(parsed(picture(space)).itertext())
    found = sample(space, Random(seed))

    for decision in found.asked:
        assert all(str(option) in text for option in decision.options if not isinstance(option, bool)), decision


@pytest.mark.parametrize("name", TIES)
def test_every_operator_is_in_the_picture(name: str) -> None:
    space = TIES[name]
    graph = sample(space, Random(1)).graph if name != "nothing" else None
    words = said(picture(space))

    if graph is not None and name != "a function":
        assert {node.operator for _, node in graph.operators()} - {"add", "cat", "relu"} <= set(words)
    assert parsed(picture(space, standalone=True)).find(f"{SVG}style") is not None


def test_a_choice_is_told_with_its_options_and_a_fixed_value_as_it_is() -> None:
    words = said(of(op("conv2d", out=4, kernel=choose(3, 5), padding=choose("same", 0, name="edges"))))

    assert words[2:] == ["conv2d", "out=4", "kernel ∈ 3 · 5", "padding “edges” ∈ same · 0"]


def test_of_many_options_the_first_and_the_last_are_told_and_the_tooltip_has_all() -> None:
    drawn = of(op("conv2d", out=choose(*range(1, 200)), kernel=1))

    assert "out ∈ 1 · 2 · 3 · 4 · 5 · 6 · 7 · 8 · 9 · 10 · … · 199" in said(drawn)
    assert ", 100, 101, 102, " in "".join(parsed(drawn).itertext())


def test_shares_stand_beside_what_they_weigh() -> None:
    words = said(picture(small()))

    assert "kernel ∈ 3 (25%) · 5 (75%)" in words
    assert {"75%", "wide 25%", "taken 25%"} <= set(words)


def test_a_shared_choice_is_told_once_and_what_is_shared_is_drawn_once() -> None:
    words = said(picture(small()))

    assert words[:2] == ["shared", "width ∈ 8 · 16"]
    assert words.count("out = width") == words.count("out = 2*width") == 1
    assert words.count("as above") == 1
    assert words.count("tanh") == 1


def test_a_range_and_a_recipe_are_told_too() -> None:
    text = (
        "input float32[1, 4]\n"
        "chain\n"
        "  linear(out=integers(8, 64, step=8))\n"
        "  repeat integers(1, 9, name='depth') times\n"
        "    relu()\n"
        "recipe\n"
        "  learning_rate = floats(0.001, 0.1, log=True, count=16)\n"
        "  momentum = 0.9\n"
        "  batch = 2*size where size = choose(16, 32)\n"
    )
    words = said(picture_of_text(text))

    assert words == [
        *("shared", "size ∈ 16 · 32"),
        *("input", "float32[1, 4]", "chain"),
        *("linear", "out ∈ 8 … 64 (step=8)"),
        *("repeat", "“depth” ∈ 1 … 9", "times", "relu"),
        *("recipe", "learning_rate", "0.001 … 0.1 (log=True, count=16)"),
        *("momentum = 0.9", "batch", "2*size"),
    ]


def test_the_places_of_a_chain_and_of_a_parallel_are_numbered() -> None:
    drawn = of(chain(op("relu"), parallel(op("tanh"), optional(chain(op("relu"), op("gelu"))))))
    places = [text.text for text in parsed(drawn).iter(f"{SVG}text") if text.get("class") == "place"]

    assert sorted(filter(None, places)) == ["0", "0", "1", "1"]


def test_plain_steps_stand_side_by_side_if_there_is_room() -> None:
    short, long = chain(op("relu"), op("tanh")), chain(*[op("batch_norm2d")] * 9)

    assert len({top for _, top, _, _ in rectangles(of(short))}) == 1
    assert len({top for _, top, _, _ in rectangles(of(long))}) == 10


def test_a_long_operator_goes_on_in_further_lines() -> None:
    many = {name: choose(1, 2, 3, 4, 5, 6, 7, 8) for name in ("kernel", "stride", "dilation", "groups", "out")}
    heights = {bottom - top for _, top, _, bottom in rectangles(of(op("conv2d", **many)))}

    assert max(heights) > 2 * 25


@given(st.text(max_size=40).filter(lambda name: name.strip()), st.text(max_size=30))
@settings(deadline=None)
def test_any_name_gives_well_formed_markup(name: str, other: str) -> None:
    branches: dict[str, Any] = {f"x{other}": chain(op("relu"), op("tanh"))}
    root = any_of(op("relu"), name=name, **branches)

    assert len(list(parsed(of(root)).iter(f"{SVG}rect"))) >= 3


FRAGMENTS = (
    *("\n", "\n  ", "\n    ", "input ", "chain", "any_of ", "optional", "shared 'x'", "repeat ", "relu()", "x: ", ":"),
    *("choose(", "floats(1, 2", "weights=(", "1, ", ")", "'", '"', "\\", " where ", "a = ", "(", "=", ", ", " times"),
)


@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=30))
@settings(deadline=None, max_examples=300)
@example(["any_of\n  :\n    relu()"])
@example(["''\n  relu()"])
def test_any_text_at_all_has_a_picture(fragments: list[str]) -> None:
    root = parsed(picture_of_text("".join(fragments)))

    assert root.get("class") == "graph space"
    assert float(root.get("width") or "") < 1400


@pytest.mark.parametrize("hostile", ["</title></svg><script>alert(1)</script>", "' onload='alert(1)", '"><img src=x>'])
def test_a_hostile_name_stays_text(hostile: str) -> None:
    branches: dict[str, Any] = {hostile: op("relu")}
    drawn = of(any_of(chain(op("relu"), op("tanh")), name=hostile, **branches))
    tags = {element.tag.removeprefix(SVG) for element in parsed(drawn).iter()}
    attributes = {name for element in parsed(drawn).iter() for name in element.attrib}

    assert tags <= {"svg", "g", "title", "text", "rect", "path"}
    assert not any(name.startswith("on") for name in attributes)
    assert hostile in "".join(parsed(drawn).itertext())


@given(tree_spaces())
@settings(deadline=None)
def test_blocks_lie_within_the_picture_and_apart(space: TreeSpace) -> None:
    root = parsed(picture(space))
    blocks = [group.findall(f"{SVG}rect") for group in root.iter(f"{SVG}g")]
    places = []
    for rects in blocks:
        (rect,) = [rect for rect in rects if (rect.get("class") or "").split()[:1] not in (["chip"], ["tab"])]
        places.append(tuple(float(rect.get(side) or "") for side in ("x", "y", "width", "height")))

    for number, (x, y, width, height) in enumerate(places):
        assert 0 <= x < x + width <= float(root.get("width") or "")
        assert 0 <= y < y + height <= float(root.get("height") or "")
        for other_x, other_y, other_width, other_height in places[:number]:
            apart = other_x + other_width < x or x + width < other_x
            assert apart or other_y + other_height < y or y + height < other_y


def test_a_picture_grows_downwards_only() -> None:
    nested: Node = op("relu")
    for level in range(100):
        branches: dict[str, Any] = {f"a_rather_long_label_of_level_{level}": chain(op("gelu"), nested)}
        nested = any_of(op("tanh"), **branches)
    deep, wide = parsed(of(nested)), parsed(of(chain(*[op("conv2d", out=choose(1, 2), kernel=1)] * 200)))

    assert float(deep.get("width") or "") < 1400
    assert float(wide.get("width") or "") < 1400
    assert len(list(wide.iter(f"{SVG}g"))) == 202


def test_a_part_of_an_unknown_kind_is_drawn_with_what_it_holds() -> None:
    text = "input float32[1, 4]\ncell 'normal' of choose(2, 3) nodes\n  sum: relu()\n  tanh()\n  whatever comes: next"
    words = said(picture_of_text(text))

    assert words == [
        *("input", "float32[1, 4]", "cell", "normal", "of", "2 · 3", "nodes"),
        *("sum", "relu", "tanh", "whatever comes", "next"),
    ]


def test_spaces_without_a_tree_and_parts_of_ones_own_have_a_picture() -> None:
    words = said(picture(GrowthSpace(DECLARED)))

    assert words[:2] == ["grow", "1 to 6 nodes on 1 to 2 inputs of at most 65536 elements"]
    assert words[-1].startswith("operators abs, add")
    assert words[-1].endswith("…")
    assert said(of(chain(Own("own"), op("relu"))))[-2:] == ["own own (2, 3, 4)", "relu"]
    assert said(picture_of_text("a funnel of three linear layers")) == ["a funnel of three linear layers"]


def test_a_line_that_nobody_could_read_is_only_text() -> None:
    drawn = picture_of_text("repeat " + "choose(1, 2) " * 20_000 + "times\n  relu()")

    assert len(said(drawn)) == 2


def test_the_picture_is_told_to_those_who_do_not_see_it() -> None:
    text = of(chain(op("relu"), any_of(op("relu"), op("dropout", rate=choose(0.1, 0.2)))))

    assert parsed(text).get("aria-label") == "Search space of 6 parts with 2 choices"
    assert parsed(picture_of_text("")).get("aria-label") == "Search space of 0 parts with 0 choices"


def test_a_notebook_shows_a_space_as_its_picture() -> None:
    assert small()._repr_svg_() == picture(small(), standalone=True)


def test_repeats_and_their_counts_stand_in_one_row() -> None:
    words = said(of(repeat(residual(op("relu")), choose(1, 2, 3))))

    assert words[2:] == ["repeat", "1 · 2 · 3", "times", "residual", "relu"]
