"""Keeps Daphne from storing what no request may have.

Daphne hands a request over when all of its body is there, and Twisted writes as much of it to the disk as anybody
sends. Here what passes the limit is not kept; one byte more than allowed is, so that the gate still refuses it.
"""

import sys
from typing import Any

from django.conf import settings

_SERVER = "daphne.http_protocol"


def bound_bodies() -> None:
    """Bound the bodies of this process's requests by MAX_REQUEST_BYTES, where Daphne serves them."""
    if _SERVER not in sys.modules:
        return
    request = sys.modules[_SERVER].WebRequest
    keep = request.handleContentChunk

    def keep_what_is_allowed(self: Any, data: bytes) -> None:
        left = settings.MAX_REQUEST_BYTES + 1 - self.content.tell()
        if left > 0:
            keep(self, data[:left])

    request.handleContentChunk = keep_what_is_allowed
