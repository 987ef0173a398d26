"""``archsmith spaces``: show, count, sample, draw, check."""

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archsmith.cli.bar import bar
from archsmith.cli.options import json_option
from archsmith.cli.output import plain, print_json
from archsmith.graph.errors import UserError

if TYPE_CHECKING:
    from random import Random

    from archsmith.graph.book import RuleBook
    from archsmith.spaces.checking import Sampled, SpaceReport
    from archsmith.spaces.decisions import Derivation, Space, Trace
    from archsmith.spaces.space import TreeSpace


@click.command()
@click.argument("space")
@json_option
def show(space: str, as_json: bool) -> None:
    """SPACE as text, and the digest of that text, by which a study knows it again.

    SPACE is a Python file that defines `space`, file.py:name, module:name, a JSON file that `spaces export` wrote, or a
    name that `spaces list` has. With --json, `space` is what `spaces export` writes, and null of a space that is no
    tree or has parts of a class of its own; `needs` are the functions and modules that it names.

    \b
    archsmith spaces show examples/digits_cnn.py
    """
    from archsmith.cli.space_export import written
    from archsmith.spaces.space import TreeSpace, digest

    with redirect_stdout(sys.stderr):  # a space may print
        found, named = _loaded(space)
        text, name = named.text(), digest(named)
    if as_json:
        input = found.input if isinstance(found, TreeSpace) else None
        print_json({"text": text, "digest": name, "input": input} | written(found))
        return
    click.echo(f"{text}\n\ndigest {name}")


@click.command()
@click.argument("space")
@click.option(
    "--unique-up-to",
    type=click.IntRange(min=0),
    default=20_000,
    show_default=True,
    help="Tell equal architectures apart only in a space of at most this size.",
)
@json_option
def count(space: str, unique_up_to: int, as_json: bool) -> None:
    """How many architectures SPACE has: the exact number of traces, and of different graphs if the space is small.

    \b
    archsmith spaces count examples/digits_cnn.py
    archsmith spaces count examples/digits_cnn.py --unique-up-to 0 --json
    """
    from archsmith.jobs.user_space import explained
    from archsmith.spaces.counting import count as count_traces

    with redirect_stdout(sys.stderr):
        found, named = _loaded(space)
        with explained(space, "counting it"):
            tree = _tree(found, space)
            size = count_traces(tree)
            unique = _different(tree, named, size) if size <= unique_up_to else None
    if as_json:
        print_json({"size": size, "unique": unique})
        return
    rule = " by the space's own rule" if tree.alike is not None else ""
    compared = f"{unique:,} different networks{rule}" if unique is not None else ""
    told = compared or f"not compared, being more than {unique_up_to:,}"
    click.echo(f"{size:,} architectures, {told}")


@click.command()
@click.argument("space")
@click.option("--number", type=click.IntRange(min=1), default=1, show_default=True, help="How many architectures.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--uniform", is_flag=True, help="Every architecture as likely as any other, not every option.")
@click.option("--source", is_flag=True, help="Print Python source that needs only torch.")
@json_option
def sample(space: str, number: int, seed: int, uniform: bool, source: bool, as_json: bool) -> None:
    """Architectures drawn from SPACE at random, none of them a dead end; the same seed draws the same ones.

    \b
    archsmith spaces sample examples/digits_cnn.py --number 3 --seed 7
    archsmith spaces sample examples/digits_cnn.py --source > network.py
    """
    from archsmith.spaces.checking import drawn

    with redirect_stdout(sys.stderr):
        draw, book = _drawing(space, uniform=uniform)
        rows = [drawn(draw, seed=seed, number=place, book=book) for place in range(number)]
    if as_json:
        print_json([_document(row, source=source) for row in rows])
    elif source:
        click.echo(_source(rows), nl=False)
    else:
        for row in rows:
            click.echo(f"{row.number}  {row.digest}  {row.parameters:,} parameters, {row.macs:,} MACs")
            for name, label in row.trace.answers:
                click.echo(f"   {name} = {label!r}")


@click.command()
@click.argument("space")
@click.option("--seed", type=int, help="Draw the architecture that `sample` gives with this seed.")
@click.option(
    "--trace",
    type=click.Path(path_type=Path),
    help="Draw the architecture of this JSON file: answers by decision name, or a sample or trial that has them.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write, ending in .svg.")
