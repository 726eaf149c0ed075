"""The explorer's server: one page for its own machine, a refusal for everything else, and never a fault."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from vaekit.errors import UserError
from vaekit.explorer.server import Explorer, content_policy, listen, make_server, require_packages, serve

pytest.importorskip("uvicorn", reason="the package uvicorn is not installed")
pytest.importorskip("starlette", reason="the package starlette is not installed")

SCRIPT, STYLE = "window.x = '한글';", "body { color: #123 }"
PAGE = (
    f'<!doctype html><style>{STYLE}</style><script type="application/json" id="manifest">{{}}</script>'
    f'<script type="module">{SCRIPT}</script>' + "<p>0123456789</p>" * 50_000
).encode()
TOKEN = "Tt0_-kenTt0_-kenTt0_-kenTt0_-ken"


@pytest.fixture(scope="module")
def app() -> Iterator[Explorer]:
    """A server of its own thread, stopped at the end."""
    listening = listen(0)
    listening.listen(128)
    made = Explorer(PAGE, listening.getsockname()[1], TOKEN)
    server = make_server(made)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield made
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()
    listening.close()


def ask(
    app: Explorer, method: str = "GET", path: str | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """One request by a well-behaved client; headers are named with _ for -."""
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=60)
    connection.putrequest(method, app.path if path is None else path, skip_host="host" in headers)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    response = connection.getresponse()
    try:
        body = response.read()
    except ConnectionResetError:
        # A server that refuses a request before it has read all of it may cut off its own answer.
        if response.status < 400:
            raise
        body = b""
    connection.close()
    return response.status, {k.lower(): v for k, v in response.getheaders()}, body


def raw(app: Explorer, request: bytes) -> bytes:
    """What comes back for these very bytes, until the server closes."""
    with socket.create_connection(("127.0.0.1", app.port), timeout=60) as connection:
        with contextlib.suppress(OSError):  # a server that has heard enough closes before the end
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        parts = []
        try:
            while part := connection.recv(1 << 16):
                parts.append(part)
        except ConnectionResetError:
            pass
    return b"".join(parts)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def responsive(app: Explorer) -> bool:
    return ask(app)[2] == PAGE


def refused(answer: bytes) -> bool:
    """A 4xx that says nothing about the machine."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return (
        400 <= status(answer) < 500 and len(body) < 200 and b"Traceback" not in body and b"/work" not in head
    )


def test_the_page_is_served(app) -> None:
    code, headers, body = ask(app)
    assert (code, body) == (200, PAGE)
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers
    assert ask(app, host=f"localhost:{app.port}")[0] == 200
    assert ask(app, origin=f"http://127.0.0.1:{app.port}")[0] == 200


def test_equal_requests_give_equal_bytes(app) -> None:
    request = f"GET {app.path} HTTP/1.1\r\nHost: 127.0.0.1:{app.port}\r\nConnection: close\r\n\r\n".encode()
    first = raw(app, request)
    assert first.endswith(PAGE)
    assert raw(app, request) == first
    refusal = request.replace(TOKEN.encode(), b"x")
    assert raw(app, refusal) == raw(app, refusal)


def test_head_gives_the_headers_alone(app) -> None:
    code, headers, body = ask(app, "HEAD")
    assert (code, body) == (200, b"")
    assert headers == ask(app)[1]


def test_the_policy_allows_the_page_its_own_code_and_nothing_else() -> None:
    policy = dict(part.split(" ", 1) for part in content_policy(PAGE).split("; "))

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert policy["default-src"] == policy["connect-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"].split() == [digest(SCRIPT), "'wasm-unsafe-eval'"]
    assert policy["style-src"] == digest(STYLE)
    assert "unsafe-inline" not in str(policy)
    assert "http" not in str(policy)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:PORT",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost",
        "[::1]:PORT",
        "127.0.0.1:PORT.evil.example",
        "127.0.0.1:PORT@evil.example",
        "LOCALHOST:PORT",
        "",
    ],
)
def test_a_foreign_host_is_refused(app, host: str) -> None:
    assert ask(app, host=host.replace("PORT", str(app.port)))[0] in (400, 403)


def test_no_host_or_two_are_refused(app) -> None:
    good = f"Host: 127.0.0.1:{app.port}\r\n"
    assert refused(raw(app, f"GET {app.path} HTTP/1.0\r\n\r\n".encode()))
    assert refused(raw(app, f"GET {app.path} HTTP/1.1\r\n\r\n".encode()))
    assert refused(raw(app, f"GET {app.path} HTTP/1.1\r\n{good}Host: evil.example\r\n\r\n".encode()))


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "file://", "https://127.0.0.1:PORT", "http://127.0.0.1"]
)
def test_a_foreign_origin_is_refused(app, origin: str) -> None:
    assert ask(app, origin=origin.replace("PORT", str(app.port)))[0] == 403


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/x/",
        f"/{TOKEN}",
        f"/{TOKEN}/x",
        f"/{TOKEN[:-1]}/",
        f"/{TOKEN}x/",
        f"//{TOKEN}/",
        f"/{TOKEN}/?x=1/..",
        f"/{TOKEN.lower()}/",
        f"/?token={TOKEN}",
        "/favicon.ico",
    ],
)
def test_without_the_token_there_is_nothing(app, path: str) -> None:
    code, headers, body = ask(app, path=path)
    if "?x=" in path:
        assert body == PAGE  # a query names nothing
        return
    assert code == 404
    assert TOKEN not in body.decode() + str(headers)


