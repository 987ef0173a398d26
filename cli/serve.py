"""``archsmith serve``: the dashboard."""

import secrets

import click

from archsmith.cli.options import store_option

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8642, show_default=True, help="Port; 0 picks a free one."
)
@click.option(
    "--token", envvar="ARCHSMITH_TOKEN", help="What a visitor must know; made up where one is needed."
)
@store_option
def serve(host: str, port: int, token: str | None, store: str) -> None:
    """Open the dashboard on this machine. On another address than loopback, it demands a token.

    \b
    archsmith serve
    archsmith serve --host 0.0.0.0 --port 8080
    """
    from archsmith.web.serve import serve as run_server

    if token is None and host not in _LOOPBACK:
        token = secrets.token_urlsafe(24)
    run_server(store, host=host, port=port, token=token)
