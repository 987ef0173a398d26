"""``archsmith spaces export``: a space as JSON."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archsmith.cli.options import json_option
from archsmith.cli.output import print_json
from archsmith.graph.errors import UserError

if TYPE_CHECKING:
    from archsmith.spaces.decisions import Space


@click.command()
@click.argument("space")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write, ending in .json.")
@json_option
def export(space: str, out: Path, as_json: bool) -> None:
    """Write SPACE as JSON, which every command takes as a SPACE too.

    Functions and modules of your own are named in it, and not part of it: a command refuses a file that needs some.
    Load such a file in Python, with from_json(text, trusted=True).

    \b
    archsmith spaces export examples/digits_cnn.py --out space.json
    archsmith spaces count space.json
    """
    from archsmith.spaces.loading import load_space
    from archsmith.spaces.space import TreeSpace, digest
    from archsmith.spaces.text import needs_of, to_json

    if out.suffix != ".json":
        raise UserError(f"a space is exported to a file ending in .json; got {out}")
    with redirect_stdout(sys.stderr):  # a space may print
        found = load_space(space)
        if not isinstance(found, TreeSpace):
            raise UserError(f"{space} must be a tree, made by search_space(...); got {type(found).__name__}")
        text, needs, name = to_json(found), needs_of(found), digest(found)
    try:
        out.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{out} must be a file that can be written; {error.strerror}") from None
    if as_json:
        print_json({"out": str(out), "digest": name, "needs": needs})
        return
    click.echo(f"wrote space {name} to {out}")
    if needs:
        click.echo(f"it needs {', '.join(needs)}: load it in Python, with from_json(text, trusted=True)")


def written(space: "Space") -> dict[str, Any]:
    """The space as a document and what it needs, or None twice if it has no form in JSON."""
    from archsmith.spaces.space import TreeSpace
    from archsmith.spaces.text import document_of

    try:
        document = document_of(space) if isinstance(space, TreeSpace) else None
    except (UserError, RecursionError):
        document = None
    return {"space": document, "needs": None if document is None else document.get("needs", [])}
