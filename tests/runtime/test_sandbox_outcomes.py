"""Outcomes as values: their JSON, the line for people, and how a failure is told from what is left of it."""

import math
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.errors import UserError
from archsmith.runtime.outcome import (
    Crashed,
    Outcome,
    OutOfMemory,
    Raised,
    Returned,
    TimedOut,
    from_json,
    reason,
    to_json,
)
from archsmith.runtime.post_mortem import ran_out_of_memory, tail, verdict
from archsmith.runtime.wire import decode, encode

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
codes = st.none() | st.integers(0, 255)
outcomes = (
    st.builds(Returned, values)
    | st.builds(Raised, st.text(), st.text(), st.text(), st.text())
    | st.builds(Crashed, codes, codes, st.text())
    | st.builds(TimedOut, st.floats(min_value=0, allow_nan=False))
    | st.builds(OutOfMemory, st.none() | st.integers(1), st.text())
)


@given(outcomes)
def test_an_outcome_survives_its_json(outcome: Outcome) -> None:
    assert from_json(decode(encode(to_json(outcome)))) == outcome


@given(outcomes)
def test_every_outcome_has_a_reason_in_one_line(outcome: Outcome) -> None:
    line = reason(outcome)

    assert line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (Returned(3), "returned"),
        (Raised("ValueError", "bad shape\nat line 3", ""), "raised ValueError: bad shape"),
        (Raised("KeyboardInterrupt", "", ""), "raised KeyboardInterrupt"),
        (Crashed(11, None), "killed by SIGSEGV"),
        (Crashed(40, None), "killed by signal 40"),
        (Crashed(None, 0), "left with exit code 0"),
        (Crashed(None, None), "sent something that could not be read"),
        (TimedOut(30.0), "ran longer than 30 s"),
        (OutOfMemory(1 << 30, ""), "needed more than 1,024 MiB of memory"),
        (OutOfMemory(None, ""), "ran out of memory"),
    ],
)
def test_the_reason_is_plain(outcome: Outcome, line: str) -> None:
    assert reason(outcome) == line


@pytest.mark.parametrize("data", [None, [], {"outcome": "won"}, {"outcome": "timed_out"}, {"value": 1}, "returned"])
def test_what_is_no_outcome_is_refused(data: object) -> None:
    with pytest.raises(UserError, match="not an outcome"):
        from_json(data)


@given(values | st.just([math.inf]))
def test_a_message_is_one_line_whatever_it_holds(value: object) -> None:
    line = encode(value)

    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == value


@pytest.mark.parametrize(
    ("error", "memory"),
    [
        (MemoryError(), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("std::bad_alloc"), True),
        (OSError(12, "Cannot allocate memory"), True),
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory"), True),
        (RuntimeError("shape mismatch"), False),
        (ValueError("the user ran out of memory"), False),
    ],
)
def test_only_what_says_that_memory_ran_out_is_out_of_memory(error: BaseException, memory: bool) -> None:
    outer = ValueError("outer")
    outer.__cause__ = error

    assert ran_out_of_memory(error) is memory
    assert ran_out_of_memory(outer) is memory


def test_onednns_vague_message_means_memory_only_where_memory_was_short() -> None:
    error = RuntimeError("could not create a primitive")

    assert ran_out_of_memory(error, short=True)
    assert not ran_out_of_memory(error)
    assert not ran_out_of_memory(RuntimeError("shape mismatch"), short=True)


def test_an_exception_that_causes_itself_is_looked_at_once() -> None:
    error = ValueError("x")
    error.__cause__ = error

    assert not ran_out_of_memory(error)


def test_a_kill_is_the_kernels_only_when_the_kernel_says_so() -> None:
    assert verdict(9, "", None, kernel_killed=False) == Crashed(9, None)
    assert isinstance(verdict(9, "", 5, kernel_killed=True), OutOfMemory)
    assert verdict(11, "", 5, kernel_killed=True) == Crashed(11, None)


def test_a_segmentation_fault_stays_one_whatever_was_printed() -> None:
    assert verdict(11, "std::bad_alloc", None, kernel_killed=False) == Crashed(11, None, "std::bad_alloc")


def test_of_a_long_python_stack_the_innermost_calls_are_kept() -> None:
    stack = "\n".join(f'  File "x.py", line {line} in f{line}' for line in range(300))
    text = "a" * 9000 + f"\nFatal Python error: Aborted\n\n{stack}\n\nExtension modules: torch._C, numpy\n"
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(text.encode())
        kept = tail(file.fileno())

    assert "in f0\n" in kept
    assert "Extension modules" not in kept
    assert len(kept) < 6000
