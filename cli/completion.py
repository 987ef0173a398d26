"""``archsmith completion``: what a shell needs to complete archsmith's commands."""

import click
from click.shell_completion import get_completion_class

from archsmith.cli.main import archsmith


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    archsmith completion bash >> ~/.bashrc
    archsmith completion fish > ~/.config/fish/completions/archsmith.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None  # click knows each of the shells offered
    click.echo(kind(archsmith, {}, "archsmith", "_ARCHSMITH_COMPLETE").source())
