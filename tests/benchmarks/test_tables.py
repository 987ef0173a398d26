"""Files of tables become spaces whose traces find their rows; a trial is one training, regret is of the mean."""

import itertools
from collections.abc import Mapping, Sequence
from math import isnan, log10
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from benchmarks.nas_tabular import proposer, race
from benchmarks.peers import PEERS
from benchmarks.tables import Table, load_tables
from benchmarks.tabular_report import Figure, behind, figure

from archsmith.spaces.decisions import Trace, replay

CELL = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


def parquet(file: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    pyarrow.parquet.write_table(pyarrow.table(dict(columns)), file)


def drawn(table: Table, count: int) -> list[Trace]:
    rng = Random(0)
    return [table.space.draw(rng) for _ in range(count)]


def layered(folder: Path, layers: int = 4) -> Table:
    """Layers of three options; the more of the last, the better, with trainings that differ by one."""
    points = list(itertools.product(range(3), repeat=layers))
    columns: dict[str, Sequence[Any]] = {f"layer{place}": [point[place] for point in points] for place in range(layers)}
    for trial in range(3):
        columns[f"test_t{trial}"] = [float(10 * sum(point) + trial) for point in points]
    parquet(folder / "nasbench_small.parquet", columns)
    (table,) = load_tables(folder)
    return table


def test_a_trial_is_one_training_and_regret_is_of_the_mean(tmp_path: Path) -> None:
    table = layered(tmp_path)
    labels = {"identity": 0, "mb3_k3": 1, "mb6_k5": 2}

    assert table.name == "small"
    assert table.best == 81
    for trace in drawn(table, 20):
        good = 10 * sum(labels[str(label)] for _, label in trace.answers)
        trials = {table.observe(trace, seed) for seed in range(40)}
        assert trials == {good, good + 1, good + 2}
        assert table.observe(trace, 3) == table.observe(trace, 3)
        assert table.regret(trace) == 80 - good


def test_flat_answers_and_traces_are_the_same_rows(tmp_path: Path) -> None:
    table = layered(tmp_path)

    for trace in drawn(table, 20):
        flat = table.trace_of(trace.as_dict())
        assert flat is not None
        assert table.row(flat) == table.row(trace)
        assert {name for name, _, _ in table.parameters()} == trace.as_dict().keys()


def test_a_training_that_failed_is_passed_over_as_long_as_another_did_not(tmp_path: Path) -> None:
    nan = float("nan")
    trials = {"val_t0": [1.0, nan, nan], "val_t1": [nan, 2.0, nan]}
    parquet(tmp_path / "gaps.parquet", {"x0": [0, 1, 2], **trials})
    (table,) = load_tables(tmp_path)
    observed = {trace.answers[0][1]: {table.observe(trace, seed) for seed in range(9)} for trace in drawn(table, 30)}

    assert observed[0] == {1}
    assert observed[1] == {2}
    assert all(map(isnan, observed[2]))
    assert table.best == 2


def test_a_cell_of_nas_bench_201_is_found_by_its_edges(tmp_path: Path) -> None:
    points = list(itertools.product(range(5), repeat=6))
    strings = ["|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*(CELL[code] for code in point)) for point in points]
    columns: dict[str, Sequence[Any]] = {f"op{place}": [point[place] for point in points] for place in range(6)}
    columns |= {"arch": strings, "other_val200_t0": [float(row) for row in range(len(points))]}
    columns |= {"other_val12": [0.0] * len(points), "other_test200_t0": [0.0] * len(points)}
    parquet(tmp_path / "anything.parquet", columns)
    (table,) = load_tables(tmp_path)

    assert table.name == "nb201/other"
    for trace in drawn(table, 20):
        edges = [str(trace.as_dict()[f"edge/{edge}"]) for edge in ("0-1", "0-2", "1-2", "0-3", "1-3", "2-3")]
        written = "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*edges)
        assert strings[int(table.mean(trace))] == written
        assert replay(table.space, trace).graph is not None


def test_settings_of_a_perceptron_are_losses_whose_regret_is_in_decimal_logarithms(tmp_path: Path) -> None:
    sizes = {
        "activation_fn_1": 2, "activation_fn_2": 2, "batch_size": 4, "dropout_1": 3, "dropout_2": 3,
        "init_lr": 6, "lr_schedule": 2, "n_units_1": 6, "n_units_2": 6,
    }  # fmt: skip
    keys = np.stack(np.unravel_index(np.arange(62_208), list(sizes.values())), axis=1).astype(np.int8)
    losses = np.repeat(np.linspace(1, 10, len(keys))[:, None], 2, axis=1)
    np.savez(tmp_path / "fc.npz", keys=keys, names=np.array(list(sizes)), wine_val_loss=losses, wine_test_loss=losses)
    (table,) = load_tables(tmp_path)

    assert table.name == "fc/wine"
    for trace in drawn(table, 10):
        loss = -table.observe(trace, 0)
        row = table.row(trace)
        assert row is not None
        assert loss == pytest.approx(losses[row, 0])
        assert table.regret(trace) == pytest.approx(log10(loss))
    ordered = {name for name, _, sizes_matter in table.parameters() if sizes_matter}
    assert {name.rpartition("/")[2] for name in ordered} == sizes.keys() - {
        "activation_fn_1", "activation_fn_2", "lr_schedule"
    }  # fmt: skip


def test_graph_points_go_through_the_map_and_skips_alone_are_no_architecture(tmp_path: Path) -> None:
    keys = np.stack(np.unravel_index(np.arange(9**5), (9,) * 5), axis=1).astype(np.int8)
    measured = ~(keys[:, 1:] == 8).all(axis=1)
    records = np.where(measured, keys[:, 0], -1).astype(np.int32)
    np.savez(tmp_path / "map.npz", keys=keys, rec=records)
    links = ["0000", "0001", "0011", "0012", "0013", "0111", "0112", "0122", "0123"]
    columns: dict[str, Sequence[Any]] = {"link": links, "toy_val": [float(place) for place in range(9)]}
    parquet(tmp_path / "graphs.parquet", columns | {f"op{node}": ["gat"] * 9 for node in range(4)})
    (table,) = load_tables(tmp_path)

    assert table.name == "graph/toy"
    for trace in drawn(table, 30):
        assert table.mean(trace) == links.index(str(trace.as_dict()["link"]))
    skips = {name: "skip" for name, _, _ in table.parameters()} | {"link": "0123"}
    assert table.trace_of(skips) is None
    skipping = Trace.of({name: label for name, label in skips.items() if name != "op3/layer"} | {"op3/layer": "fc"})
    only = table.space.mutated(skipping, Random(0))
    assert table.row(only) is not None


def holed(folder: Path, kind: str) -> tuple[Table, list[tuple[int, ...]]]:
    """A subset of a space, the first the best, and its points."""
    rng = Random(1)
    rows = sorted({tuple(rng.randrange(4) for _ in range(6)) for _ in range(60)})
    columns: dict[str, Sequence[Any]] = {"space": [kind] * len(rows), "task": ["layout"] * len(rows)}
    columns |= {"arch": [str(row) for row in rows], "val": [-float(place) for place in range(len(rows))]}
    parquet(folder / "subset.parquet", columns)
    (table,) = load_tables(folder)
    return table, rows


@pytest.mark.parametrize("kind", ["micro", "macro"])
def test_a_space_with_holes_offers_only_what_was_measured(tmp_path: Path, kind: str) -> None:
    table, rows = holed(tmp_path, kind)
    points = set(rows)
    rng = Random(1)
    traces = drawn(table, 40)
    children = [table.space.mutated(trace, rng) for trace in traces]

    assert table.name == f"transnas/{kind}/layout"
    assert table.best == 0
    for trace in [*traces, *children]:
        assert tuple(trace.as_dict()[f"at{place}"] for place in range(6)) in points
        assert table.regret(trace) == rows.index(tuple(int(label) for _, label in sorted(trace.answers)))
    assert replay(table.space, traces[0]).graph is not None


def test_other_parameters_are_read_as_they_are_and_other_files_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = list(itertools.product(("sgd", "adam"), (0.1, 0.2, 0.3), (1, 2, 4)))
    columns = dict(zip(("param_kind", "param_rate", "x0"), zip(*grid, strict=True), strict=True))
    parquet(tmp_path / "other.parquet", columns | {"error": [float(place + 1) for place in range(len(grid))]})
    parquet(tmp_path / "strange.parquet", {"a": [1], "b": [2.0]})
    (table,) = load_tables(tmp_path)

    assert [(options, ordered) for _, options, ordered in table.parameters()] == [
        (("adam", "sgd"), False),
        ((0.1, 0.2, 0.3), True),
        ((1, 2, 4), True),
    ]
    assert table.best == 0
    assert min(table.regret(trace) for trace in drawn(table, 200)) == 0
    assert "strange.parquet: no table of a known form, left out" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["rs", "re_p100_s25", "hill_climbing", "optuna_tpe", "optuna_tpe_mv_group"])
def test_peers_get_better_and_stand_what_fails(tmp_path: Path, name: str) -> None:
    table = layered(tmp_path)
    peer = PEERS[name].make(table, 0)
    values: list[float] = []
    for turn in range(40):
        trace = peer.ask()
        assert trace is not None
        values.append(table.observe(trace, 0))
        peer.tell(None if turn % 7 == 3 else values[-1])

    assert max(values) > values[0]


@pytest.mark.parametrize("label", ["optuna_tpe", "re_p100_s25", "evolution"])
def test_what_was_not_measured_counts_as_no_evaluation(tmp_path: Path, label: str) -> None:
    table, rows = holed(tmp_path, "micro")
    run = race(table, proposer(label, table, 0), 0, 25)

    assert run == race(table, proposer(label, table, 0), 0, 25) | {"cpu_ms": run["cpu_ms"]}
    assert len(run["regret"]) == 3
    assert 0 <= run["regret"][-1] <= run["regret"][0] < len(rows)


def test_worse_means_by_more_than_a_standard_error_of_the_difference() -> None:
    assert Figure(1.0, 0.3).at_most(Figure(0.6, 0.3))
    assert not Figure(1.0, 0.1).at_most(Figure(0.6, 0.3))
    marks = (50, 100)
    good = {str(seed): {"regret": [0.2 + seed / 10, 0.1]} for seed in range(2)}
    bad = {str(seed): {"regret": [0.2 + seed / 10, 0.3]} for seed in range(2)}

    assert str(figure(good, marks, 50)) == "0.25 ± 0.05"
    assert figure(good, marks, 150) is None
    assert behind({"ours": good, "theirs": bad}, marks, "ours", ["theirs"]) == []
    assert behind({"ours": bad, "theirs": good}, marks, "ours", ["theirs"]) == ["theirs @100"]
    assert behind({"theirs": good}, marks, "ours", ["theirs"]) is None
