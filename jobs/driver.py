"""Who runs a job: the name under which a process holds a lease, and whether that process is still there."""

import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

LEASE = timedelta(seconds=60)
"""How long a job stays a driver's after its last sign of life."""

HEARTBEAT = timedelta(seconds=10)
"""How often a driver gives one: several may be missed before the lease lapses."""


def utc_now() -> datetime:
    """The clock of the jobs, where the caller brings none."""
    return datetime.now(UTC)


def identity() -> str:
    """``host:pid:start``: the start time tells a process from a later one that was given the same number."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def is_gone(driver: str) -> bool:
    """Whether that driver ran on this machine and its process has ended; False where this cannot be known."""
    host, _, rest = driver.rpartition(":")[0].rpartition(":")
    started = driver.rpartition(":")[2]
    if host != socket.gethostname() or not rest.isdecimal() or not Path("/proc/self/stat").exists():
        return False
    return _started(int(rest)) != started


def _started(pid: int) -> str:
    """When the process began, in clock ticks since boot; empty if there is none."""
    try:
        # The command's name may hold spaces and brackets; the fields behind its last bracket are numbers.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
