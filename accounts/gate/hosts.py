"""Whether a request means this service: its Host is a name of ours. Pure."""

from collections.abc import Sequence
from typing import Any

from django.http.request import split_domain_port, validate_host

from accounts.gate.credentials import header


def is_own(scope: Any, allowed: Sequence[str]) -> bool:
    """Return whether a request's host is one of ALLOWED_HOSTS; who names none means the address that it came to."""
    server = scope.get("server") or ("", None)
    domain, _ = split_domain_port(header(scope["headers"], b"host") or str(server[0]))
    return bool(domain) and validate_host(domain, allowed)
