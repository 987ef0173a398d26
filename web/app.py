"""The application: routes, guard, and plain answers to whatever goes wrong."""

from collections.abc import Callable, Sequence
from datetime import datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from archsmith import __version__
from archsmith.graph.errors import UserError
from archsmith.graph.pictures.style import STYLE
from archsmith.web.api import api
from archsmith.web.door import Door
from archsmith.web.guard import Guard, add_headers
from archsmith.web.pages import pages
from archsmith.web.site import HERE, Site, environment

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
YEAR = "public, max-age=31536000, immutable"


def create_app(
    store_url: str,
    *,
    clock: Callable[[], datetime],
    token: str | None = None,
    hosts: Sequence[str] = LOOPBACK,
) -> FastAPI:
    """The dashboard over a store, which is opened to be read only, when first asked for.

    ``hosts`` are the names under which it answers ("*": any); with a ``token``, only to those who bring it.

    Raises:
        UserError: the URL is none of a store, or the token is empty.
    """
    if token is not None and not token.strip():
        raise UserError("an access token must not be empty: give one, or none for a dashboard on this machine only")
    site = Site(Door(store_url), clock, environment())
    site.templates.globals["plotly"] = version("plotly")
    app = FastAPI(title="archsmith", version=__version__, docs_url=None, redoc_url=None)
    app.include_router(api(site))
    app.include_router(pages(site))
    _serve_files(app)
    _answer_errors(app, site)
    names = frozenset(host.lower() for host in hosts)
    app.add_middleware(GZipMiddleware, minimum_size=2048, compresslevel=4)
    app.add_middleware(Guard, hosts=names, token=token, refusal=site.refusal)
    return app


def _serve_files(app: FastAPI) -> None:
    script = _plotly_script()

    @app.get("/static/plotly.min.js", include_in_schema=False)
    def plotly() -> Response:
        return FileResponse(script, media_type="text/javascript", headers={"Cache-Control": YEAR})

    @app.get("/static/graph.css", include_in_schema=False)
    def style() -> Response:
        return FileResponse(STYLE, media_type="text/css")

    app.mount("/static", StaticFiles(directory=HERE / "static"))


def _plotly_script() -> Path:
    """plotly.js as the installed plotly brings it; found without importing plotly, which is slow."""
    found = find_spec("plotly")
    folders = found.submodule_search_locations if found else None
    if not folders:
        raise UserError("the dashboard needs plotly: pip install plotly")
    return Path(folders[0], "package_data", "plotly.min.js")


def _answer_errors(app: FastAPI, site: Site) -> None:
    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        answer = site.refusal(request, error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        told = [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()]
        address = any(one["loc"][0] == "path" for one in error.errors())
        return site.refusal(request, 404 if address else 422, "; ".join(told))

    @app.exception_handler(Exception)  # the outermost boundary: the server goes on, and its log has the traceback
    def failed(request: Request, error: Exception) -> Response:
        text = f"{type(error).__name__}: the server's log has the details."
        answer = site.refusal(request, 500, text)
        add_headers(answer.headers)  # it passes the guard by
        return answer
