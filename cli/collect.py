"""``archsmith rules collect``: calls of PyTorch's operators are recorded and kept in the store."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from archsmith.cli.options import json_option, store_option, workers_option
from archsmith.cli.output import print_json

if TYPE_CHECKING:
    from archsmith.jobs.collection import Collected

SHOWN = 10
"""What was left out that is shown; ``--json`` has all of it."""


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="NAME",
    help="op_db, module_db, docs or architectures; may be repeated.  [default: all, or none if FILES are given]",
)
@click.option("--entry", "entries", multiple=True, metavar="NAME", help="Only these entries of a source, with * and ?.")
@workers_option
@store_option
@json_option
def collect(
    files: tuple[Path, ...],
    sources: tuple[str, ...],
    entries: tuple[str, ...],
    workers: int,
    store: str,
    as_json: bool,
) -> None:
    """Record calls of PyTorch's operators from what ships with it, or read FILES that `archsmith trace` wrote.

    Nothing is downloaded, and what the store has already is not kept twice.

    \b
    archsmith rules collect --workers 2
    archsmith rules collect --source op_db --entry 'nn_functional_*'
    archsmith rules collect my_tests.jsonl.gz
    """
    from archsmith.cli.rule_progress import RuleProgress
    from archsmith.jobs.collection import SOURCES, collect_calls

    chosen = sources or (() if files else SOURCES)
    with RuleProgress() as listen:
        collected = collect_calls(
            sources=chosen, entries=entries, files=files, store=store, workers=workers, listen=listen
        )
    _print_end(collected, as_json=as_json)


def _print_end(collected: "Collected", *, as_json: bool) -> None:
    if as_json:
        summary = {
            "torch": collected.torch,
            "calls": collected.seen,
            "new": collected.new,
            "skipped": list(collected.skipped),
        }
        print_json(summary)
        return
    for line in collected.skipped[:SHOWN]:
        click.echo(f"left out: {line}", err=True)
    if len(collected.skipped) > SHOWN:
        click.echo(f"left out: {len(collected.skipped) - SHOWN} more, see --json", err=True)
    click.echo(f"{collected.seen} calls of torch {collected.torch}, {collected.new} of them new")
    click.echo("archsmith rules infer --workers 2    # learns from them")
