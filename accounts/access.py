"""Which trading accounts somebody sees, and which are theirs to change."""

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404

from accounts.models import AccountShare, TradingAccount


def readable_accounts(*, user_id: int) -> QuerySet[TradingAccount]:
    """Return the accounts that a user owns or that are shared with them."""
    shared = AccountShare.objects.filter(account=OuterRef("pk"), user_id=user_id)
    return TradingAccount.objects.filter(Q(owner_id=user_id) | Q(Exists(shared)))


def own_accounts(*, user_id: int) -> QuerySet[TradingAccount]:
    """Return the accounts that a user may change."""
    return TradingAccount.objects.filter(owner_id=user_id)


def account_to_read(*, user_id: int, account_id: int) -> TradingAccount:
    """Return an account with its owner. Raises Http404 where it is not there for the user, or for nobody."""
    account = readable_accounts(user_id=user_id).filter(pk=account_id).select_related("owner").first()
    if account is None:
        raise Http404
    return account


def account_to_change(*, user_id: int, account_id: int) -> TradingAccount:
    """Return an account of the user's. Raises PermissionDenied for one that is shared with them, else Http404."""
    account = account_to_read(user_id=user_id, account_id=account_id)
    if account.owner_id != user_id:
        raise PermissionDenied
    return account