@json_option
def draw(space: str, seed: int | None, trace: Path | None, out: Path, as_json: bool) -> None:
    """Write a picture of SPACE as SVG, or of one architecture of it if --seed or --trace says which.

    \b
    archsmith spaces draw examples/digits_cnn.py --out space.svg
    archsmith spaces draw examples/digits_cnn.py --seed 7 --out network.svg
    archsmith spaces draw examples/digits_cnn.py --trace trace.json --out network.svg
    """
    if out.suffix != ".svg":
        raise UserError(f"a picture is written to a file ending in .svg; got {out}")
    if seed is not None and trace is not None:
        raise UserError("--seed and --trace both say which architecture to draw; give one of them")
    with redirect_stdout(sys.stderr):
        if seed is None and trace is None:
            what, picture, told = _space_drawn(space)
        else:
            what, picture, told = _architecture_drawn(space, seed, trace)
    try:
        # a name in a space may be half a surrogate pair, for which UTF-8 has no bytes
        out.write_bytes(picture.encode("utf-8", "replace"))
    except OSError as error:
        raise UserError(f"{out} must be a file that can be written; {error.strerror}") from None
    if as_json:
        print_json({"out": str(out)} | told)
        return
    click.echo(f"wrote {what} {told['digest']} to {out}")


@click.command()
@click.argument("space")
@click.option("--samples", type=click.IntRange(min=1), default=1000, show_default=True, help="How many walks.")
@click.option("--seed", type=int, default=0, show_default=True)
@json_option
def check(space: str, samples: int, seed: int, as_json: bool) -> None:
    """Walk SPACE at random, into dead ends too, and say what is wrong with it.

    Exit code 1 means that no walk ended in a valid architecture.

    \b
    archsmith spaces check examples/digits_cnn.py
    archsmith spaces check examples/digits_cnn.py --samples 5000 --json
    """
    from random import Random

    from archsmith.jobs.user_space import UserSpace
    from archsmith.spaces.checking import blinded, check_space

    with redirect_stdout(sys.stderr):
        found, named = _loaded(space)
        blind = UserSpace(blinded(found), space)
        with bar("walks", samples) as advance:
            report = check_space(named, Random(seed), walks=samples, blind=blind, walked=advance)
    shares = {"dead_end_share": report.dead_end_share, "dead_end_share_met": report.dead_ends_met / report.walks}
    if as_json:
        print_json({**plain(report), **shares})
    else:
        _print_report(report)
    sys.exit(0 if report.architectures else 1)


def _print_report(report: "SpaceReport") -> None:
    valid = report.walks - report.dead_ends_met
    click.echo(
        f"{report.walks:,} walks as a search takes them: {valid:,} valid, of {report.architectures:,} different "
        f"architectures; {report.dead_ends_met:,} dead ends ({report.dead_ends_met / report.walks:.1%})\n"
        f"{report.walks:,} walks that take any option: {report.dead_ends:,} dead ends ({report.dead_end_share:.1%})"
    )
    for title, spread in (("parameters", report.parameters), ("MACs", report.macs)):
        if spread is not None:
            click.echo(f"{title} from {spread.least:,} to {spread.most:,}, median {spread.median:,}")
    if report.reasons:
        click.echo("\nmost frequent dead ends of walks that take any option")
    for reason in report.reasons:
        click.echo(f"{reason.count:>7,}  {reason.rule}")
        if reason.example != reason.rule:
            click.echo(f"{'':7}  such as{reason.example.removeprefix(reason.rule).removeprefix(';')}")
    for title, names in (
        ("decisions with one option only, which are never asked", report.never_asked),
        ("decisions that change nothing, as far as was tried", report.without_effect),
    ):
        if names:
            click.echo(f"\n{title}\n  " + "\n  ".join(names))


def _loaded(given: str) -> tuple["Space", "Space"]:
    """The user's space as it is, and the same one saying what its code raises as the user's mistake."""
    from archsmith.jobs.user_space import UserSpace
    from archsmith.spaces.loading import load_space

    found = load_space(given)
    return found, UserSpace(found, given)


def _tree(space: "Space", given: str) -> "TreeSpace":
    """The space, which must be a tree: only a tree can be counted without walking all of it."""
    from archsmith.spaces.space import TreeSpace

    if not isinstance(space, TreeSpace):
        made = "a space made by archsmith.spaces.space.search_space(...)"
        raise UserError(f"{given} must be {made} to be counted; got {type(space).__name__}")
    return space


