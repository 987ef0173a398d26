"""Tables of measured architectures as search spaces: what a trial of a trace gives, and how good the trace really is.

Every table is a space of the language with real trees, so that searchers see networks and not rows. Readers go by the
columns of a file and not by its name; what none of them knows is told on standard error and left out. A trial is that
of one training, drawn by seed and row, as in a real search; regret is measured on the mean over all trainings.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import Parameter, Signature
from math import isfinite, nan, prod
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow.parquet
from benchmarks.table_spaces import (
    CELL_OPERATIONS,
    EDGES,
    GRAPH_OPERATIONS,
    LINKS,
    MACRO_OPERATIONS,
    SETTINGS,
    cell_space,
    macro_space,
    own_answers,
    perceptron_space,
    task_space,
    wired_space,
)

from archsmith.spaces.decisions import Label, Trace
from archsmith.spaces.node import Node
from archsmith.spaces.nodes import chain, choose, op, shared
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.spaces.values import SharedValue

Array = np.ndarray[Any, Any]

PREDICATE = 20_000
"""Points of a space with holes up to which the space itself leaves them out; of a larger one they fail as trials."""


@dataclass(frozen=True, slots=True)
class Column:
    """A parameter of the table: the decision that asks it, and its options in the order of the table's codes."""

    name: str
    decision: str
    options: tuple[Label, ...]
    ordered: bool = False


@dataclass(frozen=True)
class Table:
    """A space whose architectures were all measured; ``best`` is the best mean, in the unit of regret."""

    name: str
    space: TreeSpace
    columns: tuple[Column, ...]
    best: float
    trials: list[tuple[float, ...]] = field(repr=False)
    """Of every row, the values of its single trainings, to be maximised."""
    means: list[float] = field(repr=False)
    """Of every row, in the unit of regret, to be maximised."""
    rows: dict[int, int] = field(repr=False)
    """The row of a point, by the sum of ``places``."""
    places: dict[str, dict[Label, int]] = field(repr=False)

    def row(self, trace: Trace) -> int | None:
        """None where nothing was measured."""
        return self.rows.get(sum(self.places[name][label] for name, label in trace.answers))

    def observe(self, trace: Trace, seed: int) -> float:
        """The value of one training, to be maximised: always the same one for a seed and a row; NaN if it failed."""
        row = self.row(trace)
        if row is None:
            return nan
        trials = self.trials[row]
        return trials[Random(f"{seed}/{row}").randrange(len(trials))] if len(trials) > 1 else trials[0]

    def mean(self, trace: Trace) -> float:
        """The mean over all trainings, in the unit of regret, to be maximised."""
        row = self.row(trace)
        return nan if row is None else self.means[row]

    def regret(self, trace: Trace) -> float:
        """How much less than the best mean; a difference of decimal logarithms where values are (positive) losses."""
        return self.best - self.mean(trace)

    def parameters(self) -> tuple[tuple[str, tuple[Label, ...], bool], ...]:
        """The decisions as flat parameters, for those who know no trees: name, options, whether ordered."""
        return tuple((column.decision, column.options, column.ordered) for column in self.columns)

    def trace_of(self, answers: Mapping[str, Label]) -> Trace | None:
        """The trace of flat answers; None where nothing was measured."""
        trace = Trace(tuple((column.decision, answers[column.decision]) for column in self.columns))
        return None if self.row(trace) is None else trace


@dataclass(frozen=True, slots=True)
class Measured:
    """What a file says of one objective: a row of ``values`` per architecture, one column per training.

    A ``loss`` is to be minimised, everything else to be maximised.
    """

    name: str
    values: Array
    loss: bool = False


def load_tables(data: Path) -> list[Table]:
    """All tables that the files of a folder hold, in the order of the files' names."""
    files = [*sorted(data.glob("*.parquet")), *sorted(data.glob("*.npz"))]
    tables: list[Table] = []
    for file in files:
        found = _tables_of(file)
        if found is None:
            print(f"{file.name}: no table of a known form, left out", file=sys.stderr)
        for table in found or ():
            if table.name not in {known.name for known in tables}:
                tables.append(table)
    return tables


