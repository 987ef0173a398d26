"""The benchmarks run to their end and say what they should; how fast anything was is nobody's test."""

import itertools
import json
import math
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet

ROOT = Path(__file__).parent.parent.parent


def ran(name: str, folder: Path, *options: str) -> tuple[list[str], dict[str, Any]]:
    """The lines that a quick run prints, and its document."""
    document = folder / "figures.json"
    command = [sys.executable, f"benchmarks/{name}.py", "--quick", "--json", str(document), *options]
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


def test_a_race_on_tables_goes_on_where_it_was_broken_off(tmp_path: Path) -> None:
    points = list(itertools.product(range(3), repeat=5))
    columns: dict[str, list[Any]] = {f"layer{place}": [point[place] for point in points] for place in range(5)}
    columns["val_t0"] = [float(sum(point)) for point in points]
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "toy.parquet")
    options = ("--data", str(tmp_path), "--evaluations", "25", "--searchers")
    _, first = ran("nas_tabular", tmp_path, *options, "rs")
    known = first["results"]["toy"]["rs"]["1"]
    known["cpu_ms"] = 7.0
    (tmp_path / "figures.json").write_text(json.dumps(first), encoding="utf-8")
    picture = tmp_path / "toy.svg"
    lines, second = ran("nas_tabular", tmp_path, *options, "rs,evolution", "--plot", str(picture))
    found = second["results"]["toy"]

    assert found["rs"]["1"] == known
    assert found.keys() == {"rs", "evolution"}
    for runs in found.values():
        assert runs.keys() == {"0", "1"}
        for run in runs.values():
            assert len(run["regret"]) == len(second["marks"]) == 3
            assert run["regret"] == sorted(run["regret"], reverse=True)
            assert run["regret"][-1] >= 0
    assert any(re.match(r"\| evolution \| 2 \| \S+ ± \S+ \| [\d.]+ \|$", line) for line in lines)
    assert "toy" in picture.read_text(encoding="utf-8")


def test_the_cost_of_searchers_is_measured_beside_optunas(tmp_path: Path) -> None:
    lines, document = ran("overhead", tmp_path, "--searchers", "random,evolution,optuna random,optuna TPE")

    assert document["cpu_seconds"].keys() == {"random", "evolution", "optuna random", "optuna TPE"}
    for seconds in document["cpu_seconds"].values():
        assert seconds.keys() == {"50", "200"}
        assert min(seconds.values()) > 0
    assert len(document["aims"]) == sum(bool(re.search(r"aim [\d.]+: (reached|missed)$", line)) for line in lines) == 3
    assert re.match(r"overhead: \d of 3 aims reached; .*optuna TPE [\d.]+ ms at 200$", lines[-1])


def test_full_trainings_and_those_that_end_early_have_one_budget(tmp_path: Path) -> None:
    lines, document = ran("halving", tmp_path)
    found = document["regret"]["digits"]

    assert document["marks"] == [2.5, 5, 10, 20]
    assert found.keys() == {
        *("random", "halving", "hyperband", "asha", "median", "curve"),
        *("optuna halving", "optuna hyperband", "optuna median"),
    }
    for runs in found.values():
        assert len(runs) == 2
        for run in runs:
            known = [regret for regret in run if not math.isnan(regret)]  # nothing is trained to its end before that
            assert len(run) == 4
            assert known == sorted(known, reverse=True)
            assert known
            assert known[-1] >= 0
    assert re.fullmatch(
        r"successive halving's regret at a budget of 20 full trainings: "
        r"digits \d+\.\d\d, random \d+\.\d\d \((reached|missed)\)",
        lines[-1],
    )


def test_hypervolumes_are_parts_of_the_whole_tables(tmp_path: Path) -> None:
    cells = list(itertools.product(range(5), repeat=6))
    worth = [sum(place * operation for place, operation in enumerate(cell, 1)) for cell in cells]
    columns: dict[str, list[Any]] = {f"op{place}": [cell[place] for cell in cells] for place in range(6)}
    columns |= {f"cifar10_val200_t{trial}": [50 + known / 4 + trial for known in worth] for trial in range(3)}
    columns["cifar10_val200_mean"] = [51 + known / 4 for known in worth]
    columns["lat_ms_pixel3"] = [5.0 + sum(cell) for cell in cells]
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "nasbench201_cifar10.parquet")
    lines, document = ran("pareto", tmp_path, "--data", str(tmp_path))
    found = document["devices"]["lat_ms_pixel3"]

    assert document["devices"].keys() == {"lat_ms_pixel3"}
    assert found.keys() == {
        *("nsga2", "nsga2, generations", "evolution", "random"),
        *("optuna nsga2", "optuna nsga2, 20", "optuna tpe"),
    }
    for measured in found.values():
        assert len(measured["shares"]) == document["seeds"] == 2
        assert 0 < min(measured["shares"]) <= max(measured["shares"]) < 1
    assert re.fullmatch(r"hypervolume found by nsga2: 0\.\d{3}; by the best of Optuna's samplers: 0\.\d{3}", lines[-1])


def test_searchers_of_a_seed_meet_the_same_trainings(tmp_path: Path) -> None:
    for stem, count in (("train", 10_100), ("t10k", 40)):  # the last 10,000 are for validation
        labels = np.arange(count, dtype="u1") % 10
        images = np.zeros((count, 28, 28), "u1")
        images[np.arange(count), 2 * labels] = 200
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            (tmp_path / f"{stem}-{kind}-ubyte").write_bytes(header + array.tobytes())
    lines, document = ran("nas_train", tmp_path, "--data", str(tmp_path), "--searchers", "random,evolution")
    found = document["studies"]

    assert found.keys() == {"random", "evolution"}
    assert document["gains"] == {"evolution": [0, 0]}  # its first trials are drawn at random, too
    for seed, (one, other) in enumerate(zip(*found.values(), strict=True)):
        assert one["seed"] == seed
        assert len(one["val"]) == len(one["test"]) == 3
        assert all(0 <= value <= 100 for value in (*one["val"], *one["test"]))
        assert (one["val"], one["test"]) == (other["val"], other["test"])
    assert re.fullmatch(
        r"Fashion-MNIST test accuracy in percent after 3 trials: random \S+ ± \S+, evolution \S+ ± \S+", lines[-1]
    )


def test_rules_are_judged_by_calls_that_inference_did_not_see(tmp_path: Path) -> None:
    lines, document = ran("rules", tmp_path)
    found = document["operators"]

    assert {tally["operator"] for tally in found} == {"torch.add", "torch.cat", "torch.flip", "torch.sum"}
    for tally in found:
        assert tally["rules"] > 0
        assert tally["exact"] <= tally["accepted"] <= tally["known"] <= tally["valid"]
        assert tally["fresh_exact"] <= tally["fresh_both"] <= min(tally["fresh_ran"], tally["fresh_accepted"])
        assert sum(tally["misses"].values()) == tally["valid"] - tally["accepted"]
    for name in ("accepted", "exact", "fresh_exact"):
        assert sum(tally[name] for tally in found) > 0
    assert document["neuri"] == {"operators": 758, "signatures": 4758}
    assert re.match(r"4 of 4 operators have \d+ rules .* result types exact [\d.]+ %$", lines[-1])