def _different(tree: "TreeSpace", named: "Space", size: int) -> int:
    """How many architectures differ: by what the space holds to be alike if it says so, else by their graphs."""
    from archsmith.graph.text import digest
    from archsmith.spaces.enumeration import architectures, traces

    seen: set[object] = set()
    with bar("architectures", size) as advance:
        if tree.alike is not None:
            for number, trace in enumerate(traces(tree.reach), start=1):
                seen.add(tree.alike(trace))
                advance(number)
            return len(seen)
        for number, derivation in enumerate(architectures(named), start=1):
            assert derivation.graph is not None  # only dead ends have none, and they are passed over
            seen.add(digest(derivation.graph))
            advance(number)
    return len(seen)


def _drawing(given: str, *, uniform: bool = False) -> "tuple[Callable[[Random], Derivation], RuleBook]":
    """How an architecture is drawn from the user's space, and the book that says what it costs."""
    from archsmith.spaces.books import book_in
    from archsmith.spaces.sampling import sample

    found, named = _loaded(given)
    if not uniform:
        return partial(sample, named), book_in(named)
    from archsmith.jobs.user_space import explained
    from archsmith.spaces.counting import Counts
    from archsmith.spaces.uniform import one_of

    tree = _tree(found, given)
    with explained(given, "counting it"):
        return partial(one_of, tree, Counts(tree.reach)), tree.book


def _space_drawn(given: str) -> tuple[str, str, dict[str, Any]]:
    """What is drawn, its picture, and what is said of it."""
    from archsmith.spaces.picture import picture
    from archsmith.spaces.space import digest

    space = _loaded(given)[1]
    return "space", picture(space, standalone=True), {"digest": digest(space)}


def _architecture_drawn(given: str, seed: int | None, trace: Path | None) -> tuple[str, str, dict[str, Any]]:
    from archsmith.graph.pictures.drawing import draw as picture
    from archsmith.spaces.books import book_in
    from archsmith.spaces.checking import drawn, measured

    if trace is None:
        draw, book = _drawing(given)
        row = drawn(draw, seed=seed or 0, number=0, book=book)
    else:
        named = _loaded(given)[1]
        row = measured(0, _replayed(named, _read_trace(trace), trace), book_in(named))
    told = {"digest": row.digest, "trace": row.trace.as_dict()}
    return "architecture", picture(row.graph, standalone=True), told


def _document(row: "Sampled", *, source: bool) -> dict[str, Any]:
    from archsmith.graph.text import to_json

    document = {
        "number": row.number,
        "digest": row.digest,
        "parameters": row.parameters,
        "macs": row.macs,
        "trace": row.trace.as_dict(),
        "graph": json.loads(to_json(row.graph)),
    }
    return document | ({"source": _source([row])} if source else {})


def _source(rows: "Sequence[Sampled]") -> str:
    """A class for every architecture: ``Network`` for number 0, ``Network1`` for the next."""
    from archsmith.graph.ops import DECLARED
    from archsmith.runtime.emit import header, network_class

    classes = (network_class(row.graph, DECLARED, name=f"Network{row.number or ''}") for row in rows)
    return "\n\n".join([header(*(row.graph for row in rows)), *classes])


def _read_trace(path: Path) -> "Trace":
    from archsmith.spaces.decisions import Trace

    wanted = f"{path} must be JSON that maps decision names to answers"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} must be a file that can be read; {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{wanted}; {error}") from None
    if isinstance(document, dict) and isinstance(document.get("trace"), dict):
        document = document["trace"]
    if not isinstance(document, dict):
        raise UserError(f"{wanted}; got {'a list' if isinstance(document, list) else repr(document)}")
    return Trace.of(document)


def _replayed(space: "Space", trace: "Trace", path: Path) -> "Derivation":
    from archsmith.spaces.decisions import replay

    found = replay(space, trace)
    unasked = sorted(trace.as_dict().keys() - found.trace.as_dict().keys())
    if found.graph is None:
        raise UserError(f"{path} leads to a dead end: {found.dead_end}")
    if unasked:
        raise UserError(f"{path} answers {unasked[0]}, which this space does not ask: it is of another space")
    return found
