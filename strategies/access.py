"""Which strategies somebody sees, and which are theirs to change: what their trading accounts say."""

from django.db.models import QuerySet

from accounts.access import own_accounts, readable_accounts
from strategies.models import Strategy


def readable_strategies(*, user_id: int) -> QuerySet[Strategy]:
    """Return the strategies on accounts that a user owns or that are shared with them."""
    return Strategy.objects.filter(account__in=readable_accounts(user_id=user_id))


def own_strategies(*, user_id: int) -> QuerySet[Strategy]:
    """Return the strategies that a user may change."""
    return Strategy.objects.filter(account__in=own_accounts(user_id=user_id))
