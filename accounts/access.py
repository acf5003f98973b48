"""Which trading accounts somebody sees, and which are theirs to change."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import AccountShare, TradingAccount


def readable_accounts(*, user_id: int) -> QuerySet[TradingAccount]:
    """Return the accounts that a user owns or that are shared with them."""
    shared = AccountShare.objects.filter(account=OuterRef("pk"), user_id=user_id)
    return TradingAccount.objects.filter(Q(owner_id=user_id) | Q(Exists(shared)))


def own_accounts(*, user_id: int) -> QuerySet[TradingAccount]:
    """Return the accounts that a user may change."""
    return TradingAccount.objects.filter(owner_id=user_id)
