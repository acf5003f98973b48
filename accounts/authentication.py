"""How Django REST framework learns what the gate found out."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.request import Request

from accounts.gate.credentials import from_authorization
from accounts.gate.identity import Identity, identify
from accounts.principal import Principal, Refused, Unavailable


class NotKnown(APIException):
    """Who asks cannot be said now."""

    status_code = 503


class GateAuthentication(BaseAuthentication):
    """Takes the principal from the scope.

    Without the gate around it (Django's test client) it asks the same functions.
    """

    def authenticate(self, request: Request) -> tuple[Principal, None] | None:
        """Return the principal; raise AuthenticationFailed for a credential that opens nothing."""
        identity = _identity(request)
        if isinstance(identity.trouble, Unavailable):
            raise NotKnown(str(identity.trouble))
        if identity.trouble is not None:
            raise AuthenticationFailed(str(identity.trouble))
        return (identity.principal, None) if identity.principal else None

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return 'Bearer realm="tradingviz"'


def _identity(request: Request) -> Identity:
    found: Identity | None = getattr(request, "scope", {}).get("identity")
    if found is not None:
        return found
    credential = from_authorization(request.headers.get("Authorization", ""))
    try:
        return Identity(identify(credential.text) if credential else None)
    except (Refused, Unavailable) as trouble:
        return Identity(trouble=trouble)


class GateScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """What /openapi.json says of it."""

    target_class = GateAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return the scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token of /auth/token, or an API key (`tvk_...`) of /auth/api-keys.",
        }
