"""How numbers, times and facts are written."""

import json
from datetime import UTC, datetime, timedelta
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.storage.facts import Epoch, TrialState
from archsmith.web.formats import ago, duration, exact, moment, number, percent, plain, scaled
from archsmith.web.highlight import highlight

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.91234, "0.9123"),
        (0.0, "0.0000"),
        (-3.5, "-3.5000"),
        (1.5e-7, "1.5e-07"),
        (123456.7, "1.235e+05"),
        (nan, "nan"),
        (-inf, "-inf"),
        (True, "True"),
        ("<b>", "<b>"),
        (10**400, "1.000e+400"),
    ],
)
def test_a_number_is_short(value: object, text: str) -> None:
    assert number(value) == text


def test_a_large_count_is_grouped_or_scaled() -> None:
    assert number(1234567).split("\N{NARROW NO-BREAK SPACE}") == ["1", "234", "567"]
    assert scaled(1234567).split("\N{NARROW NO-BREAK SPACE}") == ["1.23", "M"]
    assert [scaled(value) for value in (0.5, 999, None, nan, "x")] == ["0.5000", "999", "–", "nan", "x"]


@pytest.mark.parametrize(("value", "text"), [(0.001, "0.001"), (123456, "123456"), (None, "–"), (True, "True")])
def test_a_setting_is_written_as_it_was_given(value: object, text: str) -> None:
    assert exact(value) == text


@given(st.one_of(st.integers(), st.floats(), st.none(), st.booleans(), st.text()))
def test_every_value_can_be_written(value: object) -> None:
    assert all(isinstance(write(value), str) for write in (number, scaled, exact))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (nan, "–"),
        (0.04, "40 ms"),
        (3.21, "3.2 s"),
        (125, "2 min 5 s"),
        (7500, "2 h 5 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_a_duration_is_in_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "just now"),
        (0, "just now"),
        (30, "30 s ago"),
        (90, "1 min ago"),
        (7200, "2 h ago"),
        (200000, "2 d ago"),
    ],
)
def test_a_moment_is_told_by_how_long_ago_it_was(seconds: float, text: str) -> None:
    assert ago(NOON - timedelta(seconds=seconds), NOON) == text


def test_a_moment_is_in_utc() -> None:
    assert moment(NOON) == "2026-11-23 12:00:00 UTC"


@pytest.mark.parametrize(("part", "whole", "share"), [(1, 3, 33), (5, 4, 100), (1, 0, 0), (1, None, 0), (-1, 4, 0)])
def test_a_share_is_between_0_and_100(part: float, whole: float | None, share: int) -> None:
    assert percent(part, whole) == share


def test_facts_become_json_that_every_reader_takes() -> None:
    value = {
        "epoch": Epoch(1, {"loss": nan, "gradient": -inf}),
        "at": NOON,
        "state": TrialState.TIMED_OUT,
        "t": (1, 2),
    }

    assert json.loads(json.dumps(plain(value), allow_nan=False)) == {
        "epoch": {"number": 1, "metrics": {"loss": "nan", "gradient": "-inf"}},
        "at": "2026-11-23T12:00:00+00:00",
        "state": "timed out",
        "t": [1, 2],
    }


def test_what_json_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="no JSON for a object"):
        plain(object())


def test_source_is_coloured_and_escaped() -> None:
    shown = highlight('if x < 1:  # <b>\n    print("<i>", 2)\n')

    assert '<span class="py-k">if</span> x &lt; <span class="py-n">1</span>' in shown
    assert '<span class="py-c"># &lt;b&gt;</span>' in shown
    assert '<span class="py-s">&#34;&lt;i&gt;&#34;</span>' in shown


@given(st.text())
def test_highlighting_changes_no_character(source: str) -> None:
    assert unmarked(highlight(source)) == source


def unmarked(text: str) -> str:
    """Markup of ``highlight`` turned back into the source."""
    from html import unescape
    from re import sub

    return unescape(sub(r"</?span[^>]*>", "", text))


@pytest.mark.parametrize("source", ['"""never closed', "  x\n y", "def f(:\n", "a\r\nb = 'x'\r\n", "x" * 200_000, "\0"])
def test_what_is_no_python_is_shown_plainly(source: str) -> None:
    assert unmarked(highlight(source)) == source
