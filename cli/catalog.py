"""``archsmith spaces list``: the published spaces that archsmith brings along."""

import click

from archsmith.cli.options import json_option
from archsmith.cli.output import print_json, print_table


@click.command("list")
@click.option("--count", "counted", is_flag=True, help="Count the architectures of each too; that takes seconds.")
@json_option
def list_spaces(counted: bool, as_json: bool) -> None:
    """The spaces of the catalogue: each name can be given wherever a SPACE is taken.

    \b
    archsmith spaces list
    archsmith spaces list --count --json
    archsmith spaces show mobilenet-v3
    """
    from archsmith.spaces.catalog import PUBLISHED

    sizes = {name: size_of(name) if counted else None for name in PUBLISHED}
    if as_json:
        print_json(
            [
                {"name": name, "size": sizes[name], "summary": entry.summary, "source": entry.source}
                for name, entry in PUBLISHED.items()
            ]
        )
        return
    columns = ("name", "source", "size", "what it holds") if counted else ("name", "source", "what it holds")
    rows = [
        (name, entry.source, *([f"{sizes[name]:,}"] if counted else []), entry.summary)
        for name, entry in PUBLISHED.items()
    ]
    print_table("", columns, rows)


def size_of(name: str) -> int:
    """How many architectures the space of that name has."""
    from archsmith.spaces.counting import count
    from archsmith.spaces.loading import load_space
    from archsmith.spaces.space import TreeSpace

    space = load_space(name)
    assert isinstance(space, TreeSpace)  # all of the catalogue are
    return count(space)
