"""Errors and examples of the endpoints of access, for the OpenAPI document."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

from tradingviz.core import shapes

_MEANINGS = {
    400: "the body is not valid; `errors` names what",
    401: "no valid credentials",
    403: "an API key can not be used for that",
    404: "there is none of that prefix, or it is not yours",
    429: "too many attempts from this address; `Retry-After` says for how many seconds",
    503: "the database or Redis does not answer",
}
_KEY = {
    "prefix": "k3mzq7ta",
    "name": "nightly report",
    "scopes": ["market"],
    "created_at": "2026-02-03T09:20:00+05:30",
    "expires_at": None,
    "last_used_at": None,
}


def problems(*statuses: int) -> shapes.Problems:
    """Return the described errors of an operation, those of the gate among them."""
    return shapes.GATE_PROBLEMS | shapes.problems({status: _MEANINGS[status] for status in statuses})


def answered(name: str, value: Any, status: int = 200) -> OpenApiExample:
    """Return the example of an answer."""
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])


def asked(name: str, value: Any) -> OpenApiExample:
    """Return the example of a body."""
    return OpenApiExample(name, value=value, request_only=True)


PAIR = answered("a pair", {"access": "eyJ…", "refresh": "eyJ…"})
REFRESH = asked("a refresh token", {"refresh": "eyJ…"})
NEW_KEY = asked("a key for market data", {"name": "nightly report", "scopes": ["market"], "expires_at": None})
CREATED_KEY = answered("a new key", {**_KEY, "key": "tvk_k3mzq7ta_…"}, 201)
KEYS = answered("one key", {"keys": [_KEY]})
TICKET = answered("a ticket", {"ticket": "pX3…", "seconds": 30}, 201)
