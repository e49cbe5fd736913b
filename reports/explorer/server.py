"""The server of the page: this machine alone, one token, files of the package and the answers to questions.

Start with `open_server`.  It listens on the loopback address; whoever brings the token once gets it as a cookie; a page of
another site, or another name for this address, gets nothing.
"""

import json
import secrets
import sys
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kinimmune.models.errors import KinimmuneError, MachineError, UsageError
from kinimmune.reports.explorer.access import ADDRESS, is_at_home, is_known, is_own_page, is_same, name_cookie
from kinimmune.reports.explorer.answers import Answers

LONGEST_QUESTION = 2**18
"""Bytes of a question; the longest setting has a few thousand."""
KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""What a browser may load for the page: nothing that this server does not give."""


class _Server(ThreadingHTTPServer):
    """The standard library's server, which says nothing of a browser that has left before it was answered."""

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the library has it
        """Tell an error that nobody expected, and no other."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@dataclass(frozen=True)
class ExplorerServer:
    """A server that listens."""

    http: ThreadingHTTPServer
    token: str

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.http.server_address[1])

    @property
    def address(self) -> str:
        """The address to open, with the token."""
        return f"http://{ADDRESS}:{self.port}/?token={self.token}"

    def serve(self) -> None:
        """Answer until it is interrupted or closed."""
        self.http.serve_forever(poll_interval=0.2)

    def close(self) -> None:
        """Listen no longer."""
        self.http.server_close()


def open_server(answers: Answers, port: int) -> ExplorerServer:
    """Return a server that listens on this machine's own address.

    Parameters
    ----------
    answers
        to the questions of the page
    port
        to listen on; 0 for any that is free

    Raises
    ------
    MachineError
        when the port is taken or may not be used
    """
    token = secrets.token_urlsafe(24)
    try:
        http = _Server((ADDRESS, port), _make_handler(answers, token))
    except OSError as error:
        raise MachineError(f"cannot listen on port {port}: {error.strerror or error}; give another with --port") from error
    http.daemon_threads = True
    return ExplorerServer(http, token)


def _make_handler(answers: Answers, token: str) -> type[BaseHTTPRequestHandler]:
    """Return the class that the standard library makes an object of for each request."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version, sys_version = "kinimmune", ""

        def do_GET(self) -> None:
            handle_get(self, token)

        def do_POST(self) -> None:
            handle_post(self, answers, token)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing: the terminal is the command's."""

    return Handler


def handle_get(request: BaseHTTPRequestHandler, token: str) -> None:
    """Answer with a file of the page; with the token in the address make it a cookie, and leave it out of the address."""
    parts = urlsplit(request.path)
    if not is_at_home(request):
        return _send(request, HTTPStatus.FORBIDDEN, b"another name than this machine's\n", "text/plain")
    brought = parse_qs(parts.query).get("token", [""])[0]
    if parts.path == "/" and brought and is_same(brought, token):
        cookie = f"{name_cookie(request)}={token}; HttpOnly; SameSite=Strict; Path=/"
        return _send(request, HTTPStatus.SEE_OTHER, b"", "text/plain", {"Location": "/", "Set-Cookie": cookie})
    name = parts.path.removeprefix("/") or "page.html"
    known = is_known(request, token)
    if not known and name == "page.html":
        return _send_file(request, "locked.html", HTTPStatus.FORBIDDEN)
    if not known and name not in ("locked.js", "page.css"):
        return _send(request, HTTPStatus.FORBIDDEN, b"open the address that the command printed\n", "text/plain")
    return _send_file(request, name, HTTPStatus.OK)


def handle_post(request: BaseHTTPRequestHandler, answers: Answers, token: str) -> None:
    """Answer a question of the page."""
    if not (is_at_home(request) and is_known(request, token) and is_own_page(request)):
        return _send(request, HTTPStatus.FORBIDDEN, b"open the address that the command printed\n", "text/plain", close=True)
    try:
        found: Any = answers.answer(request.path.removeprefix("/ask/"), _read_question(request))
        status = HTTPStatus.OK
    except UsageError as error:
        status, found = HTTPStatus.BAD_REQUEST, {"error": str(error)}
    except (KinimmuneError, ArithmeticError, ValueError) as error:  # far from their priors numbers are not finite
        status, found = HTTPStatus.UNPROCESSABLE_ENTITY, {"error": str(error)}
    return _send(request, status, json.dumps(found, allow_nan=False).encode(), "application/json")


def _read_question(request: BaseHTTPRequestHandler) -> dict[str, Any]:
    length = request.headers.get("Content-Length", "")
    if not length.isdecimal() or int(length) > LONGEST_QUESTION:
        request.close_connection = True
        raise UsageError(f"a question of '{length}' bytes; at most {LONGEST_QUESTION}")
    try:
        given = json.loads(request.rfile.read(int(length)) or b"{}")
    except (ValueError, RecursionError) as error:
        raise UsageError("a question that is no JSON; reload the page") from error
    if not isinstance(given, dict):
        raise UsageError("a question that is no JSON object; reload the page")
    return given


def _send_file(request: BaseHTTPRequestHandler, name: str, status: HTTPStatus) -> None:
    """Send a file of the page, and no other."""
    folder = files("kinimmune.reports.explorer") / "static"
    found = next((item for item in folder.iterdir() if item.name == name and item.is_file()), None)
    kind = KINDS.get(name.rpartition(".")[2])
    if found is None or kind is None:
        return _send(request, HTTPStatus.NOT_FOUND, b"no such file\n", "text/plain")
    return _send(request, status, found.read_bytes(), kind)


def _send(
    request: BaseHTTPRequestHandler,
    status: HTTPStatus,
    content: bytes,
    kind: str,
    headers: dict[str, str] | None = None,
    *,
    close: bool = False,
) -> None:
    request.send_response(status)
    fixed = {
        "Content-Type": f"{kind}; charset=utf-8",
        "Content-Length": str(len(content)),
        "Content-Security-Policy": POLICY,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    for name, value in {**fixed, **(headers or {}), **({"Connection": "close"} if close else {})}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(content)