def _tables_of(file: Path) -> list[Table] | None:
    """None if the file is of no known form."""
    if file.suffix == ".npz":
        with np.load(file, allow_pickle=False) as entries:
            if _is_map(entries):
                return []
            settings = {"keys", "names"} <= set(entries.files)
            return list(_settings_tables(file, {name: entries[name] for name in entries.files})) if settings else None
    columns = _columns(file)
    if {"space", "task", "arch", "val"} <= columns.keys():
        return list(_task_tables(columns)) or None
    if {"link", "op0", "op1", "op2", "op3"} <= columns.keys():
        return list(_graph_tables(file, columns)) or None
    if re.match(r"\|[^|]*~0\|\+", str(next(iter(columns.get("arch", [])), ""))):
        return list(_cell_tables(columns)) or None
    return list(_plain_tables(file, columns)) or None


def _is_map(entries: np.lib.npyio.NpzFile) -> bool:
    """Whether a file takes the points of NAS-Bench-Graph to records."""
    return {"keys", "rec"} <= set(entries.files)


def _columns(file: Path) -> dict[str, Array]:
    table = pyarrow.parquet.read_table(file)
    return {name: table.column(name).to_numpy() for name in table.column_names}


def _table(measured: Measured, space: TreeSpace, columns: Sequence[Column], codes: Array) -> Table:
    """The table of a space whose rows have the given ``codes``: of every column, the place of the row's option."""
    strides = np.cumprod([1, *(len(column.options) for column in columns[:-1])])
    points = (codes.astype(np.int64) * strides).sum(axis=1)
    places = {
        column.decision: {label: place * int(stride) for place, label in enumerate(column.options)}
        for column, stride in zip(columns, strides, strict=True)
    }
    finite: Array = np.where(np.isfinite(measured.values), measured.values, nan)
    means: Array = np.full(len(finite), nan)
    usable = np.isfinite(finite).any(axis=1)
    means[usable] = np.nanmean(finite[usable], axis=1)
    if measured.loss:
        finite, means = -finite, -(np.log10(means) if (means[usable] > 0).all() else means)
    trials = [tuple(value for value in row if isfinite(value)) or (nan,) for row in finite.tolist()]
    rows = dict(zip(points.tolist(), range(len(points)), strict=True))
    best = float(np.nanmax(means))
    return Table(measured.name, space, tuple(columns), best, trials, means.tolist(), rows, places)


def _asked(space: TreeSpace, names: Sequence[str]) -> list[tuple[str, str]]:
    """The names with those of the decisions, which have the way through the tree in front."""
    known = {decision.rpartition("/")[2]: decision for decision, _ in space.draw(Random(0)).answers}
    return [(name, known[name]) for name in names]


def _objectives(columns: Mapping[str, Array], wanted: str) -> list[Measured]:
    """Columns ``STEM_t0``, ``STEM_t1``, ...; or without any, the columns of the wanted names.

    Where there are values on validation data, those on test data are left out.
    """
    stems: dict[str, list[Array]] = {}
    for name in sorted(columns):
        if (trial := re.fullmatch(r"(.+)_t\d+", name)) and columns[name].dtype.kind == "f":
            stems.setdefault(trial[1], []).append(columns[name])
    for name in () if stems else sorted(columns):
        if re.search(wanted, name) and columns[name].dtype.kind == "f":
            stems[name] = [columns[name]]
    found = [Measured(stem, np.stack(trials, axis=1).astype(float)) for stem, trials in stems.items()]
    validated = [entry for entry in found if "val" in entry.name]
    return validated or found


def _cell_tables(columns: Mapping[str, Array]) -> Iterator[Table]:
    asked = [Column(f"op{place}", f"edge/{edge}", CELL_OPERATIONS) for place, edge in enumerate(EDGES)]
    codes, space = np.stack([columns[column.name] for column in asked], axis=1), cell_space()
    if len(codes) < len(CELL_OPERATIONS) ** len(EDGES):
        asked, codes, space = _plain_space(asked, codes)
    objectives = _objectives(columns, r"_val(200)?(_mean)?$")
    for measured in [entry for entry in objectives if "200" in entry.name] or objectives:
        name = f"nb201/{re.sub(r'_?(val|test)(200)?(_mean)?$', '', measured.name)}"
        yield _table(Measured(name, measured.values), space, asked, codes)


