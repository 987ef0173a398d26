"""``archsmith rules``: list, show, diff, check."""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from archsmith.cli.options import json_option
from archsmith.cli.output import print_json, print_table

if TYPE_CHECKING:
    from archsmith.graph.book import Operator
    from archsmith.graph.learned import LearnedBook

F = TypeVar("F", bound=Callable[..., Any])


def book_option(command: F) -> F:
    return click.option(
        "--book",
        type=click.Path(path_type=Path),
        help="A book that `rules infer` wrote.  [default: the one that comes with archsmith]",
    )(command)


@click.command("list")
@click.option("--provenance", is_flag=True, help="Also how the rules are known, and how right they were.")
@click.option(
    "--declared", is_flag=True, help="The operators that people wrote rules for, instead of the learned ones."
)
@book_option
@json_option
def list_rules(provenance: bool, declared: bool, book: Path | None, as_json: bool) -> None:
    """The operators that have rules, each with the number of its signatures.

    Those that were learned can be used in a search space by name, as op("torch.roll", shifts=1, dims=1).

    \b
    archsmith rules list
    archsmith rules list --provenance --json
    archsmith rules list --book pytorch.json.gz
    """
    from archsmith.graph.ops import DECLARED

    rows = [_row(entry) for entry in (DECLARED.operators.values() if declared else opened(book).operators())]
    if as_json:
        print_json(rows)
        return
    further = ("provenance", "support", "precision", "recall") if provenance else ()
    columns = ("operator", "signatures", *further)
    print_table("", columns, [tuple(row[column] for column in columns) for row in rows])


@click.command()
@click.argument("operator")
@book_option
@json_option
def show(operator: str, book: Path | None, as_json: bool) -> None:
    """The rules of OPERATOR: one that people declared (conv2d) or one that was learned (torch.roll).

    \b
    archsmith rules show conv2d
    archsmith rules show torch.nn.functional.conv2d
    archsmith rules show torch.roll --json
    """
    from archsmith.graph.ops import DECLARED
    from archsmith.graph.rule_json import rule_to_json
    from archsmith.graph.rule_text import show_rule

    pytorch = ""
    if book is not None:
        known = load(book)
        found, pytorch = known.operator(operator), known.header.pytorch
    else:
        found = DECLARED.operator(operator)
        pytorch = opened(None).header.pytorch if found.learned else ""
    if as_json:
        print_json(_row(found) | {"summary": found.summary, "rules": list(map(rule_to_json, found.rules))})
        return
    if found.summary:
        click.echo(f"{found.name}: {found.summary}\n")
    click.echo("\n\n".join(show_rule(rule, pytorch=pytorch) for rule in found.rules))


@click.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@json_option
def diff(before: Path, after: Path, as_json: bool) -> None:
    """What changed between two books, BEFORE and AFTER: operators and signatures, preconditions and results.

    \b
    archsmith rules diff pytorch-2.12.json.gz pytorch-2.13.json.gz
    """
    from archsmith.graph.rule_diff import compared

    old, new = load(before), load(after)
    found = compared(old.operators(), new.operators())
    if as_json:
        print_json({"before": old.header.pytorch, "after": new.header.pytorch, **found.document()})
        return
    click.echo("\n".join([f"PyTorch {old.header.pytorch} -> {new.header.pytorch}", *found.lines()]))


@click.command()
@click.argument("operators", nargs=-1)
@click.option("--seed", type=int, default=0, show_default=True)
@book_option
@json_option
def check(operators: tuple[str, ...], seed: int, book: Path | None, as_json: bool) -> None:
    """Try learned rules on fresh calls of the installed PyTorch, inside and outside of each; all rules by default.

    A rule is broken if more than a tenth of the calls on one side, and more than one, come out otherwise than it says.
    Exit code 1 means that one is, or that PyTorch has an operator no more.

    \b
    archsmith rules check torch.roll
    archsmith rules check --book pytorch.json.gz --json
    """
    from archsmith.cli.bar import bar
    from archsmith.jobs.rule_check import check_rules

    known = opened(book)
    chosen = [known.operator(name) for name in operators] or list(known.operators())
    with bar("rules", sum(len(entry.rules) for entry in chosen)) as advance:
        found = check_rules(chosen, seed=seed, checked=advance)
    if as_json:
        print_json(found.document())
    else:
        click.echo("\n".join(found.lines()))
    sys.exit(1 if found.broken or found.missing else 0)


def load(book: Path) -> "LearnedBook":
    """The book of a file, raising ``UserError`` if it is none."""
    from archsmith.graph.learned import load_book

    return load_book(book)


def opened(book: Path | None) -> "LearnedBook":
    """The book of that file, or else the one that comes with archsmith (``UserError`` if there is none)."""
    from archsmith.graph.learned import learned_book

    return learned_book() if book is None else load(book)


def _row(operator: "Operator") -> dict[str, Any]:
    rules = operator.rules
    learned = [rule.learned for rule in rules if rule.learned is not None]
    return {
        "operator": operator.name,
        "signatures": len(rules),
        "provenance": weakest({rule.provenance.value for rule in rules}),
        "support": sum(rule.support for rule in rules),
        "counter_examples": sum(rule.counter_examples for rule in rules),
        "precision": _least(one.precision for one in learned),
        "recall": _least(one.recall for one in learned),
    }


def weakest(provenances: Iterable[str]) -> str | None:
    """How the least certain of the rules is known."""
    found = set(provenances)
    return next((name for name in ("learned", "confirmed", "declared") if name in found), None)


def _least(shares: Iterable[float | None]) -> float | None:
    known: Iterator[float] = (share for share in shares if share is not None)
    return min(known, default=None)
