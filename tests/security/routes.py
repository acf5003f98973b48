"""Every path there is, as Django resolves it, and how to ask for it."""

import re
from collections.abc import Iterator
from typing import Any

from django.urls import get_resolver

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
# What stands for a part of a path; other parts are "1".
PARTS = {"url": "nothing", "app_label": "accounts"}
_PART = re.compile(r"<(?:\w+:)?(\w+)>")
_REGEX_PART = re.compile(r"\(\?P<(\w+)>[^)]*\)")


def routes() -> list[str]:
    """Return every route, `/auth/api-keys/<str:prefix>`, once."""
    return list(dict.fromkeys(f"/{route}" for route in _walk(get_resolver(), "")))


def path_of(route: str, **parts: str) -> str:
    """Return a path of a route."""
    known = PARTS | parts
    plain = _REGEX_PART.sub(r"<\1>", route).replace("^", "").replace("$", "")
    return _PART.sub(lambda part: known.get(part[1], "1"), plain)


def _walk(resolver: Any, before: str) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        route = f"{before}{pattern.pattern}"
        if hasattr(pattern, "url_patterns"):
            yield from _walk(pattern, route)
        else:
            yield route
