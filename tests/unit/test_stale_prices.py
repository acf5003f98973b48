"""A price of another market than the forward's implies no volatility, however right it was in its time."""

import math
from dataclasses import replace

import numpy as np
import pytest

from fo_analytics.domain.chain import Convention, IvSource, Quotes, Terms, Valuation, value_chain
from fo_analytics.domain.pricing import Reason, price

NAN = math.nan
NOW = 1_770_000_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
EXPIRY = NOW + 2 * DAY
LIMIT = 5 * MINUTE
STRIKES = np.arange(24_700.0, 25_301.0, 100.0)
FORWARD, SIGMA, RATE = 25_013.0, 0.14, 0.065
SIDES = np.array([[True], [False]])
CALL, PUT = 0, 1
OTM_PUT = (PUT, 1)


def fair(forward: float = FORWARD) -> np.ndarray:
    """Return prices (2, k) of the model."""
    return np.asarray(price(forward, STRIKES, (EXPIRY - NOW) / (365 * DAY), SIGMA, SIDES, rate=RATE))


def quotes(**changes: object) -> Quotes:
    """Return a chain of last prices of now."""
    absent, now = np.full((2, len(STRIKES)), NAN), np.full((2, len(STRIKES)), NOW)
    base = Quotes(
        strike=STRIKES, listed=np.full(now.shape, True), tick_size=np.full(now.shape, 0.05), last=fair(), last_ts=now,
        bid=absent, bid_qty=absent, ask=absent, ask_qty=absent, quote_ts=np.zeros_like(now), volume=absent, oi=absent,
        oi_ts=now, future=NAN, spot=NAN, spot_ts=0,
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def but(values: np.ndarray, at: tuple[int, int], value: float) -> np.ndarray:
    """Return values with another one at a place."""
    changed = values.copy()
    changed[at] = value
    return changed


def valued(given: Quotes, *, as_of: int = NOW, convention: Convention = Convention.EXACT) -> Valuation:
    return value_chain(given, Terms(as_of, EXPIRY, RATE, convention))


def aged(at: tuple[int, int], age: int, *, last: float | None = None) -> Quotes:
    """Return the chain with one last price of an age."""
    base = quotes()
    return replace(
        base,
        last_ts=but(base.last_ts, at, NOW - age),
        last=base.last if last is None else but(base.last, at, last),
    )


@pytest.mark.parametrize(("age", "reason"), [(0, Reason.NONE), (LIMIT, Reason.NONE), (LIMIT + 1, Reason.STALE)])
def test_a_last_price_counts_for_five_minutes(age: int, reason: Reason) -> None:
    found = valued(aged(OTM_PUT, age))
    assert found.iv_reason[OTM_PUT] == reason
    assert np.isnan(found.iv[OTM_PUT]) == (reason is Reason.STALE)
    assert (np.delete(found.iv_reason.ravel(), len(STRIKES) + 1) == Reason.NONE).all()


def test_a_price_of_hours_ago_does_not_override_the_other_sides_greeks() -> None:
    dear = float(fair(FORWARD - 300)[OTM_PUT])
    found, right = valued(aged(OTM_PUT, 3 * HOUR, last=dear)), valued(quotes())
    assert found.iv_reason[OTM_PUT] == Reason.STALE
    for greek, expected in zip(found.greeks, right.greeks, strict=True):
        np.testing.assert_allclose(greek[:, 1], expected[:, 1], rtol=1e-6)
    assert (found.greeks_iv_source[CALL, 1], found.greeks_iv_source[OTM_PUT]) == (IvSource.OWN, IvSource.OTHER_SIDE)
    assert found.mark[OTM_PUT] == dear


def test_where_both_sides_are_of_hours_ago_there_are_no_greeks() -> None:
    base = quotes()
    old = but(but(base.last_ts, (CALL, 1), NOW - HOUR), OTM_PUT, NOW - HOUR)
    found = valued(replace(base, last_ts=old))
    assert found.iv_reason[:, 1].tolist() == [Reason.STALE, Reason.STALE]
    assert np.isnan(found.greeks.delta[:, 1]).all()
    assert not np.isnan(found.greeks.delta[:, 2]).any()


def test_an_old_price_below_intrinsic_value_is_old_first_of_all() -> None:
    at = (CALL, 0)
    found = valued(aged(at, HOUR, last=200.0))
    assert found.iv_reason[at] == Reason.STALE
    assert valued(aged(at, 0, last=200.0)).iv_reason[at] == Reason.BELOW_INTRINSIC


@pytest.mark.parametrize(
    ("bid", "ask", "quote_age", "reason"),
    [
        (-0.5, 0.5, 0, Reason.NONE),  # a mid of now
        (-0.5, 0.5, HOUR, Reason.STALE),  # a mid of an hour ago
        (-15.0, 15.0, 0, Reason.STALE),  # too wide: the last price, which is inside
        (1.0, NAN, 0, Reason.NONE),  # the last price is held at the bid of now
        (0.0, NAN, 0, Reason.NONE),  # and where it is just there
        (1.0, NAN, HOUR, Reason.STALE),  # held at a bid as old as itself
    ],
)
def test_a_price_is_as_old_as_what_it_is_made_of(bid: float, ask: float, quote_age: int, reason: Reason) -> None:
    given, fair_one = aged(OTM_PUT, HOUR), float(fair()[OTM_PUT])
    given = replace(
        given,
        bid=but(given.bid, OTM_PUT, fair_one + bid),
        ask=but(given.ask, OTM_PUT, fair_one + ask),
        quote_ts=but(given.quote_ts, OTM_PUT, NOW - quote_age),
    )
    assert valued(given).iv_reason[OTM_PUT] == reason


@pytest.mark.parametrize("later", [0, HOUR, DAY])
def test_a_chain_that_fell_silent_as_a_whole_keeps_its_volatilities(later: int) -> None:
    found = valued(quotes(), as_of=NOW + later)
    assert (found.iv_reason == Reason.NONE).all()


def test_one_contract_that_ticks_on_makes_no_other_price_old() -> None:
    alone = np.full((2, len(STRIKES)), NOW - HOUR)
    found = valued(quotes(last_ts=but(alone, OTM_PUT, NOW)))
    assert (found.iv_reason == Reason.NONE).all()


@pytest.mark.parametrize("convention", Convention)
def test_a_price_is_as_old_as_the_spot_says_where_the_forward_is_the_spots(convention: Convention) -> None:
    calls = np.stack([np.full(len(STRIKES), True), np.full(len(STRIKES), False)])
    base = quotes(spot=FORWARD - 9, spot_ts=NOW, listed=calls, last=np.where(calls, fair(), NAN))
    found = valued(replace(base, last_ts=but(base.last_ts, (CALL, 5), NOW - LIMIT - 1)), convention=convention)
    assert found.forward.source == "spot"
    assert found.iv_reason[CALL].tolist() == [Reason.NONE] * 5 + [Reason.STALE, Reason.NONE]
    assert (found.iv_reason[PUT] == Reason.NO_PRICE).all()


def test_a_price_without_a_stamp_is_of_no_known_age() -> None:
    base = quotes()
    assert valued(replace(base, last_ts=but(base.last_ts, OTM_PUT, 0))).iv_reason[OTM_PUT] == Reason.NONE
