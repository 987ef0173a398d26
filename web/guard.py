"""Who may ask, and what every answer carries: host names, the access token, security headers.

A dashboard on a loopback port can be reached by any web page that the same browser shows, under a host name
that leads there (DNS rebinding). So the Host header is checked always, and a token guards whatever is open to
a network.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
CHART_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
"""For pages with a chart: plotly sets style attributes from its script."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}

OPEN_PATHS = ("/static/",)
"""What needs no token: the style sheets and scripts, which hold nothing of the store."""

ANY_HOST = "*"

Refusal = Callable[[Request, int, str], Response]


@dataclass(frozen=True, slots=True)
class Guard:
    """ASGI middleware; ``hosts`` are lower-case names without ports, ``refusal`` answers strangers."""

    app: ASGIApp
    hosts: frozenset[str]
    token: str | None
    refusal: Refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        answer = self._stranger(request) or self._newcomer(request)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(MutableHeaders(scope=message))
            await send(message)

        await (answer or self.app)(scope, receive, send_guarded)

    def _stranger(self, request: Request) -> Response | None:
        """The refusal of a request under a foreign host name."""
        name = host_name(request.headers.get("host", ""))
        if ANY_HOST in self.hosts or name in self.hosts:
            return None
        return self.refusal(request, 400, "This server does not answer to that host name.")

    def _newcomer(self, request: Request) -> Response | None:
        """The refusal of a request without the token, or the cookie for one that brings it in its address."""
        if self.token is None or request.url.path.startswith(OPEN_PATHS):
            return None
        if "token" in request.query_params:
            if _same(request.query_params["token"], self.token):
                return _admitted(request, self.token)
            return self._refused(request)
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        bearer = scheme.lower() == "bearer" and _same(given.strip(), self.token)
        name, value = _cookie(self.token)
        if bearer or _same(request.cookies.get(name, ""), value):
            return None
        return self._refused(request)

    def _refused(self, request: Request) -> Response:
        answer = self.refusal(
            request, 401, "This dashboard needs its token: open the address that `archsmith serve` printed."
        )
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer


def add_headers(headers: MutableHeaders) -> None:
    """Add the security headers that an answer does not set itself."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)


def host_name(header: str) -> str:
    """The name in a Host header, lower case and without its port; IPv6 addresses keep their brackets."""
    header = header.strip().lower()
    if header.startswith("["):
        return header[: header.find("]") + 1]
    return header.partition(":")[0].removesuffix(".")


def _same(given: str, wanted: str) -> bool:
    return compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode("utf-8", "surrogatepass"))


def _cookie(token: str) -> tuple[str, str]:
    """Name and value of the token's cookie; two dashboards on one host do not share a name."""
    value = blake2b(token.encode(), digest_size=32, person=b"archsmith-cookie").hexdigest()
    return f"archsmith-{value[:8]}", value


def _admitted(request: Request, token: str) -> Response:
    """A redirect to the same address without the token, which sets the cookie."""
    kept = [(k, v) for k, v in parse_qsl(request.url.query, keep_blank_values=True) if k != "token"]
    # one leading slash only: two of them would lead to another host
    place = "/" + quote(request.url.path.lstrip("/\\")) + (f"?{urlencode(kept)}" if kept else "")
    answer = RedirectResponse(place, status_code=303)
    name, value = _cookie(token)
    secure = request.url.scheme == "https"
    answer.set_cookie(name, value, httponly=True, samesite="strict", secure=secure, path="/")
    return answer
