"""Whoever is killed, the driver, the nursery or a worker: nothing is left behind and no job is lost."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from uuid import uuid4

import pytest

from archsmith.runtime.job import Job, Json
from archsmith.runtime.outcome import Crashed, Returned
from archsmith.runtime.pool import Done, Pool, Report

HERE = str(Path(__file__).parent)
AMPLE = 120.0


@pytest.fixture
def mark() -> str:
    """A variable for the environment of workers, by which their whole offspring is found again."""
    return f"sandbox-test-{uuid4()}"


def marked(mark: str) -> list[str]:
    """The command lines of the processes with the mark in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it has ended meanwhile
            continue
    return found


def left_after(mark: str, seconds: float = 20.0) -> list[str]:
    """What is still there once all has had time to go."""
    end = time.monotonic() + seconds
    while (left := marked(mark)) and time.monotonic() < end:
        time.sleep(0.02)
    return left


def small_pool(mark: str, workers: int = 1) -> Pool:
    return Pool(workers, preload=(), environment={"PYTHONPATH": HERE, "MARK": mark})


def job(name: str, payload: Json = None, seconds: float = AMPLE) -> Job:
    return Job(f"sandbox_jobs:{name}", payload, seconds)


def first(pool: Pool) -> Report | Done:
    (event,) = pool.wait()
    return event


def test_closing_leaves_no_process_of_a_running_job(mark: str) -> None:
    with small_pool(mark) as pool:
        pool.submit(0, job("start_and_hang"))
        first(pool)
        end = time.monotonic() + 20
        # A process that has just been started may not have its command line yet.
        while len(sleeping := [line for line in marked(mark) if line.startswith("sleep")]) < 2:
            assert time.monotonic() < end

    assert len(sleeping) == 2
    assert marked(mark) == []


def test_a_job_killed_for_its_time_leaves_no_process(mark: str) -> None:
    with small_pool(mark) as pool:
        pool.submit(0, job("start_and_hang", seconds=2.0))
        first(pool)
        done = first(pool)
        pool.submit(1, job("identity"))
        first(pool)
        end = time.monotonic() + 20
        while any(line.startswith("sleep") for line in marked(mark)) and time.monotonic() < end:
            pool.wait(0.02)
        left = [line for line in marked(mark) if line.startswith("sleep")]

    assert isinstance(done, Done)
    assert left == []


@pytest.mark.parametrize("script", ["submit", "start"])
def test_a_driver_killed_outright_leaves_no_process(script: str, mark: str) -> None:
    code = f"""
        from archsmith.runtime.job import Job
        from archsmith.runtime.pool import Pool
        pool = Pool(2, preload=(), environment={{"PYTHONPATH": {HERE!r}, "MARK": {mark!r}}})
        pool.submit(0, Job("sandbox_jobs:start_and_hang", None, 1000.0))
        if {script == "submit"}:
            pool.submit(1, Job("sandbox_jobs:spin", None, 1000.0))
            pool.wait()
        print("running", flush=True)
        while True:
            pool.wait()
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        line = driver.stdout.readline()
        running = marked(mark)
        driver.kill()

    assert line == "running\n"
    assert running
    assert left_after(mark) == []


def test_a_driver_killed_together_with_its_nursery_leaves_no_worker(mark: str) -> None:
    code = f"""
        from archsmith.runtime.job import Job
        from archsmith.runtime.pool import Pool
        pool = Pool(1, preload=(), environment={{"PYTHONPATH": {HERE!r}, "MARK": {mark!r}}})
        pool.submit(0, Job("sandbox_jobs:identity", None, 1000.0))
        print(pool.wait()[0].outcome.value["nursery"], flush=True)
        pool.submit(0, Job("sandbox_jobs:spin", None, 1000.0))
        while True:
            pool.wait()
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        nursery = int(driver.stdout.readline())
        driver.kill()
        os.kill(nursery, signal.SIGKILL)

    assert left_after(mark) == []


