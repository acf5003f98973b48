"""Where a credential stands in a request or a handshake. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

SUBPROTOCOL = "bearer."
_SCHEME = "bearer"

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Credential:
    """What somebody presented: `text` is an access token or an API key, or a ticket where `ticket` is set."""

    text: str
    ticket: bool = False
    subprotocol: str | None = None


def header(headers: Headers, name: bytes) -> str:
    """Return a header's value, empty where there is none; the last one counts."""
    value = b""
    for key, text in headers:
        if key == name:
            value = text
    return value.decode("latin-1")


def joined(headers: Headers, name: bytes) -> str:
    """Return all of a header's lines as the one that they stand for (RFC 9110, 5.3), empty where there is none."""
    return ", ".join(text.decode("latin-1") for key, text in headers if key == name)


def from_authorization(value: str) -> Credential | None:
    """Return the credential of an `Authorization: Bearer ...` header; another scheme is none."""
    scheme, _, text = value.partition(" ")
    return Credential(text) if scheme.lower() == _SCHEME and text else None


def from_handshake(scope: Mapping[str, Any]) -> Credential | None:
    """Return the credential of a socket: a header, the subprotocol `bearer.<token>`, `?ticket=` or `?token=`."""
    if found := from_authorization(header(scope["headers"], b"authorization")):
        return found
    for offered in scope.get("subprotocols", ()):
        if offered.startswith(SUBPROTOCOL):
            return Credential(offered.removeprefix(SUBPROTOCOL), subprotocol=offered)
    asked = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    for name in ("ticket", "token"):
        if name in asked:
            return Credential(asked[name][0], ticket=name == "ticket")
    return None
