"""serve: one page to this machine's own browser, and nothing to anybody else."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from vaekit.errors import UserError

if TYPE_CHECKING:
    import uvicorn
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["Explorer", "content_policy", "listen", "make_server", "serve"]

HOST = "127.0.0.1"
METHODS = ("GET", "HEAD")


class Explorer:
    """The ASGI application: the page under its token, and a refusal for everything else.

    A request names nothing that is looked up: its path is compared with the one that there is. A foreign Host is what
    a rebound domain name sends, a foreign Origin what another page sends.

    Args:
        page: the bytes that every allowed request gets.
        port: where it is served, which the Host header has to name.
        token: what the path begins with; nobody can guess it.
    """

    def __init__(self, page: bytes, port: int, token: str) -> None:
        self.page, self.port, self.token = page, port, token
        self.path = f"/{token}/"
        self.hosts = {f"{name}:{port}" for name in (HOST, "localhost")}
        self.headers = {
            "content-type": "text/html; charset=utf-8",
            "content-security-policy": content_policy(page),
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "referrer-policy": "no-referrer",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "accept-ranges": "none",
        }

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}{self.path}"

    async def __call__(self, scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        from starlette.requests import Request

        assert scope["type"] == "http"
        # The body is never read: the answer comes first, and the connection is closed on what follows.
        await self.answer(Request(scope))(scope, receive, send)

    def answer(self, request: Request) -> Response:
        """The page, or a short refusal; HEAD gets the headers of either."""
        from starlette.responses import Response

        status, reason = self.judge(request)
        if status == 200:
            return Response(self.page, headers=self.headers)
        headers = {"cache-control": "no-store", "x-content-type-options": "nosniff", "connection": "close"}
        if status == 405:
            headers["allow"] = ", ".join(METHODS)
        return Response(reason + "\n", status, headers, media_type="text/plain")

    def judge(self, request: Request) -> tuple[int, str]:
        """The status that a request deserves, and why."""
        headers = request.headers
        if headers.getlist("host") not in [[host] for host in self.hosts]:
            return 403, "This address serves its own machine only."
        if any(
            origin not in {f"http://{host}" for host in self.hosts} for origin in headers.getlist("origin")
        ):
            return 403, "Other pages may not ask."
        if request.method not in METHODS:
            return 405, "There is one page here, to be read."
        if "transfer-encoding" in headers or headers.get("content-length", "0").strip("0"):
            return 413, "A request for the page has no body."
        given = request.scope.get("raw_path", b"")
        if not secrets.compare_digest(given, self.path.encode("ascii")):
            return 404, "There is nothing here; open the whole address that vaekit explore printed."
        return 200, ""


def content_policy(page: bytes) -> str:
    """The strictest policy that the page works under: its own script and style by their hashes, no connection."""
    text = page.decode("utf-8")
    scripts = [
        _hash(body) for tag, body in re.findall(r"<script([^>]*)>(.*?)</script>", text, re.S) if _runs(tag)
    ]
    styles = [_hash(body) for body in re.findall(r"<style[^>]*>(.*?)</style>", text, re.S)]
    return "; ".join([
        "default-src 'none'",
        f"script-src {' '.join(scripts)} 'wasm-unsafe-eval'",
        f"style-src {' '.join(styles)}",
        "worker-src blob:",
        "img-src data: blob:",
        "media-src data: blob:",
        "connect-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ])  # fmt: skip


def _runs(tag: str) -> bool:
    """Whether a script of these attributes is code; data is not."""
    kind = re.search(r'type="([^"]*)"', tag)
    return kind is None or kind[1] in ("module", "text/javascript")


def _hash(body: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()}'"


def require_packages() -> None:
    """Refuse, in one sentence, where what serves is not installed."""
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"Serving the explorer needs {error.name}: pip install 'vaekit[explore]', or write a file with --html."
        ) from None


def listen(port: int) -> socket.socket:
    """A socket on this machine's own address; port 0 takes a free one.

    Raises:
        UserError: the port is taken, or not ours to take.
    """
    if not 0 <= port <= 65535:
        raise UserError(f"--port takes 0 to 65535; {port} came.")
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise UserError(
            f"Port {port} cannot be used ({error.strerror}); leave --port out to get a free one."
        ) from None
    return listening


def make_server(app: Explorer) -> uvicorn.Server:
    """What speaks HTTP for the application; it writes no log and adds nothing to an answer."""
    import uvicorn

    return uvicorn.Server(
        uvicorn.Config(
            app, http="h11", ws="none", lifespan="off", loop="asyncio", log_config=None, log_level="critical",
            access_log=False, server_header=False, date_header=False, proxy_headers=False, timeout_graceful_shutdown=1,
        )
    )  # fmt: skip


def serve(page: bytes, *, port: int = 0, ready: Callable[[str], None] = print) -> None:
    """Serve the page until Ctrl-C.

    Args:
        page: what `make_page` made.
        port: 0 for a free one.
        ready: called with the address once it can be opened.

    Raises:
        UserError: a package is missing, or the port is taken.
    """
    require_packages()
    with listen(port) as listening:
        app = Explorer(page, listening.getsockname()[1], secrets.token_urlsafe(24))
        listening.listen(128)
        ready(app.address)
        with suppress(KeyboardInterrupt):  # uvicorn raises it again after it has closed every connection
            make_server(app).run(sockets=[listening])
