"""Valuing a chain: marks, where the forward comes from, whose volatility the Greeks use, conventions, expiry."""

import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from fo_analytics.domain.calendar import to_ms
from fo_analytics.domain.chain import (
    Convention,
    IvSource,
    MarkSource,
    Quotes,
    Terms,
    marks,
    spot_is_contradicted,
    value_chain,
)
from fo_analytics.domain.chain import parity_forward as parity
from fo_analytics.domain.pricing import Reason, price

NAN = math.nan
EXPIRY = to_ms(datetime(2026, 2, 3, 10, 0, tzinfo=UTC))
HOUR = 3_600_000
STRIKES = np.arange(24_700.0, 25_301.0, 100.0)
FORWARD, SIGMA, RATE = 25_013.0, 0.14, 0.065
SIDES = np.array([[True], [False]])


def fair(as_of: int, *, forward: float = FORWARD, rate: float = RATE) -> np.ndarray:
    """Return prices (2, k) of the model."""
    return np.asarray(price(forward, STRIKES, (EXPIRY - as_of) / (365 * 24 * HOUR), SIGMA, SIDES, rate=rate))


def quotes(as_of: int, **changes: object) -> Quotes:
    """Return a chain at model prices, last prices only."""
    shape = (2, len(STRIKES))
    absent, none = np.full(shape, NAN), np.zeros(shape, np.int64)
    base = Quotes(
        strike=STRIKES, listed=np.full(shape, True), tick_size=np.full(shape, 0.05), last=fair(as_of), last_ts=none,
        bid=absent, bid_qty=absent, ask=absent, ask_qty=absent, quote_ts=none, volume=absent, oi=absent, oi_ts=none,
        future=NAN, spot=NAN, spot_ts=0,
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def one(last: float, bid: float, ask: float) -> tuple[float, int]:
    """Return mark and source of a single contract."""
    columns = {"last": last, "bid": bid, "ask": ask}
    shape = {name: np.full((2, len(STRIKES)), value) for name, value in columns.items()}
    mark, source = marks(quotes(EXPIRY - HOUR, **shape))
    return float(mark[0, 0]), int(source[0, 0])


@pytest.mark.parametrize(
    ("last", "bid", "ask", "mark", "source"),
    [
        (10.0, 9.0, 10.5, 9.75, MarkSource.MID),
        (10.0, 8.0, 10.0, 10.0, MarkSource.LAST),  # apart by 22 % of the mid
        (10.0, 10.1, 14.0, 10.1, MarkSource.LAST),  # clamped up to the bid
        (10.0, 5.0, 9.0, 9.0, MarkSource.LAST),  # clamped down to the ask
        (0.10, 0.05, 0.15, 0.10, MarkSource.MID),  # wide in per cent, but two ticks
        (0.10, 0.05, 0.20, 0.10, MarkSource.LAST),  # three ticks
        (10.0, 11.0, 10.5, 10.0, MarkSource.LAST),  # crossed
        (10.0, NAN, 9.0, 9.0, MarkSource.LAST),
        (10.0, 12.0, NAN, 12.0, MarkSource.LAST),
        (NAN, 9.0, 9.1, 9.05, MarkSource.MID),
        (NAN, 9.0, NAN, NAN, MarkSource.NONE),
        (NAN, NAN, NAN, NAN, MarkSource.NONE),
    ],
)
def test_the_mark_is_the_mid_of_tight_quotes_or_the_clamped_last(
    last: float, bid: float, ask: float, mark: float, source: MarkSource
) -> None:
    found, found_source = one(last, bid, ask)
    assert found == pytest.approx(mark, nan_ok=True)
    assert found_source == source


def test_a_chain_at_model_prices_gives_the_model_back() -> None:
    as_of = EXPIRY - 48 * HOUR
    value = value_chain(quotes(as_of), Terms(as_of, EXPIRY, RATE))
    assert value.forward.source == "parity"
    assert value.forward.value == pytest.approx(FORWARD, rel=1e-12)
    np.testing.assert_allclose(value.iv, SIGMA, rtol=1e-7)
    assert (value.greeks_iv_source[1, STRIKES <= FORWARD] == IvSource.OWN).all()
    assert (value.greeks_iv_source[0, STRIKES <= FORWARD] == IvSource.OTHER_SIDE).all()
    np.testing.assert_allclose(value.greeks.delta[0] - value.greeks.delta[1], 1.0, rtol=1e-9)


def test_a_price_below_intrinsic_has_a_reason_and_the_other_sides_greeks() -> None:
    as_of = EXPIRY - 48 * HOUR
    last = fair(as_of)
    last[0, 0] = 250.0  # a deep call below its intrinsic value of some 313
    value = value_chain(quotes(as_of, last=last), Terms(as_of, EXPIRY, RATE))
    assert math.isnan(value.iv[0, 0])
    assert value.iv_reason[0, 0] == Reason.BELOW_INTRINSIC
    assert value.greeks_iv_source[0, 0] == IvSource.OTHER_SIDE
    assert value.greeks.delta[0, 0] == pytest.approx(value.greeks.delta[1, 0] + 1)


def test_greeks_fall_back_to_the_side_in_the_money() -> None:
    as_of = EXPIRY - 48 * HOUR
    last = fair(as_of)
    last[1, 0] = NAN
    value = value_chain(quotes(as_of, last=last), Terms(as_of, EXPIRY, RATE))
    assert value.greeks_iv_source[0, 0] == IvSource.OWN
    assert value.greeks_iv_source[1, 0] == IvSource.OTHER_SIDE
    assert value.iv_reason[1, 0] == Reason.NO_PRICE


def test_without_any_price_of_a_strike_its_greeks_are_unknown() -> None:
    as_of = EXPIRY - 48 * HOUR
    last = fair(as_of)
    last[:, 3] = NAN
    value = value_chain(quotes(as_of, last=last), Terms(as_of, EXPIRY, RATE))
    assert np.isnan(value.greeks.delta[:, 3]).all()
    assert (value.greeks_iv_source[:, 3] == IvSource.NONE).all()


def test_at_the_expiry_instant_everything_has_expired() -> None:
    value = value_chain(quotes(EXPIRY - HOUR), Terms(EXPIRY, EXPIRY, RATE))
    assert (value.iv_reason == Reason.EXPIRED).all()
    assert np.isnan(value.greeks.delta).all()
    assert value.forward.source == "parity"


def test_a_millisecond_before_expiry_counts_as_a_second() -> None:
    value = value_chain(quotes(EXPIRY - HOUR), Terms(EXPIRY - 1, EXPIRY, RATE))
    assert value.years == 1 / (365 * 86_400)


def test_without_pairs_the_future_is_the_forward_and_without_a_future_the_spot() -> None:
    as_of = EXPIRY - 48 * HOUR
    last = fair(as_of)
    last[1] = NAN
    market = quotes(as_of, last=last, future=25_020.0, spot=25_000.0, spot_ts=as_of - 60_000)
    terms = Terms(as_of, EXPIRY, RATE)
    assert value_chain(market, terms).forward[:2] == (25_020.0, "future")
    spot_only = value_chain(replace(market, future=NAN), terms).forward
    assert spot_only.source == "spot"
    assert spot_only.value == pytest.approx(25_000 * math.exp(RATE * 48 / (365 * 24)))


@pytest.mark.parametrize(("seconds", "quoted", "fresh"), [(60, False, True), (61, False, False), (61, True, True)])
def test_a_pair_is_of_now_for_a_minute_after_its_older_mark(seconds: int, quoted: bool, fresh: bool) -> None:
    """A last price between quotes (too far apart to be a mid) is as new as the quotes."""
    as_of = EXPIRY - 48 * HOUR
    last, last_ts, quote_ts = fair(as_of), np.full((2, len(STRIKES)), as_of - 120_000), np.zeros((2, 7), np.int64)
    last_ts[:, :3], last_ts[1, :3] = as_of, as_of - seconds * 1000
    quote_ts[:, :3] = as_of if quoted else 0
    last[0, 3:] += 40.0
    wide = {"bid": last * 0.5, "ask": last * 1.5} if quoted else {}
    market = quotes(as_of, last=last, last_ts=last_ts, quote_ts=quote_ts, **wide)
    found = value_chain(market, Terms(as_of, EXPIRY, RATE)).forward
    assert (found.pairs == 3) is fresh
    assert (abs(found.value - FORWARD) < 1e-6) is fresh


def test_a_mid_on_one_side_only_is_no_pair_of_mids() -> None:
    as_of = EXPIRY - 48 * HOUR
    last = fair(as_of)
    last[:, :2] += np.array([[40.0], [0.0]])
    bid, ask = last - 0.05, last + 0.05
    bid[1, 2:] = NAN
    found = value_chain(quotes(as_of, last=last, bid=bid, ask=ask), Terms(as_of, EXPIRY, RATE)).forward
    assert found.pairs == 7
    assert found.value == pytest.approx(FORWARD, abs=1e-6)


def test_a_spot_older_than_a_minute_is_none() -> None:
    as_of = EXPIRY - 48 * HOUR
    last = np.full((2, len(STRIKES)), NAN)
    market = quotes(as_of, last=last, spot=25_000.0, spot_ts=as_of - 60_001)
    value = value_chain(market, Terms(as_of, EXPIRY, RATE))
    assert value.forward.source == "none"
    assert math.isnan(value.spot)


@pytest.mark.parametrize(("spot", "contradicted"), [(25_000.0, False), (24_400.0, True), (59_753.2, True)])
def test_a_spot_two_per_cent_off_parity_is_contradicted(spot: float, contradicted: bool) -> None:
    as_of = EXPIRY - 48 * HOUR
    market, terms = quotes(as_of, spot=spot, spot_ts=as_of), Terms(as_of, EXPIRY, RATE)
    assert spot_is_contradicted(parity(market, terms), market, terms) is contradicted


def test_a_contradicted_spot_is_used_for_nothing() -> None:
    as_of = EXPIRY - 48 * HOUR
    market = quotes(as_of, last=np.full((2, len(STRIKES)), NAN), spot=59_753.2, spot_ts=as_of)
    for convention in Convention:
        value = value_chain(market, Terms(as_of, EXPIRY, RATE, convention, spot_is_trusted=False))
        assert value.forward.source == "none"


def test_the_exchanges_convention_uses_cash_spot_ten_per_cent_and_whole_days() -> None:
    as_of = EXPIRY - 100 * HOUR  # 30-Jan-2026 11:30 IST: four calendar days
    years, spot = 4 / 365, 24_950.0
    last = np.asarray(price(spot * math.exp(0.10 * years), STRIKES, years, SIGMA, SIDES, rate=0.10))
    market = quotes(as_of, last=last, spot=spot, spot_ts=as_of)
    value = value_chain(market, Terms(as_of, EXPIRY, RATE, Convention.NSE))
    np.testing.assert_allclose(value.iv, SIGMA, rtol=1e-7)


def test_the_exchanges_convention_says_no_spot_and_expired_on_the_last_day() -> None:
    as_of = EXPIRY - 48 * HOUR
    value = value_chain(quotes(as_of), Terms(as_of, EXPIRY, RATE, Convention.NSE))
    assert (value.iv_reason == Reason.NO_SPOT).all()
    last_day = quotes(EXPIRY - HOUR, spot=25_000.0, spot_ts=EXPIRY - HOUR)
    value = value_chain(last_day, Terms(EXPIRY - HOUR, EXPIRY, RATE, Convention.NSE))
    assert (value.iv_reason == Reason.EXPIRED).all()
