"""``archsmith search compare``: studies side by side, as a table and as a picture."""

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archsmith.cli.options import json_option, store_option
from archsmith.cli.output import plain, print_json, print_table
from archsmith.graph.errors import UserError

if TYPE_CHECKING:
    from archsmith.jobs.comparison import Comparison, Group
    from archsmith.jobs.curves import Figure

KINDS = (".svg", ".png", ".pdf")
UNDATED = {".svg": {"Date": None}, ".png": {}, ".pdf": {"CreationDate": None}}
"""What keeps a picture of each kind from saying when it was drawn."""

DASHES = ((0, ()), (0, (6, 2)), (2, (3, 2)), (4, (1, 2)), (6, (6, 2, 1, 2)))
"""How the line of each group is broken: where lines coincide, those below show in the gaps."""

MARKS = ("", "o", "s", "^", "x")
"""What stands on the lines once the dashes are used up."""


@click.command()
@click.argument("studies", nargs=-1, required=True, metavar="STUDY...")
@click.option("--at", metavar="N,N", help="After how many trials, or seconds.  [default: 10,25,50,100 and so on]")
@click.option(
    "--by",
    type=click.Choice(["searcher", "study"]),
    default="searcher",
    show_default=True,
    help="What a row is: the studies of a searcher with its options, or one study.",
)
@click.option("--seconds", is_flag=True, help="By seconds of training, not by ended trials.")
@click.option(
    "--reference",
    metavar="NUMBER,NUMBER",
    help="Of several objectives, a value of each, the worst that counts.  [default: a little beyond the worst]",
)
@click.option(
    "--plot",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A picture too: .svg, .png or .pdf.",
)
@store_option
@json_option
def compare(
    studies: tuple[str, ...],
    at: str | None,
    by: str,
    seconds: bool,
    reference: str | None,
    plot: Path | None,
    store: str,
    as_json: bool,
) -> None:
    """How good the best was after so many trials: mean and standard error over the studies of each searcher.

    STUDY is an id, a name, or a pattern such as 'mcts-*'. Rows stand in the order in which their studies are named;
    with five studies and more in each, every row is tested against the first.

    \b
    archsmith search compare 1 2
    archsmith search compare 'random-*' 'smbo-*' --at 10,25,50 --plot searchers.svg
    archsmith search compare 'random-*' 'asha-*' --seconds --json
    """
    from archsmith.jobs.comparison import compare_studies

    if plot is not None:
        _check_drawable(plot)
    compared = compare_studies(
        studies,
        store=store,
        at=None if at is None else _numbers(at, "--at"),
        by="searcher" if by == "searcher" else "study",
        unit="seconds" if seconds else "trials",
        reference=None if reference is None else _numbers(reference, "--reference"),
    )
    if plot is not None:
        draw(compared, plot)
    if as_json:
        print_json(plain(compared) | ({"plot": str(plot)} if plot is not None else {}))
        return
    _print(compared)
    if plot is not None:
        click.echo(f"wrote {plot}")


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"{option} takes numbers with commas between them; got {text!r}") from None


def _check_drawable(plot: Path) -> None:
    if plot.suffix not in KINDS:
        raise UserError(f"--plot takes a file ending in {', '.join(KINDS)}; got {plot}")
    if not plot.parent.is_dir():
        raise UserError(f"--plot takes a file in a folder that exists; {plot.parent} does not")


def _print(compared: "Comparison") -> None:
    click.echo(f"space {compared.space}, task {compared.task}")
    if compared.constraints:
        click.echo(f"constraints {', '.join(compared.constraints)}")
    click.echo(f"{_heading(compared)}, mean ± standard error{_fewer(compared)}")
    unit = " s" if compared.unit == "seconds" else ""
    tested = any(group.test is not None for group in compared.groups)
    marks = [f"@{mark:g}{unit}" for mark in compared.marks]
    columns = [compared.by, "studies", "trials", *marks, "final", *(["test"] if tested else [])]
    rows = [_row(group, tested=tested) for group in compared.groups]
    print_table("", columns, rows)
    for group in compared.groups:
        if group.against is not None:
            click.echo(_verdict(group, compared.groups[0].label, compared.unit))


