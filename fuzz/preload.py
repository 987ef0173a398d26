"""What a sandbox needs in order to check cases quickly."""

from collections.abc import Mapping
from pathlib import Path

PRELOAD = ("torch", "torch._dynamo", "torch._inductor.compile_fx", "archsmith.fuzz.check")
"""Modules to import before workers are forked; none starts a thread or runs an operator when imported."""

CHECK = "archsmith.fuzz.check:check_case"
"""The job function."""


def environment(cache: Path) -> Mapping[str, str]:
    """Environment variables for a campaign's workers, which share ``cache``, where built kernels are kept.

    A shared folder saves every worker the precompiled header (20 s); it grows by some 100 kB a case.
    """
    return {
        "TORCHINDUCTOR_CACHE_DIR": str(cache),
        "TORCHINDUCTOR_FX_GRAPH_CACHE": "0",
        "TORCHINDUCTOR_AUTOGRAD_CACHE": "0",
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }
