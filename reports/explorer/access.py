"""Who may ask the server of the page: this machine, by its own name, with the token, from the page itself.

Start with `is_at_home`, `is_known` and `is_own_page`.
"""

import hmac
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler

ADDRESS = "127.0.0.1"
"""The loopback address, which no other machine can reach."""


def is_at_home(request: BaseHTTPRequestHandler) -> bool:
    """Return whether this machine was asked by its own name: another one may belong to a site that points here."""
    port = _find_port(request)
    return request.headers.get("Host", "") in (f"{ADDRESS}:{port}", f"localhost:{port}")


def is_own_page(request: BaseHTTPRequestHandler) -> bool:
    """Return whether a question comes from the page of this server, as browsers tell it."""
    return request.headers.get("Origin", "") == f"http://{request.headers.get('Host', '')}"


def is_known(request: BaseHTTPRequestHandler, token: str) -> bool:
    """Return whether a request brings the token as its cookie."""
    try:
        found = SimpleCookie(request.headers.get("Cookie", "")).get(name_cookie(request))
    except CookieError:
        return False
    return found is not None and is_same(found.value, token)


def name_cookie(request: BaseHTTPRequestHandler) -> str:
    """Return the name of the cookie; browsers send those of all ports of an address."""
    return f"kinimmune_{_find_port(request)}"


def _find_port(request: BaseHTTPRequestHandler) -> int:
    return int(request.connection.getsockname()[1])


def is_same(given: str, token: str) -> bool:
    """Return whether a text is the token; the time it takes tells nothing of it."""
    return hmac.compare_digest(given.encode(), token.encode())
