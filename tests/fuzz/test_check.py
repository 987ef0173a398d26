"""The job of the sandbox: stages in order, failures as they come, confirmed; a rejected case is a counter-example."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import pytest

from archsmith.fuzz import check
from archsmith.fuzz.case import Case, to_json
from archsmith.fuzz.check import check_case
from archsmith.fuzz.oracles import ORACLES, Constructor
from archsmith.fuzz.oracles.protocol import Failure
from archsmith.graph.graph import Graph, Node, Value
from archsmith.graph.types import TensorType
from tests.fuzz.faults import chain, nudged, oracle, spoiling

CASE = chain(4, 3, through=("tanh",))

FAULTY: Mapping[str, Constructor] = MappingProxyType(
    {"healthy": lambda book, note: oracle("eager"), "wrong": lambda book, note: oracle(spoiling(nudged))}
)


def run(case: Case, *names: str, oracles: Mapping[str, Constructor] = ORACLES) -> tuple[dict[str, Any], list[Any]]:
    reports: list[Any] = []
    payload = {"case": to_json(case), "oracles": list(names)}
    return check_case(payload, reports.append, oracles=oracles), reports


def test_stages_are_told_and_timed_the_cheapest_first() -> None:
    result, reports = run(CASE, "aot_eager")

    assert reports == [{"stage": "eager"}, {"stage": "aot_eager"}]
    assert list(result["seconds"]) == ["eager", "aot_eager"]
    assert (result["ran"], result["failures"], result["filtered"]) == (True, [], {})
    assert (result["operators"], result["signatures"]) == (["tanh"], ["tanh(float32[2])"])
    assert "rejected" not in result


def test_oracles_run_in_the_order_of_their_table() -> None:
    _, reports = run(CASE, "wrong", "healthy", oracles=FAULTY)

    assert [report["stage"] for report in reports if "stage" in report] == ["eager", "healthy", "wrong"]


def test_a_failure_is_told_at_once_and_returned() -> None:
    result, reports = run(CASE, "wrong", oracles=FAULTY)

    assert [failure["kind"] for failure in result["failures"]] == ["wrong value"]
    assert result["failures"][0]["flaky"] is False
    assert reports[-1] == {"failure": result["failures"][0]}
    assert result["ran"] is True


def test_a_failure_that_does_not_come_back_is_flaky() -> None:
    verdicts = [None, Failure("once", "wrong value", "tanh", "", output=0)]

    class Once:
        def check(self, case: Case) -> Failure | None:
            return verdicts.pop()

    result, _ = run(CASE, "once", oracles={"once": lambda book, note: Once()})

    assert [failure["flaky"] for failure in result["failures"]] == [True]


def test_filters_are_counted_once_although_failures_are_checked_twice() -> None:
    class Noting:
        def __init__(self, note: Callable[[str], None]) -> None:
            self.note = note

        def check(self, case: Case) -> Failure | None:
            self.note("rounding")
            return Failure("noting", "wrong value", "tanh", "", output=0)

    result, _ = run(CASE, "noting", oracles={"noting": lambda book, note: Noting(note)})

    assert result["filtered"] == {"rounding": 1}


def said_to_return(type: TensorType) -> Case:
    """A case whose text claims that tanh of a float32[4, 3] is of that type."""
    nodes = (CASE.graph.nodes[0], Node("tanh", (Value(0),), (), (type,)))
    return Case(Graph(nodes, (Value(1),)), seed=1)


def test_a_case_of_other_types_than_the_rules_say_is_a_counter_example() -> None:
    result, reports = run(said_to_return(TensorType((4, 4))), "aot_eager")

    assert (result["ran"], result["failures"]) == (False, [])
    assert result["rejected"] == {
        "type": "other types",
        "message": "the rules say float32[4, 4]; PyTorch returns float32[4, 3]",
    }
    assert reports == [{"stage": "eager"}]


def test_what_eager_refuses_is_a_counter_example() -> None:
    (given, square) = said_to_return(TensorType((3, 4))).graph.nodes
    product = Node("matmul", (Value(0), Value(1)), (), (TensorType((4, 4)),))
    result, _ = run(Case(Graph((given, square, product), (Value(2),)), seed=1), "aot_eager")

    assert (result["ran"], result["failures"]) == (False, [])
    assert result["rejected"]["type"] == "RuntimeError"
    assert "shapes" in result["rejected"]["message"]


def test_an_internal_assert_of_eager_is_a_failure_besides(monkeypatch: pytest.MonkeyPatch) -> None:
    admission = RuntimeError("x INTERNAL ASSERT FAILED at y")
    monkeypatch.setattr(check, "attempt", lambda module, given: admission)
    result, _ = run(CASE, "aot_eager")

    assert result["rejected"]["type"] == "RuntimeError"
    assert [(failure["oracle"], failure["kind"]) for failure in result["failures"]] == [("eager", "internal assert")]


def test_an_unknown_oracle_is_refused() -> None:
    with pytest.raises(ValueError, match="oracles are aot_eager, inductor; got jit"):
        run(CASE, "jit")
