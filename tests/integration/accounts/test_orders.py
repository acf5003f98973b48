"""Orders and positions as stored: the same updates end in the same rows, whatever their order and company."""

from decimal import Decimal
from itertools import permutations
from threading import Thread
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from accounts.models import Order, Position, TradingAccount, User
from accounts.selectors.orders import MOST_LIVE, Rendered, order_documents
from accounts.selectors.positions import NetPosition, net_positions, positions_of
from accounts.services.orders import AHEAD_MS, store_updates
from accounts.services.trading import Carried, replace_carried
from accounts.times import day_of, from_ms
from accounts.valuation import Quote
from tests.integration.accounts.made import DAY_MS, START, TOKEN, addressed, demo_account, filled, raw

NOW = START + 3_600_000
LIFE = [
    raw(), raw(status="PARTIAL", ts=START + 1, filled=65, average_price=171.4),
    raw(status="PARTIAL", ts=START + 2, filled=130, average_price=171.35),
    raw(status="COMPLETE", ts=START + 3, filled=195, average_price=171.3),
]  # fmt: skip
TODAY = day_of(from_ms(START))
TOMORROW = day_of(from_ms(START + DAY_MS))


@pytest.fixture
def account(owner: User) -> TradingAccount:
    """An account that the stream calls DEMO01."""
    return demo_account(owner)


@pytest.fixture(autouse=True)
def no_market(monkeypatch: pytest.MonkeyPatch) -> dict[int, Quote]:
    """What the market says of tokens."""
    quotes: dict[int, Quote] = {}

    class _Market:
        def quotes(self, tokens: Any) -> dict[int, Quote]:
            return quotes

        def is_session(self, day: Any) -> bool:
            return True

    monkeypatch.setattr("accounts.valuation._market", [_Market()])
    return quotes


def rows(model: type[Model]) -> list[dict[str, Any]]:
    """Return all rows of a table, without what is different every time."""
    found = list(model._default_manager.order_by("pk").values())
    return [{name: value for name, value in row.items() if name not in ("id", "received_at")} for row in found]


def test_any_order_of_updates_in_any_batches_ends_in_the_same_rows(account: TradingAccount) -> None:
    wanted = None
    for shuffled in permutations(LIFE):
        Order.objects.all().delete()
        Position.objects.all().delete()
        store_updates(updates=addressed(*shuffled[:2]), now_ms=NOW)
        store_updates(updates=addressed(*shuffled[2:], shuffled[0]), now_ms=NOW)
        found = (rows(Order), rows(Position))
        wanted = wanted or found
        assert found == wanted
    assert wanted is not None
    assert [(row["status"], row["filled"], row["average_price"]) for row in wanted[0]] == [
        ("COMPLETE", 195, Decimal("171.3000"))
    ]
    assert [(row["bought"], row["bought_value"]) for row in wanted[1]] == [(195, Decimal("33403.5000"))]


def test_a_repeat_writes_nothing(account: TradingAccount) -> None:
    store_updates(updates=addressed(*LIFE), now_ms=NOW)
    before = list(Order.objects.values_list("received_at"))
    stored = store_updates(updates=addressed(*LIFE), now_ms=NOW)
    assert stored.accounts == {account.pk}
    assert list(Order.objects.values_list("received_at")) == before


def test_what_is_of_nobody_or_of_the_future_is_left_out_and_the_rest_stored(account: TradingAccount) -> None:
    others = [raw(account="NOBODY"), raw(account=account.pk + 1), raw("2", ts=NOW + AHEAD_MS + 1)]
    stored = store_updates(updates=addressed(*others, raw("3", account=account.pk)), now_ms=NOW)
    assert stored.left_out == {"unknown_account": 2, "stamp_ahead": 1}
    assert list(Order.objects.values_list("account_id", "order_id")) == [(account.pk, "3")]


