"""What happened to somebody's access, written down for staff."""

import logging
import re

from django.db import Error as DatabaseError
from django.db import transaction
from django.http import HttpRequest
from rest_framework.request import Request

from accounts.models import SecurityEvent, User
from accounts.principal import Principal

logger = logging.getLogger(__name__)

Kind = SecurityEvent.Kind
Detail = str | int | None | list[str]
AnyRequest = HttpRequest | Request

# Somebody pastes a token where a user name belongs: what looks like a credential of ours is not kept.
_CREDENTIAL = re.compile(r"eyJ[\w-]{5,}\.[\w-]*\.?[\w-]*|tvk_\w{8}_[\w-]+")
_LONGEST = 150


def record(
    kind: Kind,
    *,
    request: AnyRequest | None = None,
    user: User | Principal | None = None,
    username: str = "",
    **details: Detail,
) -> None:
    """Store an event of a user, or of a name that somebody gave; the request tells address and request id.

    `details` are plain facts: never pass a password, token or key. Raises nothing of the database: without it the event
    is in the log.
    """
    event = SecurityEvent(
        kind=kind,
        user_id=user.pk if user else None,
        username=_clean(username or (user.username if user else "")),
        address=address_of(request)[:45],
        request_id=_request_id(request),
        details={name: _cleaned(value) for name, value in details.items()},
    )
    try:
        with transaction.atomic():
            event.save(force_insert=True)
    except DatabaseError as error:
        _log(event, error)


def address_of(request: AnyRequest | None) -> str:
    """Return the address a request comes from, empty where it is not known."""
    return str(request.META.get("REMOTE_ADDR") or "") if request else ""


def _request_id(request: AnyRequest | None) -> str:
    """Return the name that the gate gave the request."""
    return str(getattr(request, "scope", {}).get("request_id", ""))[:64]


def _cleaned(value: Detail) -> Detail:
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return _clean(value) if isinstance(value, str) else value


def _clean(text: str) -> str:
    """Return a text without credentials, and without what PostgreSQL cannot store, not too long."""
    return _CREDENTIAL.sub("[credential]", text).replace("\x00", "")[:_LONGEST]


def _log(event: SecurityEvent, error: Exception) -> None:
    fields = {name: getattr(event, name) for name in ("kind", "user_id", "username", "address", "details")}
    logger.error("a security event could not be stored", extra={**fields, "error": type(error).__name__})
