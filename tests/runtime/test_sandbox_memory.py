"""A job may use so much memory and no more, by whatever way it takes it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from archsmith.runtime.job import Job, Json
from archsmith.runtime.outcome import Outcome, OutOfMemory, Returned
from archsmith.runtime.sandbox import Sandbox

MEBIBYTE = 1 << 20
AMPLE = 60.0


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(environment={"PYTHONPATH": str(Path(__file__).parent)}) as torch_loaded:
        yield torch_loaded


def run(sandbox: Sandbox, name: str, payload: Json = None, memory: int | None = None) -> Outcome:
    return sandbox.run(Job(f"sandbox_jobs:{name}", payload, AMPLE, memory))


def test_a_tensor_over_the_limit_cannot_be_had_and_one_below_can(sandbox: Sandbox) -> None:
    too_much = run(sandbox, "fill_tensor", 300 * MEBIBYTE, memory=200 * MEBIBYTE)

    assert isinstance(too_much, OutOfMemory)
    assert too_much.limit == 200 * MEBIBYTE
    assert "can't allocate memory" in too_much.message
    assert run(sandbox, "fill_tensor", 100 * MEBIBYTE, memory=200 * MEBIBYTE) == Returned("filled")


def test_the_limit_of_one_job_is_not_the_next_jobs(sandbox: Sandbox) -> None:
    assert run(sandbox, "fill_tensor", 20 * MEBIBYTE, memory=40 * MEBIBYTE) == Returned("filled")
    assert run(sandbox, "fill_tensor", 200 * MEBIBYTE) == Returned("filled")


def test_without_a_limit_a_tensor_that_no_machine_holds_is_out_of_memory(sandbox: Sandbox) -> None:
    outcome = run(sandbox, "fill_tensor", 1 << 60)

    assert isinstance(outcome, OutOfMemory)
    assert outcome.limit is None


def test_many_small_allocations_reach_the_limit(sandbox: Sandbox) -> None:
    assert isinstance(run(sandbox, "small_allocations", memory=100 * MEBIBYTE), OutOfMemory)


def test_a_memory_error_behind_another_exception_is_seen(sandbox: Sandbox) -> None:
    assert isinstance(run(sandbox, "wrapped_memory_error", memory=100 * MEBIBYTE), OutOfMemory)


@pytest.mark.parametrize("name", ["shared_memory", "memory_in_children"])
def test_memory_that_the_kernels_limit_does_not_count_is_watched(sandbox: Sandbox, name: str) -> None:
    outcome = run(sandbox, name, 150 * MEBIBYTE, memory=100 * MEBIBYTE if name == "shared_memory" else 200 * MEBIBYTE)

    assert isinstance(outcome, OutOfMemory)
    assert outcome.message.endswith("with the processes that it started")


def test_a_convolution_that_lacked_memory_once_works_in_the_next_job(sandbox: Sandbox) -> None:
    starved = [run(sandbox, "convolve", memory=kibibytes << 10) for kibibytes in range(1024, 2048, 128)]

    assert {type(outcome) for outcome in starved} <= {OutOfMemory, Returned}
    assert OutOfMemory in {type(outcome) for outcome in starved}
    assert run(sandbox, "convolve") == Returned([64, 64, 30, 30])


def test_training_with_a_hundred_megabytes_runs_under_a_limit_of_a_gigabyte(sandbox: Sandbox) -> None:
    losses: list[Json] = []
    outcome = sandbox.run(Job("sandbox_jobs:train", 3, AMPLE, 1024 * MEBIBYTE), losses.append)

    assert outcome == Returned(6_004_000)
    assert losses == sorted(losses, reverse=True)
    assert len(losses) == 3


def test_what_a_job_sets_is_set_back_for_the_next(sandbox: Sandbox) -> None:
    before = run(sandbox, "state")
    run(sandbox, "disturb")

    assert isinstance(before, Returned)
    assert before.value["threads"] == 1
    assert run(sandbox, "state") == before
