"""``archsmith rules infer``: the recorded calls of a store become rules, and the rules a book."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from archsmith.cli.options import json_option, store_option, workers_option
from archsmith.cli.output import print_json

if TYPE_CHECKING:
    from archsmith.jobs.inference import Inferred


@click.command()
@click.argument("operators", nargs=-1)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--again", is_flag=True, help="Also those that were inferred from the same calls before.")
@click.option(
    "--book", type=click.Path(dir_okay=False, path_type=Path), help="Write all rules of the store to this file."
)
@workers_option
@store_option
@json_option
def infer(
    operators: tuple[str, ...], seed: int, again: bool, book: Path | None, workers: int, store: str, as_json: bool
) -> None:
    """Infer the rules of operators from their recorded calls, trying each rule against the installed PyTorch.

    OPERATORS are names, with * and ?; all that have calls by default. What was finished is kept: the command can be
    broken off and run again.

    \b
    archsmith rules collect && archsmith rules infer --workers 2 --book pytorch.json.gz
    archsmith rules infer 'torch.nn.functional.*pool*'
    """
    from archsmith.cli.rule_progress import RuleProgress
    from archsmith.jobs.inference import infer_rules, write_rules

    with RuleProgress() as listen:
        inferred = infer_rules(operators=operators, store=store, workers=workers, seed=seed, again=again, listen=listen)
    if book is not None:
        write_rules(book, store=store)
    _print_end(inferred, book, as_json=as_json)


def _print_end(inferred: "Inferred", book: Path | None, *, as_json: bool) -> None:
    if as_json:
        summary = {
            "torch": inferred.torch,
            "operators": inferred.operators,
            "looked_at": inferred.looked_at,
            "rules": inferred.rules,
            "lost": list(inferred.lost),
            "forgotten": list(inferred.forgotten),
            "book": None if book is None else str(book),
        }
        print_json(summary)
        return
    click.echo(
        f"torch {inferred.torch}: {inferred.rules} rules of {inferred.operators} operators, "
        f"of {inferred.looked_at} that were looked at"
    )
    for signature in inferred.forgotten:
        click.echo(f"was confirmed by fewer calls, and is no longer: {signature}")
    for operator in inferred.lost:
        click.echo(f"lost: {operator}")
    if book is not None:
        click.echo(f"archsmith rules list --book {book}    # what they are")
