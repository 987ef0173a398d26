"""What ``nas_tabular.py`` found, told as tables, as aims reached or missed, and as a picture."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import hypot, isfinite, sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

Results = dict[str, dict[str, dict[str, dict[str, Any]]]]
"""By table, searcher's label and seed: the regrets at the marks, and the CPU ms of a trial."""

TOLD = (25, 50, 100, 150, 300, 500)
COMPARED = (50, 100, 150)

TPE = "optuna_tpe"
RANDOM = ("rs", "random")
MCTS = "mcts"
MOST_MS = 15.0

PUBLISHED: Mapping[str, Mapping[int, float]] = {
    "nb201/cifar10": {50: 0.282, 100: 0.131, 150: 0.0992},
    "macro": {50: 0.129, 100: 0.06, 150: 0.079},
    "hpolib/protein_structure": {50: 0.0243, 100: 0.00486, 150: 0.00138},
    "hpolib/naval_propulsion": {50: 0.394, 100: 0.161, 150: 0.111},
}
"""The best of all rows that were measured for peers before this run, to be at least as good as."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over seeds with its standard error."""

    mean: float
    error: float

    def at_most(self, other: "Figure") -> bool:
        """Within one standard error of the difference."""
        return self.mean <= other.mean + hypot(self.error, other.error)

    def __str__(self) -> str:
        return f"{self.mean:.3g} ± {self.error:.1g}"


def figure(runs: Mapping[str, Mapping[str, Any]], marks: Sequence[int], mark: int) -> Figure | None:
    """Of the regret at a mark; None if no run came so far."""
    place = marks.index(mark) if mark in marks else len(marks)
    regrets = [run["regret"][place] for run in runs.values() if place < len(run["regret"])]
    if not regrets or not all(map(isfinite, regrets)):
        return None
    return Figure(fmean(regrets), stdev(regrets) / sqrt(len(regrets)) if len(regrets) > 1 else 0.0)


def milliseconds(runs: Mapping[str, Mapping[str, Any]]) -> float:
    return fmean(run["cpu_ms"] for run in runs.values())


def sections(results: Results, marks: Sequence[int]) -> Iterator[str]:
    """A Markdown table for each of the tables, the best at the latest mark that all reached first."""
    told = [mark for mark in TOLD if mark in marks]
    for table, runners in results.items():
        yield f"\n### {table}\n"
        yield f"| searcher | seeds | {' | '.join(f'@{mark}' for mark in told)} | CPU ms |"
        yield f"|{' --- |' * (len(told) + 3)}"
        rank = max((mark for mark in told if mark <= COMPARED[-1]), default=marks[-1])
        for label in sorted(runners, key=lambda label: _rank(figure(runners[label], marks, rank))):
            runs = runners[label]
            figures = " | ".join(str(figure(runs, marks, mark) or "") for mark in told)
            yield f"| {label} | {len(runs)} | {figures} | {milliseconds(runs):.3g} |"
    yield ""


def _rank(found: Figure | None) -> float:
    return float("inf") if found is None else found.mean


def behind(runners: Mapping[str, Any], marks: Sequence[int], default: str, peers: Sequence[str]) -> list[str] | None:
    """The peers that the default is worse than by more than a standard error, with the marks; None if not compared."""
    if default not in runners:
        return None
    found: list[str] = []
    compared = False
    for mark in COMPARED:
        own = figure(runners[default], marks, mark)
        for peer in peers:
            other = figure(runners[peer], marks, mark) if peer in runners else None
            if own is not None and other is not None:
                compared = True
                found += [] if own.at_most(other) else [f"{peer} @{mark}"]
    return found if compared else None


def overtakes(runners: Mapping[str, Any], marks: Sequence[int], default: str) -> bool | None:
    """Whether the default has at 100 evaluations what Optuna's TPE has at 300; None if that was not measured."""
    if default not in runners or TPE not in runners:
        return None
    own, other = figure(runners[default], marks, 100), figure(runners[TPE], marks, 300)
    return None if own is None or other is None else own.at_most(other)


def aims(
    results: Results, marks: Sequence[int], default: str, ours: Sequence[str], peers: Sequence[str]
) -> Iterator[str]:
    """Each aim on each table, and whether it was reached."""
    yield "### Aims\n"
    for table, runners in results.items():
        worse = behind(runners, marks, default, peers)
        if worse is not None:
            yield _told(f"{table}: {default} at least as good as every peer", not worse, ", ".join(worse))
        if (early := overtakes(runners, marks, default)) is not None:
            yield _told(f"{table}: {default} at 100 as good as {TPE} at 300", early, "")
        yield from _halves(table, runners, marks)
        yield from _published(table, runners, marks, default)
    costs = {
        label: max(milliseconds(runners[label]) for runners in results.values() if label in runners)
        for label in ours
        if any(label in runners for runners in results.values())
    }
    for label, cost in costs.items():
        yield _told(f"{label}: at most {MOST_MS:g} ms of CPU per trial", cost <= MOST_MS, f"{cost:.3g} ms")
    yield ""


