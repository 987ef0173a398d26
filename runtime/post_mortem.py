"""Why a job failed, told from what is left of it: an exception, or a wait status and the last output."""

import os
import re
import signal as signals

from archsmith.runtime.outcome import Crashed, Outcome, OutOfMemory

_KEPT = 4096
_BEFORE_STACK = 1024
_READ = 8 * _KEPT
_STACK = "Fatal Python error: "
_MODULES = re.compile(r"^Extension modules: .*\n?", re.MULTILINE)
_NO_MEMORY = re.compile(
    r"(can't|cannot) allocate memory|not enough memory|out of memory|bad_alloc|^MemoryError", re.IGNORECASE
)
_ONEDNN = re.compile(r"could not (create|execute|initialize) a")


def ran_out_of_memory(error: BaseException, *, short: bool = False) -> bool:
    """Whether an exception, or one that it was raised from, says that memory ran out on the host or a device.

    PyTorch raises a plain RuntimeError whose text is all there is to go by. `short`: memory is known to have
    been short, so oneDNN's "could not create a primitive", which has other causes too, is taken for that.
    """
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        if isinstance(link, MemoryError) or type(link).__name__ == "OutOfMemoryError":
            return True
        if isinstance(link, (RuntimeError, OSError)):
            text = said(link)
            if _NO_MEMORY.search(text) or (short and _ONEDNN.match(text)):
                return True
        link = link.__cause__
    return False


def said(error: BaseException) -> str:
    """The exception's text, even where its own `__str__` raises."""
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 (a boundary: the class comes from the job)
        return f"<its text raised {type(broken).__name__}>"


def verdict(status: int, output: str, limit: int | None, *, kernel_killed: bool) -> Outcome:
    """The outcome of a job whose worker ended with this wait status while the job ran.

    `kernel_killed`: the kernel killed some process for memory meanwhile, so a SIGKILL is taken for that.
    """
    code = os.waitstatus_to_exitcode(status)
    if code == -signals.SIGKILL and kernel_killed:
        return OutOfMemory(limit, "killed by the kernel because the machine ran out of memory")
    if (code > 0 or code == -signals.SIGABRT) and (line := _line_about_memory(output)):
        return OutOfMemory(limit, line)
    if code < 0:
        return Crashed(-code, None, output)
    return Crashed(None, code, output)


def tail(file: int) -> str:
    """The end of what was written to the open file, about 4 kB.

    Where it ends with the Python stack of a crash, the innermost calls are kept, which come first; the list
    of imported modules that follows is not.
    """
    size = os.fstat(file).st_size
    text = os.pread(file, _READ, max(0, size - _READ)).decode(errors="replace")
    text = _MODULES.sub("", text)
    start = text.rfind(_STACK)
    return text[-_KEPT:] if start < 0 else text[max(0, start - _BEFORE_STACK) : start + _KEPT]


def _line_about_memory(output: str) -> str | None:
    """What cannot be thrown ends the process instead, which then says so on standard error."""
    return next((line for line in output.splitlines() if _NO_MEMORY.search(line)), None)
