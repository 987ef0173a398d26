"""The benchmarks run to their end and say what they should; how fast anything was is nobody's test."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent


def ran(name: str, folder: Path) -> tuple[list[str], dict[str, Any]]:
    """The lines that a quick run prints, and its document."""
    document = folder / "figures.json"
    command = [sys.executable, f"benchmarks/{name}.py", "--quick", "--json", str(document)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.splitlines(), json.loads(document.read_text(encoding="utf-8"))


def test_every_job_is_measured_on_every_space_for_every_tool_that_has_it(tmp_path: Path) -> None:
    lines, document = ran("spaces", tmp_path)
    jobs = {"start", "draw", "mutate", "digest", "build"}

    assert document["per_second"].keys() == {"20 decisions", "chain of 10"}
    for measured in document["per_second"].values():
        assert measured.keys() == jobs
        for job, tools in measured.items():
            assert tools.keys() == {"archsmith", "PyGlove"} | ({"Optuna"} if job in ("start", "draw") else set())
            assert all(len(rates) == 2 and min(rates) > 0 for rates in tools.values())
    assert document["versions"].keys() == {"archsmith", "optuna", "pyglove"}
    assert sum(bool(re.search(r"aim [\d.]+: (reached|missed)$", line)) for line in lines) == 5
    assert re.fullmatch(
        r"architectures of 20 decisions drawn: [\d,]+ a second, [\d,]+ times Optuna, [\d,]+ times PyGlove", lines[-1]
    )


def test_what_archsmith_proposes_is_valid_and_not_all_else_is(tmp_path: Path) -> None:
    lines, document = ran("validity", tmp_path)
    share = document["share"]

    assert share["archsmith"] == 1
    assert 0 < share["independent"] < 0.5
    assert 0 < share["Optuna"] < 0.5
    assert document["held"] == document["independent_valid"] > 0
    assert lines[-1].startswith("proposals that build and run: 100.0% of archsmith's, ")
