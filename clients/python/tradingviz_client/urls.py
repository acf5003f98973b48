"""Where a server's socket and its REST paths are, from either's address."""

from urllib.parse import urlsplit, urlunsplit

SOCKET_PATH = "/ws/fo/stream"
_SOCKET = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_REST = {"ws": "http", "wss": "https", "http": "http", "https": "https"}


def socket_url(url: str) -> str:
    """Return the socket's address; a path other than `/` is kept. Raise ValueError for no such URL."""
    parts = urlsplit(url)
    return urlunsplit((_scheme(url, _SOCKET), parts.netloc, parts.path.rstrip("/") or SOCKET_PATH, parts.query, ""))


def rest_url(url: str, path: str) -> str:
    """Return the address of a REST path of the same server."""
    return urlunsplit((_scheme(url, _REST), urlsplit(url).netloc, path, "", ""))


def _scheme(url: str, schemes: dict[str, str]) -> str:
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.netloc:
        raise ValueError(f"not an address of a server: {url!r} (such as http://127.0.0.1:8081)")
    return schemes[parts.scheme]