def _settings_tables(file: Path, entries: Mapping[str, Array]) -> Iterator[Table]:
    """Losses of several trainings for points that ``keys`` writes as codes, in the order of ``names``."""
    names, codes = [str(name) for name in entries["names"]], entries["keys"]
    sizes = [int(most) + 1 for most in codes.max(axis=0)]
    fits = set(names) == SETTINGS.keys() and all(
        size <= len(SETTINGS[name]) for name, size in zip(names, sizes, strict=True)
    )
    if fits:
        space = perceptron_space()
        asked = _asked(space, names)
        columns = [Column(name, at, SETTINGS[name], not name.startswith(("act", "lr"))) for name, at in asked]
    else:
        columns = [Column(name, "", tuple(range(size)), ordered=True) for name, size in zip(names, sizes, strict=True)]
        columns, codes, space = _plain_space(columns, codes)
    losses = [entry for entry in sorted(entries) if entry.endswith("_loss") and len(entries[entry]) == len(codes)]
    for entry in [entry for entry in losses if "val" in entry] or losses:
        values = entries[entry].reshape(len(codes), -1).astype(float)
        dataset = re.sub(r"_val(id)?(ation)?_loss$|_loss$", "", entry)
        yield _table(Measured(f"{file.stem}/{dataset}", values, loss=True), space, columns, codes)


def _graph_tables(file: Path, columns: Mapping[str, Array]) -> Iterator[Table]:
    """Records of architectures, with a map beside them of all points to records: many points are one architecture."""
    for beside in sorted(file.parent.glob("*.npz")):
        with np.load(beside, allow_pickle=False) as entries:
            if _is_map(entries) and entries["rec"].max() < len(columns["link"]):
                points, records = entries["keys"], entries["rec"]
                break
    else:
        return
    kept = records >= 0
    operations = (*GRAPH_OPERATIONS, "skip")
    asked = [Column("link", "link", LINKS)]
    asked += [Column(f"op{node}", f"op{node}/layer", operations) for node in range(4)]
    for name in sorted(columns):
        if name.endswith("_val"):
            values = columns[name].astype(float)[records[kept]][:, None]
            yield _table(Measured(f"graph/{name.removesuffix('_val')}", values), wired_space(), asked, points[kept])


def _task_tables(columns: Mapping[str, Array]) -> Iterator[Table]:
    """One table for each kind of space and task; higher is better in all (losses are written as negative)."""
    kinds, tasks = columns["space"].astype(str), columns["task"].astype(str)
    for kind, task in sorted(set(zip(kinds.tolist(), tasks.tolist(), strict=True))):
        chosen = (kinds == kind) & (tasks == task) & np.isfinite(columns["val"].astype(float))
        points = [tuple(map(int, re.findall(r"\d+", str(arch)))) for arch in columns["arch"][chosen]]
        if len(set(map(len, points))) != 1:
            print(f"transnas/{kind}/{task}: architectures of different lengths, left out", file=sys.stderr)
            continue
        codes = [sorted(set(place)) for place in zip(*points, strict=True)]
        most = 3 if kind == "micro" else 4
        asked = [Column(f"at{place}", f"at{place}", tuple(options)) for place, options in enumerate(codes)]
        written = np.array([[c.index(p) for c, p in zip(codes, point, strict=True)] for point in points])
        if (kind == "micro" and len(codes) != len(EDGES)) or any(c[-1] > most for c in codes):
            asked, written, space = _plain_space(asked, written)
        else:
            space = task_space(kind, codes, _holes(asked, written))
        values = columns["val"][chosen].astype(float)[:, None]
        yield _table(Measured(f"transnas/{kind}/{task}", values), space, asked, written)


