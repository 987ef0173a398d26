"""Why a job failed, told from what is left of it: an exception, or a wait status and the end of its output."""

import os
import re
import signal as signals

from archsmith.runtime.outcome import Crashed, OutOfMemory, Outcome

_KEPT = 4096
_READ = 4 * _KEPT
_MODULES = re.compile(r"^Extension modules: .*\n?", re.MULTILINE)
_NO_MEMORY = re.compile(r"can't allocate memory|cannot allocate memory|not enough memory|out of memory|bad_alloc", re.I)


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an exception, or one that it was raised from, says that memory ran out on the host or a device.

    PyTorch raises a plain RuntimeError whose text is all there is to go by.
    """
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        if isinstance(link, MemoryError) or type(link).__name__ == "OutOfMemoryError":
            return True
        if isinstance(link, (RuntimeError, OSError)) and _NO_MEMORY.search(said(link)):
            return True
        link = link.__cause__
    return False


def said(error: BaseException) -> str:
    """The exception's text, even where its own `__str__` raises."""
    try:
        return str(error)
    except Exception as broken:  # a boundary: the class comes from the job
        return f"<its text raised {type(broken).__name__}>"


def verdict(status: int, output: str, limit: int | None, *, kernel_killed: bool) -> Outcome:
    """The outcome of a job whose worker ended with this wait status while the job ran.

    `kernel_killed`: the kernel killed some process for memory meanwhile, so a SIGKILL is taken for that.
    """
    code = os.waitstatus_to_exitcode(status)
    if code == -signals.SIGKILL and kernel_killed:
        return OutOfMemory(limit, "killed by the kernel because the machine ran out of memory")
    if code in (-signals.SIGABRT, 1) and (line := _line_about_memory(output)):
        return OutOfMemory(limit, line)
    if code < 0:
        return Crashed(-code, None, output)
    return Crashed(None, code, output)


def tail(file: int) -> str:
    """The end of what was written to the open file, without Python's list of extension modules after a crash."""
    size = os.fstat(file).st_size
    text = os.pread(file, _READ, max(0, size - _READ)).decode(errors="replace")
    return _MODULES.sub("", text)[-_KEPT:]


def _line_about_memory(output: str) -> str | None:
    """C++ code that cannot throw past a frame ends the process instead, and says so on standard error."""
    return next((line for line in output.splitlines() if _NO_MEMORY.search(line)), None)
