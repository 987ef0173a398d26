"""What /proc tells about processes and their memory, in bytes; without a /proc the answers are 0 or None."""

import re
from contextlib import suppress
from pathlib import Path

_KILOBYTES = re.compile(rb"^(\w+):\s+(\d+) kB$", re.MULTILINE)


def private_memory(pid: int) -> int:
    """Resident memory that no file backs: what the process allocated and touched, shared segments too."""
    sizes = _sizes(pid, "status")
    return sizes.get(b"RssAnon", 0) + sizes.get(b"RssShmem", 0)


def family_memory(pid: int) -> int:
    """`private_memory` of the process plus that of its descendants.

    A descendant counts in proportion to how many processes share a page (PSS), because a forked data loader
    shares nearly all of its memory with the process that forked it.
    """
    total = private_memory(pid)
    for descendant in descendants(pid):
        sizes = _sizes(descendant, "smaps_rollup")
        total += sizes.get(b"Pss_Anon", 0) + sizes.get(b"Pss_Shmem", 0)
    return total


def data_size() -> int:
    """What the kernel compares with this process's RLIMIT_DATA: private writable mappings, touched or not."""
    return _sizes("self", "status").get(b"VmData", 0)


def peak_resident() -> int:
    """The most memory that was resident in this process since `forget_peak`, mapped files included."""
    return _sizes("self", "status").get(b"VmHWM", 0)


def forget_peak() -> None:
    """Starts a new peak at what is resident now."""
    with suppress(OSError):  # without it the peak is that of the process's life
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def children(pid: int) -> list[int]:
    """The processes that this one has started (or inherited as a subreaper) and that still exist."""
    found: list[int] = []
    for task in _listing(f"/proc/{pid}/task"):
        found += map(int, _read(f"/proc/{pid}/task/{task}/children").split())
    return found


def descendants(pid: int) -> list[int]:
    """The children, their children and so on, without the process itself."""
    found: list[int] = []
    waiting = children(pid)
    while waiting:
        found.append(waiting.pop())
        waiting += children(found[-1])
    return found


def thread_names() -> list[str]:
    """The names of this process's threads, the main thread's included."""
    return [
        _read(f"/proc/self/task/{task}/comm").decode(errors="replace").strip() for task in _listing("/proc/self/task")
    ]


def kernel_oom_kills() -> int | None:
    """How many processes the kernel has killed for memory since boot; None where it does not say."""
    found = re.search(rb"^oom_kill (\d+)$", _read("/proc/vmstat"), re.MULTILINE)
    return int(found[1]) if found else None


def _sizes(pid: int | str, file: str) -> dict[bytes, int]:
    return {name: int(size) * 1024 for name, size in _KILOBYTES.findall(_read(f"/proc/{pid}/{file}"))}


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:  # the process has gone, or this system has no such file
        return b""


def _listing(path: str) -> list[str]:
    try:
        return [entry.name for entry in Path(path).iterdir()]
    except OSError:
        return []
