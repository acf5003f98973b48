"""A price the market has left behind has no volatility, and says so: live and stored alike."""

import pytest

from tests.api.asking import Asker, Json
from tests.api.market import STRIKES, close_market, feed, ist, list_contracts, snapshot

pytestmark = pytest.mark.django_db
LEFT = 25_400.0
EARLY, LATE = ist("2026-02-02 10:00:30"), ist("2026-02-02 10:06:59.999")
CLOSED = "2026-02-02T10:07:00"


@pytest.fixture
def chains(redis_url: str, ask: Asker) -> tuple[Json, Json]:
    """The near chain live and stored; for six minutes one strike has been silent."""
    close_market()
    list_contracts()
    feed([snapshot(EARLY), snapshot(LATE, spot=25_040.0, strikes=[each for each in STRIKES if each != LEFT])])
    return ask.chains().chain, ask.chains(at=CLOSED).chain


def test_the_price_of_a_strike_left_behind_is_stale_live_and_stored(chains: tuple[Json, Json]) -> None:
    assert [chain["source"] for chain in chains] == ["live", "bars"]
    for chain in chains:
        reasons = {row["strike"]: (row["call"]["iv_reason"], row["put"]["iv_reason"]) for row in chain["strikes"]}
        assert {strike for strike, told in reasons.items() if "stale" in told} == {LEFT}
        assert reasons[LEFT] == ("stale", "stale")
        (row,) = [row for row in chain["strikes"] if row["strike"] == LEFT]
        assert (row["call"]["iv"], row["call"]["delta"], row["call"]["greeks_iv_source"]) == (None, None, None)
        assert row["call"]["age_ms"] > 300_000
        assert row["call"]["mark"] is not None
