"""``archsmith ops``: list, show."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from archsmith.cli.options import json_option
from archsmith.cli.output import print_json, print_table

if TYPE_CHECKING:
    from archsmith.graph.book import Attribute, Operator


@click.command("list")
@click.option("--learned", is_flag=True, help="Also those whose rules were learned: PyTorch's, such as torch.roll.")
@json_option
def list_ops(learned: bool, as_json: bool) -> None:
    """The operators that a search space can use by name, each with its attributes.

    \b
    archsmith ops list
    archsmith ops list --learned --json
    """
    from archsmith.graph.learned import learned_book
    from archsmith.graph.ops import DECLARED

    found = [*DECLARED.operators.values(), *(learned_book().operators() if learned else ())]
    rows = [_row(entry) for entry in found]
    if as_json:
        print_json(rows)
        return
    table = [(row["operator"], ", ".join(row["attributes"]), row["summary"]) for row in rows]
    print_table("", ("operator", "attributes", "what it is"), table)


@click.command()
@click.argument("operator")
@json_option
def show(operator: str, as_json: bool) -> None:
    """One operator: its attributes with their defaults, and how PyTorch writes it.

    \b
    archsmith ops show conv2d
    archsmith ops show torch.roll --json
    """
    from archsmith.graph.ops import DECLARED
    from archsmith.runtime.kernels import KERNELS

    found = DECLARED.operator(operator)
    if as_json:
        print_json(_row(found) | {"arguments": [_document(entry) for entry in found.attributes]})
        return
    click.echo(f"{found.name}: {found.summary or 'an operator of PyTorch'}")
    for line in _defaults(found) if found.learned else map(_line, found.attributes):
        click.echo(f"  {line}")
    kernel = KERNELS.get(found.name)
    if kernel is not None:
        click.echo(f"written as {kernel.module or kernel.call}")
    click.echo(f"{len(found.rules)} signatures: archsmith rules show {found.name}")


def _row(operator: "Operator") -> dict[str, Any]:
    return {
        "operator": operator.name,
        "summary": operator.summary,
        "attributes": list(_names(operator)),
        "signatures": len(operator.rules),
        "learned": operator.learned,
    }


def _names(operator: "Operator") -> Iterator[str]:
    if not operator.learned:
        yield from (entry.name for entry in operator.attributes)
        return
    from archsmith.graph.partial import settings

    yield from dict.fromkeys(name for rule in operator.rules for name in settings(rule))


def _defaults(operator: "Operator") -> Iterator[str]:
    known = dict(operator.defaults)
    for name in _names(operator):
        yield f"{name}, {known[name]!r} by default" if name in known else name


def _line(attribute: "Attribute") -> str:
    default = "must be given" if attribute.default is None else f"{attribute.default!r} by default"
    words = "".join(f", or {word!r}" for word, _ in attribute.named)
    return f"{attribute.name}: {attribute.kind.__name__}{words}; {default}"


def _document(attribute: "Attribute") -> dict[str, Any]:
    return {
        "name": attribute.name,
        "kind": attribute.kind.__name__,
        "default": attribute.default,
        "words": [word for word, _ in attribute.named],
    }
