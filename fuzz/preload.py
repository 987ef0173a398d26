"""What a sandbox needs in order to check cases quickly."""

from collections.abc import Mapping
from pathlib import Path

PRELOAD = ("torch", "torch._dynamo", "torch._inductor.compile_fx", "archsmith.fuzz.check")
"""Modules to import before workers are forked; none starts a thread or runs an operator when imported."""

NO_SPACE = "No space left on device"
"""What Python and the compiler say when the disk, or the folder of temporary files, is full."""

CHECK = "archsmith.fuzz.check:check_case"
"""The job function."""


def environment(cache: Path) -> Mapping[str, str]:
    """Environment variables for a campaign's workers, which share ``cache``, where the compiler keeps what it built.

    Shared, because the first compilation into an empty folder takes long (20 s); the folder grows by what is built.
    """
    return {"TORCHINDUCTOR_CACHE_DIR": str(cache)}
