"""Serving the dashboard with uvicorn: on this machine only, or to a network under a token."""

from collections.abc import Callable, Sequence
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import quote

import uvicorn

from archsmith.graph.errors import UserError
from archsmith.web.app import LOOPBACK, create_app
from archsmith.web.guard import ANY_HOST

PORT = 8750


def serve(
    store_url: str,
    host: str = "127.0.0.1",
    port: int = PORT,
    token: str | None = None,
    *,
    clock: Callable[[], datetime],
    hosts: Sequence[str] | None = None,
) -> None:
    """Serve until interrupted.

    ``hosts`` are the names under which the dashboard answers; by default the loopback names and ``host``, or
    any name where ``host`` is a wildcard address: there the token keeps strangers out.

    Raises:
        UserError: ``host`` is open to a network and there is no token, the port is not one, or it cannot be
        had.
    """
    server = server_for(store_url, host, port, token, clock=clock, hosts=hosts)
    try:
        server.run()
    except SystemExit as error:  # uvicorn has logged why it could not start
        raise UserError(f"the dashboard needs {address(host, port)} and cannot have it: give another --port") from error


def server_for(
    store_url: str,
    host: str,
    port: int,
    token: str | None,
    *,
    clock: Callable[[], datetime],
    hosts: Sequence[str] | None = None,
) -> uvicorn.Server:
    """The server that ``serve`` runs, not yet started.

    Raises:
        UserError: as ``serve``.
    """
    if not 0 <= port <= 65535:
        raise UserError(f"a port must be 0 to 65535; got {port}")
    if token is None and not is_loopback(host):
        raise UserError(f"a dashboard on {host} is open to the network and needs a token: give one, or use 127.0.0.1")
    app = create_app(store_url, clock=clock, token=token, hosts=_names(host) if hosts is None else hosts)
    # the access log would have the token in it, from the address that brings it
    config = uvicorn.Config(
        app,
        host=host.strip("[]"),
        port=port,
        access_log=False,
        log_level="warning",
        server_header=False,
        ws="none",
        lifespan="off",
    )
    return uvicorn.Server(config)


def address(host: str, port: int, token: str | None = None) -> str:
    """The address to open in a browser, with the token in it if there is one."""
    shown = f"[{host.strip('[]')}]" if ":" in host else host
    query = "" if token is None else f"?token={quote(token, safe='')}"
    return f"http://{shown}:{port}/{query}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server at ``host``."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _names(host: str) -> tuple[str, ...]:
    try:
        wildcard = ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        wildcard = False
    if wildcard:
        return (ANY_HOST,)
    return (*LOOPBACK, f"[{host.strip('[]')}]" if ":" in host else host)
