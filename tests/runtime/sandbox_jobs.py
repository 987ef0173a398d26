"""Jobs that the sandbox tests run in workers, by the name `sandbox_jobs:...`; most of them misbehave."""

import ctypes
import mmap
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Json = Any
Report = Callable[[Json], None]


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


def echo(payload: Json, report: Report) -> Json:
    return payload


def tell(payload: Json, report: Report) -> Json:
    for message in payload:
        report(message)
    return len(payload)


def identity(payload: Json, report: Report) -> Json:
    return {"pid": os.getpid(), "nursery": os.getppid()}


def state(payload: Json, report: Report) -> Json:
    import torch

    return {
        "directory": str(Path.cwd()),
        "dtype": str(torch.get_default_dtype()),
        "grad": torch.is_grad_enabled(),
        "recursion": sys.getrecursionlimit(),
        "threads": torch.get_num_threads(),
    }


def disturb(payload: Json, report: Report) -> Json:
    import torch

    os.chdir("/")
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.set_num_threads(3)
    sys.setrecursionlimit(5000)
    return None


def segfault(payload: Json, report: Report) -> Json:
    sys.stdout.write("about to read address 0\n")
    ctypes.string_at(0)


def abort(payload: Json, report: Report) -> Json:
    os.abort()


def die_of(payload: Json, report: Report) -> Json:
    os.kill(os.getpid(), signal.Signals[payload])


def leave(payload: Json, report: Report) -> Json:
    os._exit(payload)


def fall_out_of_bad_alloc(payload: Json, report: Report) -> Json:
    sys.stderr.write("terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


def quit_politely(payload: Json, report: Report) -> Json:
    sys.exit("enough")


def interrupt(payload: Json, report: Report) -> Json:
    raise KeyboardInterrupt


def fail(payload: Json, report: Report) -> Json:
    sys.stdout.write("printed before the failure\n")
    raise ValueError(payload)


def fail_without_text(payload: Json, report: Report) -> Json:
    raise Unprintable


def recurse(payload: Json, report: Report) -> Json:
    return recurse(payload, report)


def spin(payload: Json, report: Report) -> Json:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        pass


def sleep_in_c(payload: Json, report: Report) -> Json:
    ctypes.CDLL(None).sleep(1000)


def kill_the_nursery(payload: Json, report: Report) -> Json:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(1000)


def stop_itself(payload: Json, report: Report) -> Json:
    os.kill(os.getpid(), signal.SIGSTOP)


def start_and_hang(payload: Json, report: Report) -> Json:
    """Hangs with a process in its own group and one in a session of its own."""
    near = subprocess.Popen(["sleep", "1000"])
    far = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    report([near.pid, far.pid])
    time.sleep(1000)


def return_a_set(payload: Json, report: Report) -> Json:
    return {1, 2}


def report_a_set(payload: Json, report: Report) -> Json:
    report({1, 2})


def print_much(payload: Json, report: Report) -> Json:
    for number in range(payload):
        os.write(1, f"line {number}\n".encode())
    os.write(2, b'{"kind": "ended"}\n')
    raise ValueError("after printing")


def print_for_ever(payload: Json, report: Report) -> Json:
    while True:
        os.write(1, b"x" * (1 << 16))


def write_garbage(payload: Json, report: Report) -> Json:
    """Writes over every open socket, as a wild pointer might."""
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, payload.encode())
        except OSError:
            continue
    time.sleep(1000)


def close_everything(payload: Json, report: Report) -> Json:
    os.closerange(3, 1024)


def fork_twins(payload: Json, report: Report) -> Json:
    return "child" if os.fork() == 0 else "parent"


def leave_a_thread(payload: Json, report: Report) -> Json:
    """Its thread keeps reporting after the job has ended."""

    def nag() -> None:
        while True:
            time.sleep(0.001)
            report("from the dead")

    threading.Thread(target=nag, daemon=True).start()
    return None


def start_threads_and_crash(payload: Json, report: Report) -> Json:
    for _ in range(4):
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    ctypes.string_at(0)


def nap(payload: Json, report: Report) -> Json:
    time.sleep(payload)
    return payload


def small_allocations(payload: Json, report: Report) -> Json:
    kept = []
    while True:
        kept.append([0.5] * 20)


def wrapped_memory_error(payload: Json, report: Report) -> Json:
    try:
        bytearray(1 << 45)
    except MemoryError as error:
        raise ValueError("could not build the table") from error


def shared_memory(payload: Json, report: Report) -> Json:
    """RLIMIT_DATA does not count shared mappings."""
    segment = mmap.mmap(-1, payload)
    for _ in range(payload >> 20):
        segment.write(b"x" * (1 << 20))
    time.sleep(1000)


def memory_in_children(payload: Json, report: Report) -> Json:
    """Each of two processes stays under the limit; together they do not."""
    code = f"import time; kept = b'x' * {payload}; time.sleep(1000)"
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    return [process.wait() for process in processes]


def keep(payload: Json, report: Report) -> Json:
    """A job that leaks."""
    sys.modules[__name__].__dict__.setdefault("kept", []).append(b"x" * payload)
    return os.getpid()


def fill_tensor(payload: Json, report: Report) -> Json:
    import torch

    torch.empty(payload, dtype=torch.uint8).fill_(1)
    return "filled"


def convolve(payload: Json, report: Report) -> Json:
    import torch

    return list(torch.nn.Conv2d(3, 64, 3)(torch.ones(64, 3, 32, 32)).shape)


def train(payload: Json, report: Report) -> Json:
    """A network whose weights, gradients and Adam moments take about 100 MB."""
    import torch

    network = torch.nn.Sequential(torch.nn.Linear(1000, 3000), torch.nn.ReLU(), torch.nn.Linear(3000, 1000))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-5)
    for _ in range(payload):
        optimizer.zero_grad()
        loss = network(torch.ones(8, 1000)).square().mean()
        loss.backward()
        optimizer.step()
        report(loss.item())
    return sum(parameter.numel() for parameter in network.parameters())


def compile_and_call(payload: Json, report: Report) -> Json:
    import torch

    compiled = torch.compile(lambda x: torch.sin(x) * 2 + 1)
    return compiled(torch.zeros(4)).tolist()