def _heading(compared: "Comparison") -> str:
    """What the figures are: the best value so far, or the hypervolume beyond a reference."""
    if compared.reference is None:
        direction, _, name = compared.objectives[0].partition(":")
        return f"{'highest' if direction == 'max' else 'lowest'} {name} so far"
    beyond = ", ".join(f"{value:.6g}" for value in compared.reference)
    return f"hypervolume of {', '.join(compared.objectives)} beyond {beyond} so far"


def _fewer(compared: "Comparison") -> str:
    """What a number in brackets means, where there is one."""
    counts = [
        (found.studies, len(group.runs))
        for group in compared.groups
        for found in (*group.figures, group.final, group.test)
        if found is not None
    ]
    return " (over how many studies, if not all)" if any(fewer < all_ for fewer, all_ in counts) else ""


def _row(group: "Group", *, tested: bool) -> list[object]:
    ended = sorted({run.ended for run in group.runs})
    trials = f"{ended[0]} to {ended[-1]}" if len(ended) > 1 else ended[0]
    count = len(group.runs)
    figures = [shown(found, count) for found in (*group.figures, group.final)]
    return [group.label, count, trials, *figures, *([shown(group.test, count)] if tested else [])]


def shown(found: "Figure | None", studies: int) -> str | None:
    """The figure; of fewer than all ``studies``, with how many these are."""
    if found is None:
        return None
    error = f" ± {_fixed(found.error, 1)}" if found.error is not None else ""
    fewer = f" ({found.studies})" if found.studies < studies else ""
    return f"{_number(found.mean)}{error}{fewer}"


def _number(value: float) -> str:
    """Four digits, and of counts such as parameters all of them."""
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e9 else _fixed(value, 4)


def _fixed(value: float, digits: int) -> str:
    """So many significant digits, without an exponent where it can be read without one."""
    text = f"{value:.{digits}g}"
    return f"{Decimal(text):f}" if 1e-6 <= abs(value) < 1e9 else text


def _verdict(group: "Group", first: str, unit: str) -> str:
    against = group.against
    assert against is not None
    of = "paired by seed, Wilcoxon" if against.paired else "Mann-Whitney"
    pairs = f"{100 * against.better:.0f} % of pairs"
    when = f"{_number(against.spent)} {unit}"
    return f"{group.label} against {first} at {when}: better in {pairs}, p = {against.p:.2g} ({of})"


def draw(compared: "Comparison", file: Path) -> None:
    """A line for each group, as far as all its studies have come, with a band of a standard error to both sides."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure as Canvas

    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "archsmith", "font.size": 8}):
        canvas = Canvas(figsize=(6.4, 4.0), layout="constrained")
        panel = canvas.add_subplot()
        for place, group in enumerate(compared.groups):
            _draw_group(panel, group, place)
        panel.set_xlabel("ended trials" if compared.unit == "trials" else "seconds of training")
        panel.set_ylabel(f"{compared.measure} so far", parse_math=False)
        for text in panel.legend().get_texts():
            text.set_parse_math(False)
        canvas.savefig(file, dpi=150, metadata=UNDATED[file.suffix])


def _draw_group(panel: Any, group: "Group", place: int) -> None:
    curve = group.curve()
    places, means = [place for place, _ in curve], [found.mean for _, found in curve]
    label = f" {group.label}"  # without the space, a name that begins with _ would not be in the legend
    label += f" ({len(group.runs)} studies)" if len(group.runs) > 1 else ""
    dashes, mark = DASHES[place % len(DASHES)], MARKS[place // len(DASHES) % len(MARKS)]
    style = {"linestyle": dashes, "marker": mark, "markersize": 3, "linewidth": 1.2}
    line = panel.step(places, means, where="post", label=label, **style)[0]
    low = [found.mean - (found.error or 0.0) for _, found in curve]
    high = [found.mean + (found.error or 0.0) for _, found in curve]
    panel.fill_between(places, low, high, step="post", color=line.get_color(), alpha=0.15, linewidth=0)
