"""What a principal may ask for."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.principal import Principal


class HasScope(BasePermission):
    """An API key opens the views whose `required_scope` it was given; a view that names none takes tokens only.

    Of several that a view names it must have been given all.
    """

    message = "this API key was not given the scope for that"

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return whether the request may go on."""
        principal: object = request.user
        return isinstance(principal, Principal) and holds_scope(principal, getattr(view, "required_scope", None))


def holds_scope(principal: Principal, scope: str | tuple[str, ...] | None) -> bool:
    """Return whether a principal may use what asks for `scope`, or all of them; None asks for a person's token."""
    if scope is None:
        return principal.is_person
    return principal.scopes.issuperset((scope,) if isinstance(scope, str) else scope)
