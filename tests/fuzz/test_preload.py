"""Workers are forked from a process that has imported all this, which is safe only without threads."""

import subprocess
import sys
from pathlib import Path

from archsmith.fuzz.preload import CHECK, PRELOAD, environment

LIGHT = ("bucket", "case", "fatal", "finding", "generate", "oracles", "oracles.protocol", "preload", "report")
"""What the store, the command line and campaigns use."""


def run(code: str) -> list[str]:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    return result.stdout.split()


def test_what_others_use_comes_without_torch() -> None:
    names = ", ".join(f"archsmith.fuzz.{name}" for name in LIGHT)

    assert run(f"import sys, {names}; print('torch' in sys.modules)") == ["False"]


def test_preloading_starts_no_thread(tmp_path: Path) -> None:
    code = (
        "import importlib, os, sys\n"
        f"for name in {PRELOAD}: importlib.import_module(name)\n"
        "print(len(os.listdir('/proc/self/task')), 'torch' in sys.modules)\n"
        f"print(callable(getattr(importlib.import_module('{CHECK.partition(':')[0]}'), '{CHECK.partition(':')[2]}')))\n"
    )

    assert run(code) == ["1", "True", "True"]
    assert str(tmp_path) in environment(tmp_path).values()