def test_a_nursery_killed_outright_is_replaced_and_its_jobs_run_again(mark: str) -> None:
    with small_pool(mark, workers=2) as pool:
        pool.submit("who", job("identity"))
        done = first(pool)
        assert isinstance(done, Done)
        assert isinstance(done.outcome, Returned)
        nursery = done.outcome.value["nursery"]
        pool.submit("long", job("nap", 0.5))
        pool.wait(0.1)
        os.kill(nursery, signal.SIGKILL)
        after = first(pool)
        pool.submit("who", job("identity"))
        again = first(pool)

    assert after == Done("long", Returned(0.5))
    assert isinstance(again, Done)
    assert isinstance(again.outcome, Returned)
    assert again.outcome.value["nursery"] != nursery
    assert marked(mark) == []


def test_a_job_that_kills_the_nursery_every_time_has_crashed(mark: str) -> None:
    with small_pool(mark) as pool:
        pool.submit("killer", job("kill_the_nursery"))
        done = first(pool)
        pool.submit("next", job("echo", 1))

        assert done == Done("killer", Crashed(int(signal.SIGKILL), None))
        assert first(pool) == Done("next", Returned(1))


def test_an_idle_worker_killed_from_outside_is_replaced(mark: str) -> None:
    with small_pool(mark) as pool:
        pool.submit(0, job("identity"))
        done = first(pool)
        assert isinstance(done, Done)
        assert isinstance(done.outcome, Returned)
        os.kill(done.outcome.value["pid"], signal.SIGKILL)
        pool.submit(1, job("echo", "alive"))

        assert first(pool) == Done(1, Returned("alive"))


def test_a_script_without_a_main_guard_works_from_any_folder(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    (tmp_path / "my_jobs.py").write_text("def double(payload, report):\n    return 2 * payload\n")
    script.write_text(
        textwrap.dedent("""
        from archsmith.runtime.job import Job
        from archsmith.runtime.sandbox import Sandbox
        with Sandbox(preload=()) as sandbox:
            print(sandbox.run(Job("my_jobs:double", 21, 60.0)))
        """)
    )
    result = subprocess.run([sys.executable, str(script)], cwd="/", capture_output=True, text=True, timeout=60)

    assert (result.stdout, result.stderr) == ("Returned(value=42)\n", "")


def test_an_interrupt_at_the_terminal_ends_all(mark: str) -> None:
    code = f"""
        from archsmith.runtime.job import Job
        from archsmith.runtime.sandbox import Sandbox
        with Sandbox(preload=(), environment={{"PYTHONPATH": {HERE!r}, "MARK": {mark!r}}}) as sandbox:
            job = Job("sandbox_jobs:start_and_hang", None, 1000.0)
            sandbox.run(job, lambda pids: print("go", flush=True))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        driver.stdout.readline()
        driver.send_signal(signal.SIGINT)
        _, errors = driver.communicate(timeout=60)

    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert marked(mark) == []


def test_compiling_works_in_a_worker_and_can_be_killed_in_the_middle(mark: str, tmp_path: Path) -> None:
    compiler = tmp_path / "g++"
    compiler.write_text(
        f'#!/bin/sh\n[ -e {tmp_path}/real ] && exec /usr/bin/env g++ "$@"\ntouch {tmp_path}/begun\nsleep 1000\n'
    )
    compiler.chmod(0o755)
    environment = {
        "PYTHONPATH": HERE,
        "MARK": mark,
        "CXX": str(compiler),
        "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache"),
        "TORCHINDUCTOR_CPP_CACHE_PRECOMPILE_HEADERS": "0",  # with the next: one compiler call, not six
        "TORCHINDUCTOR_VEC_ISA_OK": "0",
    }
    with Pool(1, preload=("torch._inductor.compile_fx",), environment=environment) as pool:
        pool.submit("stuck", job("compile_and_call"))
        while not (tmp_path / "begun").exists():
            assert pool.wait(0.05) == []
        pool.cancel("stuck")
        (tmp_path / "real").touch()
        pool.submit("fine", job("compile_and_call"))
        done = first(pool)
        left = [line for line in marked(mark) if "g++" in line or "sleep" in line]

    assert done == Done("fine", Returned([1.0, 1.0, 1.0, 1.0]))
    assert left == []
    assert marked(mark) == []