def test_an_account_that_is_not_active_takes_no_orders(account: TradingAccount) -> None:
    TradingAccount.objects.update(is_active=False)
    assert store_updates(updates=addressed(raw()), now_ms=NOW).left_out == {"unknown_account": 1}
    assert not Order.objects.exists()


def test_two_accounts_may_have_an_order_of_one_id(account: TradingAccount, teammate: User) -> None:
    other = demo_account(teammate, code="DEMO02")
    store_updates(updates=addressed(raw(), raw(account="DEMO02", status="REJECTED", reason="no margin")), now_ms=NOW)
    assert set(Order.objects.values_list("account_id", "status")) == {(account.pk, "OPEN"), (other.pk, "REJECTED")}


def test_the_number_of_queries_does_not_grow_with_the_updates(account: TradingAccount, teammate: User) -> None:
    demo_account(teammate, code="DEMO02")

    def count(number: int, first: int) -> int:
        ids = [str(first + place) for place in range(number)]
        updates = addressed(
            *(filled(i, 65, 100.0, account=code, token=int(i)) for i in ids for code in ("DEMO01", "DEMO02"))
        )
        with CaptureQueriesContext(
            connection,
        ) as asked:
            store_updates(updates=updates, now_ms=NOW)
        return len(asked)

    assert count(1, 10) == count(40, 100) <= 10


@pytest.mark.django_db(transaction=True)
def test_two_writers_at_once_lose_nothing(owner: User) -> None:
    demo_account(owner)

    def write(updates: list[Any]) -> None:
        for update in updates:
            store_updates(updates=addressed(update), now_ms=NOW)
        connection.close()

    several = [filled(f"f{number}", 65, 100.0 + number) for number in range(10)]
    writers = [Thread(target=write, args=(part,)) for part in (LIFE + several, [*reversed(several), *reversed(LIFE)])]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert Order.objects.get(order_id="1").status == "COMPLETE"
    assert Position.objects.get().bought == 195 + 10 * 65


# ---------------------------------------------------------------- positions


def test_net_carries_over_days_and_day_begins_anew(account: TradingAccount, no_market: dict[int, Quote]) -> None:
    no_market[TOKEN] = Quote(Decimal("112.25"), START)
    store_updates(updates=addressed(filled("1", 130, 100.0), filled("2", -65, 104.0)), now_ms=NOW)
    later = filled("3", -130, 110.0, ts=START + DAY_MS)
    store_updates(updates=addressed(later), now_ms=NOW + DAY_MS)
    first, second = (positions_of(account_id=account.pk, day=day) for day in (TODAY, TOMORROW))
    (net,) = first.net
    assert (net.open.quantity, net.realised, net.unrealised) == (65, Decimal(65 * 4), Decimal("12.25") * 65)
    (net,) = second.net
    assert (net.open.quantity, net.open.average_price, net.realised) == (-65, Decimal(110), Decimal(65 * 10))
    assert net.unrealised == Decimal("-2.25") * 65
    (day,) = second.day
    assert (day.open.quantity, day.realised, day.trades.sold) == (-130, Decimal(0), 130)
    (carried,) = positions_of(account_id=account.pk, day=day_of(from_ms(START + 2 * DAY_MS))).net
    assert (carried.open.quantity, carried.realised, carried.trades.sold) == (-65, Decimal(0), 0)


def test_a_fill_of_yesterday_that_comes_late_changes_what_today_carries(account: TradingAccount) -> None:
    late, today = filled("1", 130, 100.0), filled("2", -65, 104.0, ts=START + DAY_MS)
    store_updates(updates=addressed(today), now_ms=NOW + DAY_MS)
    store_updates(updates=addressed(late), now_ms=NOW + DAY_MS)
    in_disorder = rows(Position)
    Order.objects.all().delete()
    Position.objects.all().delete()
    store_updates(updates=addressed(late, today), now_ms=NOW + DAY_MS)
    assert sorted(rows(Position), key=str) == sorted(in_disorder, key=str)
    (net,) = positions_of(account_id=account.pk, day=TOMORROW).net
    assert (net.open.quantity, net.realised) == (65, Decimal(65 * 4))


