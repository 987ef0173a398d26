"""Cases and failures are written down and read back; what is neither is refused."""

from json import dumps, loads
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.fuzz.case import from_json, operators, signatures, to_json
from archsmith.fuzz.generate import make_case, make_space
from archsmith.fuzz.oracles import protocol
from archsmith.fuzz.oracles.protocol import KINDS, Failure
from tests.fuzz.faults import chain

SPACE = make_space()

FAILURES = st.builds(
    Failure,
    oracle=st.sampled_from(["inductor", "eager"]),
    kind=st.sampled_from(KINDS),
    where=st.text(),
    message=st.text(),
    output=st.none() | st.integers(0, 5),
    element=st.none() | st.lists(st.integers(0, 9), max_size=3).map(tuple),
    allowed=st.none() | st.floats(allow_nan=False),
    flaky=st.booleans(),
)


@given(st.integers(0, 10_000))
def test_a_case_survives_json(number: int) -> None:
    case = make_case(1, number, SPACE)

    assert from_json(loads(dumps(to_json(case)))) == case


@given(FAILURES)
def test_a_failure_survives_json(failure: Failure) -> None:
    assert protocol.from_json(loads(dumps(protocol.to_json(failure)))) == failure


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"graph": "text"},
        {"seed": "1"},
        {"number": 1.5},
        {"graph": {"format": 1, "nodes": [], "outputs": []}},
    ],
)
def test_what_is_not_a_case_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="case|graph"):
        from_json({**to_json(make_case(1, 0, SPACE)), **change})


@pytest.mark.parametrize("change", [{"kind": "sad"}, {"surprise": 1}])
def test_what_is_not_a_failure_is_refused(change: dict[str, Any]) -> None:
    written = protocol.to_json(Failure("eager", "crash", "here", "why"))

    with pytest.raises(ValueError, match="failure"):
        protocol.from_json({**written, **change})


def test_signatures_are_operators_with_the_types_that_they_take() -> None:
    case = chain(2, 3, through=("relu", "identity", "relu", "sum"), fixed={"dim": 0})

    assert operators(case) == ["identity", "relu", "sum"]
    assert signatures(case) == ["identity(float32[2])", "relu(float32[2])", "sum(float32[2])"]
