"""What changes trading accounts: the accounts themselves, whom they are shared with, what a broker's sync replaces."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from secrets import token_urlsafe
from typing import Any

from django.db import IntegrityError, transaction

from accounts.encryption import encrypt, renewed
from accounts.models import AccountShare, AccountSnapshot, Funds, Holding, Position, TradingAccount, User
from accounts.services.positions import Touched, left_of, recount
from tradingviz.core.errors import InvalidRequest

# One user's at most, and of one account's shares.
MOST_ACCOUNTS = 100
MOST_SHARES = 50
# What the simulator calls the accounts whose orders it makes.
DEMO_CODES = ("DEMO01", "DEMO02", "DEMO03")


@dataclass(frozen=True, slots=True)
class Carried:
    """What the broker says was carried into a day: units, negative for short, and rupees a unit."""

    token: int
    product: str
    exchange: str
    tradingsymbol: str
    quantity: int
    average_price: Decimal


def create_account(
    *, owner_id: int, name: str, broker: str, client_code: str = "", credentials: Mapping[str, str] | None = None
) -> tuple[TradingAccount, str]:
    """Make an account; return it with the secret of its postbacks, which nobody can tell again.

    Raises InvalidRequest for a name that the owner has given already, and for one account too many.
    """
    if TradingAccount.objects.filter(owner_id=owner_id).count() >= MOST_ACCOUNTS:
        raise InvalidRequest(f"at most {MOST_ACCOUNTS} accounts", field="name")
    secret = _new_secret()
    account = TradingAccount(
        owner_id=owner_id,
        name=name,
        broker=broker,
        client_code=client_code,
        credentials=_closed(credentials),
        postback_secret=encrypt(secret),
    )
    _save(account)
    return account, secret


def give_demo_accounts(*, owner: User) -> None:
    """Make the accounts that the simulator has orders of, where they are not there yet: the owner's, to begin with."""
    for code in DEMO_CODES:
        if not TradingAccount.objects.filter(feed_code=code).exists():
            names = {"name": f"Demo {code[-2:]}", "broker": "simulator", "client_code": code, "feed_code": code}
            TradingAccount.objects.create(owner=owner, postback_secret=encrypt(_new_secret()), **names)


def update_account(*, account: TradingAccount, **changed: Any) -> TradingAccount:
    """Change some of `name`, `broker`, `client_code`, `is_active` and `credentials`. Raises InvalidRequest."""
    if "credentials" in changed:
        changed["credentials"] = _closed(changed["credentials"])
    for name, value in changed.items():
        setattr(account, name, value)
    _save(account, list(changed))
    return account


def delete_account(*, account: TradingAccount) -> None:
    """Delete an account and all that is kept of it; strategies on it go along."""
    with transaction.atomic():
        AccountSnapshot.objects.filter(account_id=account.pk).delete()
        account.delete()


def renew_secret(*, account: TradingAccount) -> str:
    """Return a new secret for postbacks; the old one signs nothing any more."""
    secret = _new_secret()
    TradingAccount.objects.filter(pk=account.pk).update(postback_secret=encrypt(secret))
    return secret


def share(*, account: TradingAccount, username: str) -> AccountShare:
    """Let somebody read an account; safe to repeat. Raises InvalidRequest where there is nobody of that name."""
    user = User.objects.filter(username=username, is_active=True).exclude(pk=account.owner_id).first()
    if user is None:
        raise InvalidRequest("there is nobody else of that name", field="username")
    if account.shares.exclude(user=user).count() >= MOST_SHARES:
        raise InvalidRequest(f"at most {MOST_SHARES} users", field="username")
    return AccountShare.objects.get_or_create(account=account, user=user)[0]


def unshare(*, account: TradingAccount, username: str) -> bool:
    """Take a share back; open subscriptions end within seconds. Return whether there was one."""
    return bool(account.shares.filter(user__username=username).delete()[0])


def replace_holdings(*, account: TradingAccount, holdings: Sequence[Mapping[str, Any]]) -> None:
    """Make an account's holdings those that the broker told. Raises InvalidRequest for one told twice."""
    named = {(one["exchange"], one["tradingsymbol"]) for one in holdings}
    if len(named) < len(holdings):
        raise InvalidRequest("a holding is told twice", field="holdings")
    with transaction.atomic():
        _lock(account)
        account.holdings.all().delete()
        Holding.objects.bulk_create([Holding(account=account, **one) for one in holdings])


def replace_funds(*, account: TradingAccount, **amounts: Decimal) -> Funds:
    """Make an account's funds those that the broker told, in rupees."""
    return Funds.objects.update_or_create(account=account, defaults=amounts)[0]


def replace_carried(*, account: TradingAccount, day: date, carried: Sequence[Carried]) -> None:
    """Make what was carried into a day what the broker told; of anything else nothing was. Fills stay.

    Raises InvalidRequest for a contract told twice.
    """
    told = {(one.token, one.product): one for one in carried}
    if len(told) < len(carried):
        raise InvalidRequest("a position is told twice", field="positions")
    with transaction.atomic():
        _lock(account)
        newest = Position.objects.filter(account=account, date__lte=day).order_by("token", "product", "-date")
        held = {(row.token, row.product): row for row in newest.distinct("token", "product")}
        untold = [row for key, row in held.items() if key not in told and (row.date == day or left_of(row).quantity)]
        rows = [_row(account, day, one) for one in told.values()] + [_nothing(row, day) for row in untold]
        Position.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["account", "token", "product", "date"],
            update_fields=["exchange", "tradingsymbol", "overnight_quantity", "overnight_cost", "overnight_given"],
        )
        touched = Touched()
        for row in rows:
            touched.add(row, [day])
        recount(touched=touched)


def close_anew() -> int:
    """Close what is secret of every account with the newest key; return of how many.

    Raises Unreadable, and changes none then.
    """
    with transaction.atomic():
        accounts = list(TradingAccount.objects.select_for_update())
        for account in accounts:
            account.credentials = account.credentials and renewed(account.credentials)
            account.postback_secret = account.postback_secret and renewed(account.postback_secret)
        TradingAccount.objects.bulk_update(accounts, ["credentials", "postback_secret"], batch_size=500)
    return len(accounts)


def _row(account: TradingAccount, day: date, one: Carried) -> Position:
    return Position(
        account=account,
        date=day,
        token=one.token,
        product=one.product,
        exchange=one.exchange,
        tradingsymbol=one.tradingsymbol,
        overnight_quantity=one.quantity,
        overnight_cost=one.quantity * one.average_price,
        overnight_given=True,
    )


def _nothing(row: Position, day: date) -> Position:
    names = {name: getattr(row, name) for name in ("account_id", "token", "product", "exchange", "tradingsymbol")}
    return Position(date=day, overnight_given=True, **names)


def _lock(account: TradingAccount) -> None:
    """Let nobody else write what the account holds until the transaction ends."""
    TradingAccount.objects.select_for_update(no_key=True).get(pk=account.pk)


def _save(account: TradingAccount, changed: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            account.save(update_fields=changed)
    except IntegrityError as error:
        raise InvalidRequest("you have an account of that name", field="name") from error


def _closed(credentials: Mapping[str, str] | None) -> str:
    return encrypt(json.dumps(credentials)) if credentials else ""


def _new_secret() -> str:
    return token_urlsafe(32)
