"""From the simulator to chains: sessions, master, subscriptions, ingest, repair; on a Sunday."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from fo_analytics.domain.calendar import MINUTE_MS, from_ms, ist_date
from fo_analytics.models import Bar, Instrument, TradingSession, Underlying
from fo_analytics.selectors.sessions import calendar_of
from fo_analytics.services.backfill import backfill
from fo_analytics.services.ingest import make_ingest
from fo_analytics.services.simulation import prepare_simulated_market
from fo_analytics.services.subscriptions import Reconciled, reconcile_subscriptions
from fo_analytics.tasks import reconcile_subscriptions as task
from fo_analytics.topics import chain_topic
from streaming.state import read_state
from tests.integration.ingest import pipeline
from tests.integration.simulator.conftest import SUNDAY, Simulator, sunday
from tradingviz.core.redis import sync_client
from tradingviz.quickstart.processes import wait_until

pytestmark = pytest.mark.django_db
PATIENCE = 45.0
SPOT_EXPIRY = "2026-11-24"


@pytest.fixture
def ready(on_sunday: Simulator, settings: Settings) -> Simulator:
    """A simulator whose NIFTY is known and subscribed: one expiry, 6 strikes on each side."""
    settings.TICKER_SUBSCRIBE, settings.TICKER_SUBSCRIBE_LEVELS = ["NIFTY 50"], 6
    settings.TICKER_SUBSCRIBE_EXPIRIES = 1
    imported, done = prepare_simulated_market(client=on_sunday.client, now_ms=sunday(), patience_s=PATIENCE)
    assert imported.bad == ()
    assert done == Reconciled(wanted=28, added=28, removed=0, unknown=0)
    return on_sunday


def document(simulator: Simulator) -> dict[str, Any]:
    """Return the live chain of the nearest expiry, empty where there is none."""
    state = read_state(sync_client(), chain_topic("NIFTY", SPOT_EXPIRY))
    return state.document if state else {}


def test_a_chain_with_greeks_is_live_within_seconds_on_a_sunday(ready: Simulator) -> None:
    assert ist_date(from_ms(SUNDAY)).isoweekday() == 7
    service = make_ingest(shard=0, clock=sunday)

    def has_greeks() -> bool:
        service.step()
        sides = [side for row in document(ready).get("strikes", {}).values() for side in row.values()]
        return sum(side.get("delta") is not None for side in sides if isinstance(side, dict)) >= 26

    assert wait_until(has_greeks, seconds=PATIENCE, pause=0.0), document(ready)
    before = document(ready)["head"]
    assert before["forward_source"] == "parity"
    assert before["spot_contradicts_parity"] is False
    assert 0.08 < before["atm_iv"] < 0.2
    ready.switch("wrong_spot", factor=1.1)

    def contradicts() -> bool:
        service.step()
        return document(ready)["head"]["spot_contradicts_parity"] is True

    assert wait_until(contradicts, seconds=PATIENCE, pause=0.0)
    service.flush()


def test_what_a_restarted_service_forgot_is_subscribed_again_by_the_task(ready: Simulator) -> None:
    held = ready.client.subscriptions()
    ready.client.unsubscribe(held)
    assert ready.client.subscriptions() == frozenset()
    reconcile_subscriptions(client=ready.client, now_ms=sunday())
    assert ready.client.subscriptions() == held
    assert reconcile_subscriptions(client=ready.client, now_ms=sunday()) == Reconciled(28, 0, 0, 0)


def test_strikes_far_from_the_money_go_and_those_of_others_stay(ready: Simulator, settings: Settings) -> None:
    stranger = Instrument.objects.filter(underlying__symbol="ITC").values_list("token", flat=True)[0]
    far = Instrument.objects.filter(underlying__symbol="NIFTY", strike=23_500).values_list("token", flat=True)[0]
    ready.client.subscribe([stranger, far])
    settings.TICKER_SUBSCRIBE_LEVELS = 5
    done = reconcile_subscriptions(client=ready.client, now_ms=sunday())
    assert (done.wanted, done.removed) == (24, 1)  # a strike within half as far again may stay
    held = ready.client.subscriptions()
    assert stranger in held
    assert far not in held
    assert len(held) == 29


def test_what_open_legs_hold_is_sent_with_its_spot_and_future_whoever_follows_it(
    ready: Simulator, holding: dict[int, int]
) -> None:
    option = Instrument.objects.filter(underlying__symbol="ITC", kind="CE").first()
    far = Instrument.objects.get(underlying__symbol="NIFTY", expiry=SPOT_EXPIRY, strike=23_500, kind="CE")
    assert option is not None
    holding.update({option.pk: 1, far.pk: 2})
    done = reconcile_subscriptions(client=ready.client, now_ms=sunday())
    assert (done.wanted, done.added, done.removed) == (32, 4, 0)
    assert {option.token, far.token} < ready.client.subscriptions()
    assert reconcile_subscriptions(client=ready.client, now_ms=sunday()) == Reconciled(32, 0, 0, 0)
    del holding[far.pk]
    assert reconcile_subscriptions(client=ready.client, now_ms=sunday()).removed == 1


def test_a_service_that_knows_less_is_no_error(ready: Simulator) -> None:
    Instrument.objects.filter(underlying__symbol="NIFTY", kind="SPOT").update(token=17)
    done = reconcile_subscriptions(client=ready.client, now_ms=sunday())
    assert done.unknown == 1


def test_without_underlyings_in_the_settings_nobody_is_asked(db: None, settings: Settings) -> None:
    settings.TICKER_SUBSCRIBE = []
    settings.TICKER_SERVICE_URL = "http://127.0.0.1:1"
    assert task() == 0


def test_a_service_that_is_away_is_one_line_and_no_failure(
    ready: Simulator, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.TICKER_SERVICE_URL = "http://127.0.0.1:1"
    assert task() == 0
    assert [record.getMessage()[:19] for record in caplog.records] == ["subscriptions wait:"]


def test_sessions_on_both_exchanges_leave_a_minute_for_the_close(ready: Simulator) -> None:
    day = ist_date(from_ms(SUNDAY))
    assert set(TradingSession.objects.filter(date=day).values_list("exchange", "kind")) == {
        ("NSE", "simulated"),
        ("BSE", "simulated"),
    }
    session = calendar_of(exchange="BSE").session_on(day)
    assert session is not None
    assert session.minutes == 24 * 60 - 1


def test_minutes_before_the_start_are_filled_by_hand_from_the_simulators_history(ready: Simulator) -> None:
    service = make_ingest(shard=0, clock=sunday)

    def is_live() -> bool:
        service.step()
        return bool(document(ready))

    assert wait_until(is_live, seconds=PATIENCE, pause=0.0)
    service.flush()
    ready.client.unsubscribe(ready.client.subscriptions())
    nifty = Underlying.objects.get(symbol="NIFTY")
    day = ist_date(from_ms(SUNDAY))
    later = SUNDAY + 5 * MINUTE_MS
    outcomes = list(backfill(underlying=nifty, first=day, last=day, now_ms=later, client=ready.client))
    assert sum(outcome.filled for outcome in outcomes) >= 15
    pipeline.drain(service)
    minutes = set(Bar.objects.values_list("time", flat=True))
    opens = SUNDAY - 20 * MINUTE_MS
    assert {from_ms(opens + n * MINUTE_MS) for n in range(15)} <= minutes
