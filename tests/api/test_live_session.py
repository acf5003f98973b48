"""What is live is of the session that has begun: what an earlier one left in Redis is not shown as of now."""

from datetime import date
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from tests.api.market import FAR, NEAR, feed, forget_everything, ist, snapshot
from tests.rig.cast import access_token

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