def _halves(table: str, runners: Mapping[str, Any], marks: Sequence[int]) -> Iterator[str]:
    """MCTS against half of random search's regret at 150."""
    random = next((figure(runners[label], marks, 150) for label in RANDOM if label in runners), None)
    for label in runners:
        if label.startswith(MCTS):
            found = figure(runners[label], marks, 150)
            if found is not None and random is not None:
                reached = found.mean <= random.mean / 2
                yield _told(f"{table}: {label} at 150 at most half of random's", reached, f"{found} to {random}")


def _published(table: str, runners: Mapping[str, Any], marks: Sequence[int], default: str) -> Iterator[str]:
    for mark, limit in PUBLISHED.get(table, {}).items():
        found = figure(runners[default], marks, mark) if default in runners else None
        if found is not None:
            reached = found.mean <= limit + found.error
            yield _told(f"{table}: {default} at {mark} at most {limit:g}, the best row before", reached, str(found))


def _told(what: str, reached: bool, detail: str) -> str:  # noqa: FBT001 - a verdict, said in one word
    return f"- {what}: {'reached' if reached else 'missed'}{f' ({detail})' if detail else ''}"


def headline(results: Results, marks: Sequence[int], default: str, peers: Sequence[str]) -> str:
    verdicts = [behind(runners, marks, default, peers) for runners in results.values()]
    compared = [worse for worse in verdicts if worse is not None]
    good = sum(not worse for worse in compared)
    early = [found for runners in results.values() if (found := overtakes(runners, marks, default)) is not None]
    shown = [str(mark) for mark in COMPARED if mark in marks]
    first = f"{default} is at least as good as every peer at {', '.join(shown)} on {good} of {len(compared)} tables"
    return f"{first}; at 100 as good as Optuna's TPE at 300 on {sum(early)} of {len(early)}"


COLUMNS = 4
TICKS = (10, 25, 50, 100, 200, 500)
DRAWN = ("mcts", "smbo", "evolution", "rs", "re_p100_s25", "hill_climbing", TPE, "smac3")
"""Those in the picture, beside the default."""


def plot(results: Results, marks: Sequence[int], file: Path, default: str) -> None:
    """Regret by evaluations, a panel for each table; bands are a standard error to both sides."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "archsmith", "font.size": 7, "axes.linewidth": 0.5}
    from matplotlib import pyplot
    from matplotlib.ticker import NullFormatter

    rows = -(-len(results) // COLUMNS)
    drawn = list(dict.fromkeys((default, *DRAWN)))
    size = (2.5 * COLUMNS, 1.9 * rows + 0.4)
    canvas, panels = pyplot.subplots(rows, COLUMNS, squeeze=False, figsize=size, layout="constrained")
    colours = dict(zip(drawn, pyplot.rcParams["axes.prop_cycle"].by_key()["color"] * 2, strict=False))
    for panel in panels.flat[len(results) :]:
        panel.set_axis_off()
    for panel, (table, runners) in zip(panels.flat, results.items(), strict=False):
        panel.set_title(table, fontsize=7)
        panel.set_yscale("log")
        panel.set_xscale("log")
        panel.yaxis.set_minor_formatter(NullFormatter())
        panel.set_xticks(
            [mark for mark in TICKS if mark <= marks[-1]], TICKS[: sum(mark <= marks[-1] for mark in TICKS)]
        )
        panel.minorticks_off()
        for label in (label for label in drawn if label in runners):
            line = panel.plot([], [], color=colours[label], linewidth=1.5 if label == default else 0.8, label=label)[0]
            _curve(panel, line, runners[label], marks)
    lines = (panel.get_legend_handles_labels() for panel in panels.flat)
    handles = {label: line for found, labels in lines for line, label in zip(found, labels, strict=True)}
    names = [label for label in drawn if label in handles]
    canvas.legend([handles[name] for name in names], names, loc="outside lower center", ncols=len(names))
    canvas.supylabel("regret")
    canvas.savefig(file, metadata={"Date": None})
    pyplot.close(canvas)
    file.write_text(_shorter(file.read_text(encoding="utf-8")), encoding="utf-8")


def _shorter(svg: str) -> str:
    """The picture in half the characters: a tenth of a point is finer than anybody sees."""
    svg = re.sub(r"(\d+\.\d)\d+", r"\1", svg)
    svg = re.sub(r" *\n([LMz\"])", r"\1", svg)
    svg = re.sub(r"<!--.*?-->", "", svg)
    return re.sub(r"\n\s+", "\n", svg)


def _curve(panel: Any, line: Any, runs: Mapping[str, Any], marks: Sequence[int]) -> None:
    points = [(mark, found) for mark in marks if mark >= 10 and (found := figure(runs, marks, mark)) is not None]
    places, figures = [mark for mark, _ in points], [entry for _, entry in points]
    means = [entry.mean for entry in figures]
    least = min((mean for mean in means if mean > 0), default=1.0) / 10
    line.set_data(places, [max(mean, least) for mean in means])
    low = [max(entry.mean - entry.error, least) for entry in figures]
    high = [max(entry.mean + entry.error, least) for entry in figures]
    panel.fill_between(places, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
