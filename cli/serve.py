"""``archsmith serve``: the dashboard."""

import secrets

import click

from archsmith.cli.options import store_option


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8750, show_default=True, help="Port to listen on.")
@click.option("--token", envvar="ARCHSMITH_TOKEN", help="What a visitor must know; made up where one is needed.")
@store_option
def serve(host: str, port: int, token: str | None, store: str) -> None:
    """Open the dashboard on this machine. On another address than loopback, it demands a token.

    \b
    archsmith serve
    archsmith serve --host 0.0.0.0 --port 8080
    """
    from archsmith.cli.reading import shown
    from archsmith.jobs.driver import utc_now
    from archsmith.web.serve import address, is_loopback
    from archsmith.web.serve import serve as run_server

    if token is None and not is_loopback(host):
        token = secrets.token_urlsafe(24)
    click.echo(f"the dashboard of {shown(store)} is at {address(host, port, token)}    (Ctrl-C ends it)", err=True)
    run_server(store, host, port, token, clock=utc_now)
