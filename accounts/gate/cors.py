"""Which other pages may read answers. Credentials are bearer tokens only, so cookies are never invited."""

from collections.abc import Collection

Header = tuple[bytes, bytes]

_EXPOSED = b"ETag, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, Server-Timing, X-Request-ID"
_PREFLIGHT: list[Header] = [
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
    (b"access-control-allow-headers", b"authorization, content-type, idempotency-key, if-none-match, x-request-id"),
    (b"access-control-max-age", b"600"),
]


def cors_headers(origin: str, allowed: Collection[str]) -> list[Header]:
    """Return what an answer to a page of `origin` carries; nothing changes for pages that are not allowed."""
    if not allowed:
        return []
    vary = (b"vary", b"Origin")
    if origin not in allowed:
        return [vary]
    return [
        vary,
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", _EXPOSED),
    ]


def preflight_headers(origin: str, allowed: Collection[str]) -> list[Header]:
    """Return what the answer to a browser's question before a request carries besides."""
    return _PREFLIGHT if origin in allowed else []
