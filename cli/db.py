"""``archsmith db``: upgrade, check."""

import sys

import click

from archsmith.cli.options import json_option, store_option
from archsmith.cli.output import print_json


@click.command()
@store_option
@json_option
def upgrade(store: str, as_json: bool) -> None:
    """Bring a store's schema up to date; one that does not exist is made.

    \b
    archsmith db upgrade --store sqlite:///archsmith.db
    """
    from archsmith.cli.reading import shown
    from archsmith.storage.store import upgrade_store

    before, after = upgrade_store(store)
    if as_json:
        print_json({"store": shown(store), "from": before, "to": after})
    elif before == after:
        click.echo(f"{shown(store)} is up to date (schema {after})")
    else:
        click.echo(f"{shown(store)} went from schema {before or 'none'} to {after}")


@click.command()
@store_option
@json_option
def check(store: str, as_json: bool) -> None:
    """Look for damage in a store. Exit code 1 means that there is some.

    \b
    archsmith db check
    """
    from archsmith.cli.reading import shown
    from archsmith.storage.store import check_store

    problems = check_store(store)
    if as_json:
        print_json({"store": shown(store), "problems": problems})
    else:
        click.echo("\n".join(problems) if problems else f"{shown(store)} is sound")
    sys.exit(1 if problems else 0)