def _holes(columns: Sequence[Column], codes: Array) -> list[Callable[..., bool]]:
    """The predicate over shared values that only what was measured meets; none where all was, or in a large space."""
    size = prod(len(column.options) for column in columns)
    points = {
        tuple(column.options[place] for column, place in zip(columns, row, strict=True)) for row in codes.tolist()
    }
    if len(points) == size or size > PREDICATE:
        return []
    names = [column.decision for column in columns]

    def measured(**values: Label) -> bool:
        return tuple(values[name] for name in names) in points

    taken = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    measured.__signature__ = Signature(taken)  # type: ignore[attr-defined]
    measured.__qualname__ = "measured"
    return [measured]


PARAMETER = r"(op|layer|edge|link|x|arg)_?\d+|(param|arg|x|hp|p)_\w+"
MOST = 100
"""Options of a parameter: what has more is a figure."""

WANTED = r"(?i)val|score|acc|loss|test|error"
WORSE = r"(?i)loss|error|mse|perplexity"


def _plain_tables(file: Path, columns: Mapping[str, Array]) -> Iterator[Table]:
    """A file of which no more is known than that some columns are parameters and some are what came of them."""
    found = [_column(name, values) for name, values in columns.items() if re.fullmatch(PARAMETER, name)]
    found = [(column, places) for column, places in found if len(column.options) <= MOST]
    if not found:
        return
    codes = np.stack([places for _, places in found], axis=1)
    asked = [column for column, _ in found]
    named = [column.name for column in asked]
    layers = all(re.fullmatch(r"layer\d+", name) for name in named)
    if layers and len(codes) == len(MACRO_OPERATIONS) ** len(named) and codes.max() < len(MACRO_OPERATIONS):
        codes, space = np.stack([columns[name] for name in named], axis=1), macro_space(len(named))
        asked = [Column(name, decision, MACRO_OPERATIONS) for name, decision in _asked(space, named)]
    else:
        asked, codes, space = _plain_space(asked, codes)
    objectives = _objectives({name: columns[name] for name in columns if name not in named}, WANTED)
    stem = re.sub(r"^nas_?bench_?", "", file.stem) or file.stem
    for entry in objectives:
        name = stem if len(objectives) == 1 else f"{stem}/{entry.name}"
        loss = re.search(WORSE, entry.name) is not None
        yield _table(Measured(name, entry.values, loss), space, asked, codes)


def _column(name: str, values: Array) -> tuple[Column, Array]:
    """The column with its options sorted; more than two numbers count as sizes, unless they stand for operators."""
    numbers = values.dtype.kind in "iuf"
    labels: list[Label] = values.tolist() if numbers else [str(value) for value in values.tolist()]
    options: list[Any] = sorted(set(labels))
    places = {option: place for place, option in enumerate(options)}
    ordered = numbers and len(options) > 2 and not name.startswith(("op", "edge", "link"))
    return Column(name, name, tuple(options), ordered), np.array([places[label] for label in labels])


def _plain_space(columns: Sequence[Column], codes: Array) -> tuple[list[Column], Array, TreeSpace]:
    """Columns as settings of a training; those of a single option are dropped, as nobody decides them.

    Those of operators and layers are linear layers, whose sizes tell options apart.
    """
    kept = [place for place, column in enumerate(columns) if len(column.options) > 1]
    parts: list[Node] = [op("identity")]
    recipe: dict[str, SharedValue] = {}
    asked: list[Column] = []
    for place in kept:
        column = columns[place]
        name = f"at_{place}_{re.sub(r'[^A-Za-z0-9_]', '_', column.name)}"
        value = shared(name, choose(*column.options, ordered=column.ordered))
        asked.append(Column(column.name, name, column.options, column.ordered))
        if not column.ordered and all(isinstance(option, int) for option in column.options):
            least = min(int(option) for option in column.options)
            parts.append(op("linear", out=value + (1 - least)))
        recipe[name] = value
    written = codes[:, kept]
    space = search_space(chain(*parts), input=(4,), recipe=recipe, require=_holes(asked, written), alike=own_answers)
    return asked, written, space
