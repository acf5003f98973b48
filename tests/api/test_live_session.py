"""What is live is of the session that has begun: what an earlier one left in Redis is not shown as of now."""

from datetime import date
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from fo_analytics.ingest.heard import Heard, write_heard
from fo_analytics.selectors import strike_distribution
from tests.api.market import FAR, NEAR, feed, forget_everything, ist, snapshot
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


LAST_OF_EXPIRY_DAY = ist("2026-02-03 15:29:50")


@pytest.fixture
def evening(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the evening of the expiry day."""
    monkeypatch.setattr(strike_distribution, "now_ms", lambda: ist("2026-02-03 18:00:00"))


def labelled(client: APIClient) -> str:
    """Return the expiry that the nearest week's label means now."""
    answer = client.get("/fo/strike-distribution?underlying=NIFTY&expiry=NWeek%2B0&levels=2").json()
    return str(answer["chains"][0]["expiry"])


@pytest.mark.usefixtures("evening")
def test_after_the_close_of_an_expiry_day_the_label_has_moved_on_although_nothing_ticks(client: APIClient) -> None:
    feed([snapshot(LAST_OF_EXPIRY_DAY)])
    write_heard(sync_client(), heard_late_by(0), shard=0)
    assert labelled(client) == str(FAR)
    assert client.get("/fo/expiries?underlying=NIFTY").json()["expiries"][0]["expiry"] == str(FAR)
    over = chain(client, NEAR)
    assert over["expired"]
    assert over["source"] == "bars"


@pytest.mark.usefixtures("evening")
def test_a_recording_of_an_expiry_day_is_as_of_its_own_ticks(client: APIClient) -> None:
    feed([snapshot(LAST_OF_EXPIRY_DAY)])
    write_heard(sync_client(), heard_late_by(86_400_000), shard=0)
    assert labelled(client) == str(NEAR)
    assert not chain(client, NEAR)["expired"]


def heard_late_by(ms: int) -> Heard:
    """Return what ingest heard where the last tick came so late."""
    stamp = LAST_OF_EXPIRY_DAY
    return Heard(exchanges={"NSE": stamp + ms}, underlyings={"NIFTY": stamp + ms}, stamps={"NIFTY": stamp})
