"""What follows from a change of a user or a key, whoever makes it: memories end, some changes are recorded."""

from functools import partial
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db import transaction
from django.db.models.signals import post_delete, post_save, pre_save
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from accounts import audit
from accounts.api_keys import keys
from accounts.audit import Kind
from accounts.models import ApiKey, User
from accounts.standing import standings

ADMIN_LOGIN = "/admin/login/"


def connect() -> None:
    """Connect all of them."""
    pre_save.connect(note_what_changes, sender=User)
    post_save.connect(user_changed, sender=User)
    post_delete.connect(forget_user, sender=User)
    post_save.connect(forget_key, sender=ApiKey)
    post_delete.connect(forget_key, sender=ApiKey)
    pre_save.connect(keep_no_token, sender=OutstandingToken)
    user_logged_in.connect(signed_in_to_admin)
    user_login_failed.connect(sign_in_failed)


def note_what_changes(instance: User, **rest: Any) -> None:
    """Remember on a user that is about to be saved what is going to be recorded."""
    changes: list[Kind] = []
    if instance.has_new_password:
        changes.append(Kind.PASSWORD_CHANGED)
    if instance.will_be_deactivated:
        changes.append(Kind.USER_DEACTIVATED)
    vars(instance)["_changes"] = changes


def user_changed(instance: User, **rest: Any) -> None:
    """Forget what is remembered of a user, and record what has changed."""
    forget_user(instance)
    for kind in vars(instance).pop("_changes", ()):
        audit.record(kind, user=instance)


def forget_user(instance: User, **rest: Any) -> None:
    """Forget what is remembered of a user: now, and once others can see the change."""
    forget = partial(standings.forget, instance.pk)
    forget()
    transaction.on_commit(forget)


def forget_key(instance: ApiKey, **rest: Any) -> None:
    """Forget what is remembered of a key: now, and once others can see the change."""
    forget = partial(keys.forget, instance.prefix)
    forget()
    transaction.on_commit(forget)


def keep_no_token(instance: OutstandingToken, **rest: Any) -> None:
    """Store of a token its id and its end, and not the text that opens doors: staff can read that table."""
    instance.token = ""


def signed_in_to_admin(request: HttpRequest, user: User, **rest: Any) -> None:
    """Record it; only the admin starts sessions."""
    audit.record(Kind.ADMIN_SIGNED_IN, request=request, user=user)


def sign_in_failed(credentials: dict[str, Any], request: HttpRequest | Request | None = None, **rest: Any) -> None:
    """Record who was tried, in the admin or for a token."""
    at_admin = getattr(request, "path", "") == ADMIN_LOGIN
    kind = Kind.ADMIN_SIGN_IN_FAILED if at_admin else Kind.SIGN_IN_FAILED
    audit.record(kind, request=request, username=str(credentials.get("username", "")))