def test_what_the_broker_says_was_carried_holds_and_fills_stay(account: TradingAccount) -> None:
    store_updates(updates=addressed(filled("1", 130, 100.0), filled("2", 65, 50.0, token=7)), now_ms=NOW)
    store_updates(updates=addressed(filled("3", -65, 104.0, ts=START + DAY_MS)), now_ms=NOW + DAY_MS)
    told = Carried(TOKEN, "NRML", "NFO", "NIFTY26NOV2426000CE", 195, Decimal("101.5"))
    replace_carried(account=account, day=TOMORROW, carried=[told])
    (net,) = (line for line in positions_of(account_id=account.pk, day=TOMORROW).net if line.open.quantity)
    assert (net.open.quantity, net.open.average_price, net.realised) == (130, Decimal("101.5"), Decimal("162.5"))
    store_updates(updates=addressed(filled("4", 65, 90.0)), now_ms=NOW + DAY_MS)  # of the day before
    (net,) = (line for line in positions_of(account_id=account.pk, day=TOMORROW).net if line.open.quantity)
    assert net.open.quantity == 130


def test_a_contract_that_has_expired_is_not_carried_on(account: TradingAccount, no_market: dict[int, Quote]) -> None:
    store_updates(updates=addressed(filled("1", 130, 100.0)), now_ms=NOW)
    no_market[TOKEN] = Quote(None, None, expiry=TODAY)
    assert len(positions_of(account_id=account.pk, day=TODAY).net) == 1
    assert positions_of(account_id=account.pk, day=TOMORROW).net == ()


def test_net_positions_are_what_is_open(account: TradingAccount) -> None:
    closed = [filled("1", 65, 100.0, token=7), filled("2", -65, 101.0, token=7)]
    store_updates(updates=addressed(*closed, filled("3", -130, 99.95)), now_ms=NOW)
    assert net_positions(account_id=account.pk) == [NetPosition(TOKEN, "NRML", -130, Decimal("99.95"))]


# ---------------------------------------------------------------- live documents


def test_the_live_document_has_the_newest_orders_of_the_day_and_counts_all(account: TradingAccount) -> None:
    many = [raw(str(number), ts=START + number) for number in range(MOST_LIVE + 5)]
    yesterday = raw("old", ts=START - DAY_MS)
    store_updates(updates=addressed(*many, yesterday, raw("0", status="CANCELLED", ts=START)), now_ms=NOW)
    with CaptureQueriesContext(connection) as asked:
        documents = order_documents(account_ids=[account.pk, account.pk + 1], day=TODAY)
    assert len(asked) == 3
    document, ts_event = documents[account.pk]
    assert document["counts"] == {
        "OPEN": MOST_LIVE + 4, "PARTIAL": 0, "COMPLETE": 0, "CANCELLED": 1, "REJECTED": 0, "total": MOST_LIVE + 5,
    }  # fmt: skip
    assert set(document["orders"]) == {str(number) for number in range(5, MOST_LIVE + 5)}
    assert ts_event == START + MOST_LIVE + 4
    assert documents[account.pk + 1][0]["orders"] == {}


def test_a_document_made_of_what_is_known_is_that_made_anew(account: TradingAccount) -> None:
    known: Rendered = {}
    steps = [[raw(str(number), ts=START + number) for number in range(MOST_LIVE)], LIFE[:2], [raw("new"), *LIFE[2:]]]
    for updates in steps:
        store_updates(updates=addressed(*updates), now_ms=NOW)
        kept = order_documents(account_ids=[account.pk], day=TODAY, known=known)
        assert kept == order_documents(account_ids=[account.pk], day=TODAY)
        assert len(known[account.pk]) == MOST_LIVE
