"""What is live is of the session that has begun: what an earlier one left in Redis is not shown as of now."""

from datetime import date
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from fo_analytics.models import Instrument
from fo_analytics.services.ingest import make_ingest
from streaming.ticker.stream import TickProducer
from tests.api.market import FAR, NEAR, feed, forget_everything, ist, snapshot, take_in
from tests.rig.cast import access_token
from tradingviz.core.redis import sync_client

YESTERDAY = ist("2026-02-02 15:20:00")


@pytest.fixture
def client(owner: User, redis_url: str) -> APIClient:
    """Somebody with a token, before anything was heard."""
    forget_everything()
    found = APIClient()
    found.credentials(HTTP_AUTHORIZATION=f"Bearer {access_token(owner)}")
    return found


def chain(client: APIClient, expiry: date, path: str = "/fo/strike-distribution") -> dict[str, Any]:
    """Return the live chain of an expiry."""
    answer = client.get(f"{path}?underlying=NIFTY&expiry={expiry}&levels=2").json()
    found: dict[str, Any] = answer["chains"][0]
    return found


def test_a_chain_that_did_not_tick_today_is_not_yesterdays(client: APIClient) -> None:
    feed([snapshot(YESTERDAY)])
    assert chain(client, FAR)["source"] == "live"
    feed([snapshot(ist("2026-02-03 09:20:00"), expiries=(NEAR,))])
    assert chain(client, NEAR)["source"] == "live"
    silent = chain(client, FAR)
    assert silent["source"] == "bars"
    assert {row[side]["last"] for row in silent["strikes"] for side in ("call", "put")} == {None}


def test_a_chain_whose_expiry_has_passed_has_expired(client: APIClient) -> None:
    feed([snapshot(ist("2026-02-03 15:29:50"))])
    assert not chain(client, NEAR)["expired"]
    feed([snapshot(ist("2026-02-04 09:20:00"), expiries=(FAR,))])
    over = chain(client, NEAR)
    assert over["expired"]
    assert {row[side]["iv"] for row in over["strikes"] for side in ("call", "put") if side in row} <= {None}


def test_after_the_close_the_session_that_ended_is_what_is_live(client: APIClient) -> None:
    feed([snapshot(YESTERDAY), snapshot(ist("2026-02-02 15:29:50"))])
    assert {chain(client, expiry)["source"] for expiry in (NEAR, FAR)} == {"live"}


def offer(expiry: date, ts: int, *later: int) -> None:
    """Feed the book of the call at 25,000 rupees, and its best quote once more at later instants."""
    levels = [(99.0, 650, 4), (98.5, 650, 4)], [(101.0, 650, 4), (101.5, 650, 4)]
    token = Instrument.objects.get(expiry=expiry, strike=25_000, kind="CE").token
    producer = TickProducer(sync_client())
    for at, depth in ((ts, levels), *((at, None) for at in later)):
        producer.send([(token, at, 100.0, None, None, 99.0, 650.0, 101.0, 650.0, depth)])
    take_in(make_ingest(shard=0), producer)


def book(client: APIClient, expiry: date) -> dict[str, Any]:
    """Return the live book of the call at 25,000 rupees, with what is said of all books."""
    answer = client.get(f"/fo/depth?underlying=NIFTY&expiry={expiry}&option_side=call").json()
    (row,) = [row for row in answer.pop("contracts") if row["strike"] == 25_000]
    return {**answer, **row}


def test_a_book_of_yesterday_is_not_todays(client: APIClient) -> None:
    feed([snapshot(YESTERDAY)])
    offer(NEAR, YESTERDAY + 1_000)
    shown = book(client, NEAR)
    assert (shown["source"], len(shown["bids"]), shown["depth_since"] > 0) == ("depth", 2, True)
    assert chain(client, NEAR)["strikes"][2]["call"]["depth"]["source"] == "depth"
    feed([snapshot(ist("2026-02-03 09:20:00"))])
    assert chain(client, NEAR)["strikes"][2]["call"]["depth"]["source"] == "quote"
    shown = book(client, NEAR)
    assert (shown["source"], shown["depth_since"], shown["depth_seq"]) == ("quote", None, None)
    assert (len(shown["bids"]), shown["ts"]) == (1, ist("2026-02-03 09:20:00"))


def test_a_book_of_yesterday_of_a_contract_not_quoted_today_is_not_todays(client: APIClient) -> None:
    feed([snapshot(YESTERDAY)])
    offer(NEAR, YESTERDAY + 1_000)
    feed([snapshot(ist("2026-02-03 09:20:00"), strikes=[25_100.0, 25_200.0, 25_300.0], expiries=(NEAR,))])
    shown = book(client, NEAR)
    assert (shown["source"], shown["bids"], shown["ts"]) == (None, [], None)


@pytest.mark.parametrize(("seconds", "source"), [(60, "depth"), (61, "quote")])
def test_a_book_whose_best_prices_are_said_again_without_one_holds_for_a_minute(
    client: APIClient, seconds: int, source: str
) -> None:
    feed([snapshot(YESTERDAY)])
    offer(NEAR, YESTERDAY, YESTERDAY + seconds * 1000)
    shown = book(client, NEAR)
    assert (shown["source"], shown["source_reason"]) == (source, None if source == "depth" else "outdated")
