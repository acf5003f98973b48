"""Where a credential stands in a request or a handshake."""

from typing import Any

import pytest

from accounts.gate.credentials import Credential, from_authorization, from_handshake


def handshake(query: str = "", authorization: str = "", *subprotocols: str) -> dict[str, Any]:
    """Return the scope of a socket."""
    headers = [(b"authorization", authorization.encode())] if authorization else []
    return {"headers": headers, "query_string": query.encode(), "subprotocols": list(subprotocols)}


@pytest.mark.parametrize(
    ("scope", "credential"),
    [
        (handshake(), None),
        (handshake("other=1"), None),
        (handshake("token="), None),
        (handshake("token=a"), Credential("a")),
        (handshake("token=a&token=b"), Credential("a")),
        (handshake("ticket=t&token=a"), Credential("t", ticket=True)),
        (handshake("token=a", "Bearer b"), Credential("b")),
        (handshake("token=a", "Basic b"), Credential("a")),
        (handshake("token=a", "", "bearer.c"), Credential("c", subprotocol="bearer.c")),
        (handshake("", "", "json", "bearer.c"), Credential("c", subprotocol="bearer.c")),
        (handshake("", "", "json"), None),
        (handshake("token=%00"), Credential("\x00")),
    ],
)
def test_a_socket_says_who_it_is_by_header_subprotocol_ticket_or_token(
    scope: dict[str, Any], credential: Credential | None
) -> None:
    assert from_handshake(scope) == credential


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Token a", "a", "Basic a"])
def test_another_scheme_or_no_text_is_no_credential(value: str) -> None:
    assert from_authorization(value) is None


@pytest.mark.parametrize("value", ["Bearer a", "bearer a", "BEARER a"])
def test_the_schemes_name_may_be_written_any_way(value: str) -> None:
    assert from_authorization(value) == Credential("a")
