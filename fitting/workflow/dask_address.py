"""What is at an address that may be that of a Dask scheduler.

Start with `open_client`.  Dask waits for ever for some of what can be there, and raises errors of every kind for the rest.
"""

import asyncio
import socket
from collections.abc import Mapping
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributed import Client

MARGIN = 1.0
"""What follows a timeout gets so much more [s]."""
LAST_PORT = 65535


class _AddressError(Exception):
    """An address at which no scheduler can be."""


async def open_client(address: str, timeout: float) -> "Client":
    """Return a client of the scheduler at an address.

    Raises whatever Dask does where there is none, which `explain_refusal` puts into words.
    """
    from distributed import Client

    _require_address(address)
    client = Client(address, asynchronous=True, timeout=timeout, set_as_default=False)
    starting = asyncio.ensure_future(_start(client))
    try:
        await asyncio.wait({starting}, timeout=timeout + MARGIN)
        if client.status == "running":
            return client
    finally:
        if client.status != "running":
            starting.cancel()
            client.status = "closed"  # or it would try to close when it is collected, without its loop
    _require_certificates(address, client.connection_args)
    await _require_scheduler(address, client.connection_args)
    if starting.cancelled() or not starting.done():
        raise TimeoutError
    await starting
    raise ConnectionResetError  # it started and ended


async def _start(client: "Client") -> None:
    await client


def _require_address(address: str) -> None:
    """Raise an error unless an address can be one of a scheduler; its name is looked up here, as Dask would without an end."""
    from distributed.comm import get_address_host_port, parse_address
    from distributed.comm.registry import get_backend

    try:
        scheme = parse_address(address)[0]
        get_backend(scheme).get_connector()
        host, port = get_address_host_port(address)
        if not 0 < port <= LAST_PORT:
            raise _AddressError(f"port {port} lies outside 1 to {LAST_PORT}")
        socket.getaddrinfo(host, port)
    except UnicodeError as error:
        raise _AddressError("that is no name of a host") from error
    except ValueError as error:
        text = "the port is no number" if "invalid literal" in str(error) else str(error)
        raise _AddressError(f"{text}; an address reads tcp://HOST:PORT") from error
    except (ImportError, TypeError) as error:
        raise _AddressError(f"the Dask of this machine cannot speak {scheme}:// ({error})") from error


def _require_certificates(address: str, arguments: Mapping[str, Any]) -> None:
    if address.startswith(("tls:", "wss:")) and arguments.get("ssl_context") is None:
        raise _AddressError("Dask has no certificates for an encrypted connection; set distributed.comm.tls in its configuration")


async def _require_scheduler(address: str, arguments: Mapping[str, Any]) -> None:
    """Raise an error that tells what else of Dask answers; nothing when nothing does."""
    asking = asyncio.ensure_future(_identify(address, arguments))
    await asyncio.wait({asking}, timeout=MARGIN)
    if not asking.done():
        asking.cancel()
    elif not asking.cancelled() and asking.exception() is None:
        about = asking.result()
        if about.get("type") in ("Worker", "Nanny") and "scheduler" in about:
            raise _AddressError(f"that is one of its workers, the scheduler is at {about['scheduler']}")


async def _identify(address: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    from distributed.comm import connect as connect_directly
    from distributed.core import send_recv

    comm = await connect_directly(address, timeout=MARGIN, **arguments)
    try:
        return dict(await send_recv(comm, op="identity"))
    finally:
        comm.abort()


def explain_refusal(error: BaseException, timeout: float) -> str:
    """Return in words why no scheduler has answered in time [s]."""
    links = [error]
    while (link := links[-1].__cause__ or links[-1].__context__) is not None:
        links.append(link)
    told = next((link for link in links if isinstance(link, _AddressError)), None)
    if told is not None:
        return str(told)
    reason = next((link.strerror for link in reversed(links) if isinstance(link, OSError) and link.strerror), None)
    if reason is not None:
        return reason.lower()
    if isinstance(error, TimeoutError | CancelledError) or "Timed out" in str(error):
        return f"nothing within {timeout:g} s"
    if isinstance(error, OSError):
        return "what listens there hangs up"
    if isinstance(error, ImportError | RuntimeError):
        return str(error)
    return "what listens there does not speak the language of Dask"