UP = [
    "../",
    "..%2f",
    "%2e%2e/",
    "%2e%2e%2f",
    "..\\",
    "..%5c",
    "..%255c",
    "%252e%252e%252f",
    "..%c0%af",
    "..;/",
    "....//",
    ".%00./",
    "%uff0e%uff0e/",
    "..%ef%bc%8f",
    "/../",
]
TARGETS = ["etc/passwd", "proc/self/environ"]
TRAVERSALS = [f"{start}{6 * up}{target}" for start in ("/", f"/{TOKEN}/") for up in UP for target in TARGETS]


def test_no_path_leads_to_a_file(app) -> None:
    assert len(set(TRAVERSALS)) == 60
    for path in TRAVERSALS:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{app.port}\r\nConnection: close\r\n\r\n"
        answer = raw(app, request.encode())
        assert refused(answer), path
        assert b"root:" not in answer
        assert b"[project]" not in answer
    for path in (
        "http://evil.example/",
        "*",
        "/" + 40_000 * "../",
        "/\x00",
        f"http://127.0.0.1:{app.port}/../etc/passwd",
    ):
        answer = raw(app, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{app.port}\r\n\r\n".encode())
        assert refused(answer), path[:40]
    assert responsive(app)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get"])
def test_the_page_is_only_read(app, method: str) -> None:
    code, headers, _ = ask(app, method)
    assert code == 405
    assert headers["allow"] == "GET, HEAD"


def test_json_that_is_none_is_not_read(app) -> None:
    for body in (b'{"x": NaN}', b"[Infinity]", json.dumps({"z": [0.0] * 9}).encode(), b"{", b"\xff\xfe"):
        for method in ("POST", "GET"):
            head = f"{method} {app.path} HTTP/1.1\r\nHost: 127.0.0.1:{app.port}\r\nContent-Type: application/json\r\n"
            assert refused(raw(app, head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body))
    assert responsive(app)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("framing", ["Content-Length: 1073741824", "Transfer-Encoding: chunked"])
def test_a_body_of_a_gigabyte_is_refused_early(app, method: str, framing: str) -> None:
    chunk = bytes(1 << 20)
    if "chunked" in framing:
        chunk = b"100000\r\n" + chunk + b"\r\n"
    sent, answer = 0, b""
    with socket.create_connection(("127.0.0.1", app.port), timeout=60) as connection:
        connection.sendall(
            f"{method} {app.path} HTTP/1.1\r\nHost: 127.0.0.1:{app.port}\r\n{framing}\r\n\r\n".encode()
        )
        try:
            while sent < 1 << 30:
                connection.sendall(chunk)
                sent += len(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        with contextlib.suppress(ConnectionResetError):  # the answer was lost with what was still under way
            answer = connection.recv(1 << 16)
    assert sent < 64 << 20, "the server took in what it should refuse"
    assert not answer or status(answer) in (405, 413)
    quick = raw(app, f"GET {app.path} HTTP/1.1\r\nHost: 127.0.0.1:{app.port}\r\n{framing}\r\n\r\n".encode())
    assert status(quick) == 413
    assert responsive(app)


@pytest.mark.parametrize(
    "ranges",
    [
        "bytes=0-9",
        "bytes=5-2",
        "bytes=-1",
        "bytes=999999999-",
        "items=0-1",
        "bytes=0-0,2-2",
        "bytes=" + ",".join(f"{i}-{i}" for i in range(10_000)),
    ],
)
def test_ranges_get_the_whole_page_or_a_refusal(app, ranges: str) -> None:
    code, headers, body = ask(app, range=ranges)
    assert "content-range" not in headers
    assert (code, body) == (200, PAGE) or (400 <= code < 500 and len(body) < 200)
    assert responsive(app)


def test_sixteen_clients_at_once(app) -> None:
    def client(number: int) -> bool:
        return all(ask(app)[2] == PAGE and ask(app, path=f"/{number}")[0] == 404 for _ in range(6))

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(client, range(16)))


def test_clients_that_say_nothing_do_not_hold_the_others_up(app) -> None:
    idle = [socket.create_connection(("127.0.0.1", app.port)) for _ in range(60)]
    for connection in idle[::2]:
        connection.sendall(b"GET / HT")
    assert responsive(app)
    for connection in idle:
        connection.close()
    assert responsive(app)


@pytest.mark.parametrize(
    "noise",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        bytes(3000),
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 30_000 + b"\r\n",
    ],
)
def test_noise_is_no_request(app, noise: bytes) -> None:
    answer = raw(app, noise)
    assert not answer or refused(answer)
    assert responsive(app)


def test_it_listens_on_its_own_machine_alone() -> None:
    with listen(0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"
        taken = listening.getsockname()[1]
        listening.listen(1)
        with pytest.raises(UserError, match=f"Port {taken} cannot be used"):
            listen(taken)
    with pytest.raises(UserError, match="0 to 65535"):
        listen(70_000)


def test_two_servers_have_two_tokens(monkeypatch) -> None:
    found: list[str] = []

    def stop(self, sockets) -> None:
        raise KeyboardInterrupt

    import uvicorn

    monkeypatch.setattr(uvicorn.Server, "run", stop)
    serve(PAGE, ready=found.append)
    serve(PAGE, ready=found.append)
    tokens = {re.fullmatch(r"http://127\.0\.0\.1:\d+/([\w-]{32,})/", address)[1] for address in found}  # type: ignore[index]
    assert len(tokens) == 2


def test_a_missing_package_is_named(monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(
        UserError, match=r"needs uvicorn: pip install 'vaekit\[explore\]', or write a file with --html"
    ):
        require_packages()
