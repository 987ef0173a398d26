"""How long a command takes to answer, next to what it cannot do without: Python, click and SQLAlchemy.

Runs every command and its limit in turn, several times over, and compares medians: a machine's noise meets both alike.

    python benchmarks/startup.py
    python benchmarks/startup.py --quick --json startup.json
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

LIMITS = {
    "python, click": [sys.executable, "-c", "import click"],
    "python, click, sqlalchemy.orm": [sys.executable, "-c", "import click, sqlalchemy.orm"],
}
"""What a command must at least import: those that print help, and those that read a store."""

COMMANDS = {
    "archsmith --help": (["--help"], "python, click"),
    "archsmith search --help": (["search", "--help"], "python, click"),
    "archsmith search list": (["search", "list"], "python, click, sqlalchemy.orm"),
    "archsmith fuzz findings": (["fuzz", "findings"], "python, click, sqlalchemy.orm"),
}


def seconds(command: Sequence[str], folder: Path) -> float:
    """Wall-clock seconds of one run."""
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="5 rounds instead of 21")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    program = [sys.executable, "-m", "archsmith"]
    runs = dict(LIMITS) | {name: [*program, *words] for name, (words, _) in COMMANDS.items()}
    times: dict[str, list[float]] = {name: [] for name in runs}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        subprocess.run([*program, "db", "upgrade"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        for command in runs.values():
            seconds(command, folder)  # the first run of each reads files that the later ones find in memory
        for _ in range(5 if given.quick else 21):
            for name, command in runs.items():
                times[name].append(seconds(command, folder))
    medians = {name: median(found) for name, found in times.items()}
    for name, found in times.items():
        limit = f"  {medians[name] / medians[COMMANDS[name][1]]:.2f} x its limit" if name in COMMANDS else ""
        print(f"{name:32} {medians[name]:.3f} s  ({min(found):.3f} to {max(found):.3f}){limit}")
    if given.json is not None:
        versions = {name: version(name) for name in ("archsmith", "click", "sqlalchemy")}
        document = {"seconds": times, "median": medians, "python": platform.python_version(), "versions": versions}
        given.json.write_text(json.dumps(document, indent=2), encoding="utf-8")
    slowest = max(COMMANDS, key=lambda name: medians[name])
    print(f"slowest command: {slowest}, {medians[slowest]:.2f} s")


if __name__ == "__main__":
    main()
