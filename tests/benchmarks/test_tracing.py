"""The benchmark of tracing runs to its end and says what it should; how fast anything was is nobody's test."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_tracing_is_measured_on_every_program(tmp_path: Path) -> None:
    document = tmp_path / "figures.json"
    command = [sys.executable, "benchmarks/tracing.py", "--quick", "--json", str(document)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(document.read_text(encoding="utf-8"))["figures"]

    assert len(figures) == 6
    for found in figures.values():
        assert found["calls"] > found["records"] > 0
        assert min(found["times"], found["times_aten"], found["microseconds_per_call"]) > 0
    line = r"tracing: under 3 times as long for [0-6] of 6 programs, [\d.]+ times at most"
    assert re.fullmatch(line, done.stdout.splitlines()[-1])
