"""The simulator's market: a function of seed and time, without arbitrage, with books and rates like a real one's."""

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from fo_analytics.domain.calendar import MINUTE_MS, to_ms
from streaming.ticker.codec import decode, encode
from tests.rig.data import REPOSITORY
from tradingviz.quickstart.simulator.books import books, wire_rows
from tradingviz.quickstart.simulator.fair import RATE, fair_values, forwards, volatilities, years_left
from tradingviz.quickstart.simulator.history import candles
from tradingviz.quickstart.simulator.listing import CALL, FUTURE, PUT, SPOT, TICK, listing
from tradingviz.quickstart.simulator.market import FRAME_MS, Market, Quotes
from tradingviz.quickstart.simulator.noise import Floats, Ints, brownian, share
from tradingviz.quickstart.simulator.tide import tide
from tradingviz.quickstart.simulator.underlyings import SHAPES, expiries

START = to_ms(datetime(2026, 11, 22, 6, 0, tzinfo=UTC))  # a Sunday
MARKET = Market(seed=1)
DAY = MARKET.day_at(START)
EVERYTHING = np.arange(len(DAY.listing.token))


def quotes_at(ts: int, market: Market = MARKET) -> Quotes:
    """Return the quotes of everything at an instant."""
    return market.quotes(market.day_at(ts), EVERYTHING, np.full(len(EVERYTHING), ts))


def columns(quotes: Quotes) -> Floats:
    """Return the numbers as one array."""
    names = ("fair", "last", "volume", "oi", "bid", "bid_qty", "ask", "ask_qty")
    return np.array([getattr(quotes, name) for name in names])


def chain(underlying: int, kind: int, expires_ms: int) -> Ints:
    """Return the rows of a side of a chain, by strike."""
    found = DAY.listing
    rows = np.flatnonzero((found.underlying == underlying) & (found.kind == kind) & (found.expires_ms == expires_ms))
    return rows[np.argsort(found.strike[rows])]


def chains() -> list[tuple[int, int]]:
    """Return underlying and expiry instant of every chain."""
    options = DAY.listing.kind >= CALL
    pairs = zip(DAY.listing.underlying[options].tolist(), DAY.listing.expires_ms[options].tolist(), strict=True)
    return sorted(set(pairs))


# ---------------------------------------------------------------- determinism


def test_the_same_seed_and_instant_make_the_same_ticks_whatever_was_asked_before() -> None:
    here = columns(quotes_at(START + 5_000))
    other = Market(seed=1)
    for ts in (START + 90_000_000, START + 250, START - 86_400_000):
        other.quotes(other.day_at(ts), EVERYTHING[:50], np.full(50, ts))
    assert np.array_equal(columns(quotes_at(START + 5_000, other)), here, equal_nan=True)


def test_another_process_makes_the_same_ticks() -> None:
    code = (
        "import json, numpy as np; from tradingviz.quickstart.simulator.market import Market;"
        f"m = Market(1); d = m.day_at({START}); r = np.arange(40, 60);"
        f"print(json.dumps(m.quotes(d, r, np.full(20, {START})).last.tolist()))"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, check=True).stdout
    assert json.loads(said) == quotes_at(START).last[40:60].tolist()


def test_another_seed_makes_another_market() -> None:
    assert not np.array_equal(quotes_at(START).last, quotes_at(START, Market(seed=2)).last)


def test_one_tick_alone_is_the_same_as_among_all() -> None:
    alone = MARKET.quotes(DAY, EVERYTHING[77:78], np.array([START]))
    assert alone.last[0] == quotes_at(START).last[77]
    assert alone.volume[0] == quotes_at(START).volume[77]


def test_ticks_survive_the_wire() -> None:
    rows = [row for _, row in wire_rows(MARKET, DAY, quotes_at(START))]
    batch = decode(encode(rows))
    assert len(batch.depth.malformed) == 0
    assert np.array_equal(batch.bid, quotes_at(START).bid, equal_nan=True)


# ---------------------------------------------------------------- contracts


def test_there_are_4_indices_and_20_stocks() -> None:
    indices = [shape.symbol for shape in SHAPES if shape.is_index]
    assert indices == ["NIFTY", "BANKNIFTY", "FINNIFTY", "SENSEX"]
    assert len(SHAPES) == 24


@pytest.mark.parametrize("offset", range(0, 400, 11))
def test_expiries_fall_on_their_weekday_and_only_two_indices_have_weekly_ones(offset: int) -> None:
    day = date(2026, 1, 1) + timedelta(days=offset)
    for shape in SHAPES:
        listed = expiries(shape, day)
        assert {expiry.weekday() for expiry in listed} == {shape.weekday}
        assert day <= listed[0]
        monthly = [expiry for expiry in listed if (expiry + timedelta(days=7)).month != expiry.month]
        assert len(monthly) >= shape.months
        assert (listed != monthly) == (shape.symbol in {"NIFTY", "SENSEX"})
        assert not shape.weekly or listed[0] < day + timedelta(days=7)


def test_tokens_are_a_brokers_and_mean_the_same_on_any_day() -> None:
    today, later = listing(date(2026, 11, 22)), listing(date(2026, 11, 27))
    assert len(set(today.token.tolist())) == len(today.token)
    assert 0 < today.token.min() < today.token.max() < 1 << 32
    both = np.intersect1d(today.token, later.token)
    assert len(both) > 5_000
    here, there = today.rows_of(both), later.rows_of(both)
    for name in ("underlying", "kind", "strike", "expires_ms", "lot"):
        assert np.array_equal(getattr(today, name)[here], getattr(later, name)[there], equal_nan=True)


# ---------------------------------------------------------------- prices


def test_underlyings_move_as_much_as_they_should_and_together() -> None:
    spot = tide(1, np.arange(START, START + 20 * 86_400_000, 300_000)).spot
    moves = np.diff(np.log(spot), axis=0)
    realised = moves.std(axis=0) * np.sqrt(365 * 86_400_000 / 300_000)
    assert realised == pytest.approx([shape.volatility for shape in SHAPES], rel=0.1)
    together = np.corrcoef(moves.T)
    nifty, bank, sensex = 0, 1, 3
    assert together[nifty, sensex] > 0.9
    assert 0.6 < together[nifty, bank] < 0.95
    assert together.min() > 0.05
    assert (np.abs(np.log(spot / spot[0])) < 0.3).all()


@pytest.mark.parametrize("ts", [START, START + 3 * 86_400_000 // 7, START + 19 * 3_600_000])
def test_no_butterfly_and_no_vertical_is_worth_less_than_nothing(ts: int) -> None:
    for underlying, expires in chains():
        rows = chain(underlying, CALL, expires)
        calls = fair_values(
            DAY.listing, rows, np.full(len(rows), ts), tide(1, np.array([ts])), np.zeros(len(rows), int)
        )
        steps = np.diff(calls)
        discounted = DAY.listing.strike[rows[1]] - DAY.listing.strike[rows[0]]
        assert (steps <= 1e-9).all()
        assert (steps >= -discounted).all()
        assert (np.diff(steps) >= -1e-7).all()


def test_variance_grows_with_time_at_every_moneyness() -> None:
    moneyness = np.linspace(-0.2, 0.2, 41)
    at = tide(1, np.array([START]))
    for underlying in range(len(SHAPES)):
        before = np.zeros(len(moneyness))
        for expires in [expiry for owner, expiry in chains() if owner == underlying]:
            rows = chain(underlying, CALL, expires)
            stamps, place = np.full(len(rows), START), np.zeros(len(rows), int)
            years = years_left(DAY.listing, rows, stamps)
            forward = forwards(DAY.listing, rows, at.spot[place, underlying], years)
            sigma = volatilities(DAY.listing, rows, stamps, at, place)
            variance = sigma**2 * years
            known = np.log(DAY.listing.strike[rows] / forward)
            inside = (moneyness > known[0]) & (moneyness < known[-1])
            now = np.where(inside, np.interp(moneyness, known, variance), np.inf)
            assert (now > before - 1e-6).all()
            before = np.where(inside, now, before)


def test_parity_holds_and_forwards_carry_the_spot() -> None:
    at, quotes = tide(1, np.array([START])), quotes_at(START)
    for underlying, expires in chains():
        calls, puts = chain(underlying, CALL, expires), chain(underlying, PUT, expires)
        years = years_left(DAY.listing, calls, np.full(len(calls), START))
        implied = DAY.listing.strike[calls] + np.exp(RATE * years) * (quotes.fair[calls] - quotes.fair[puts])
        assert implied == pytest.approx(np.full(len(calls), implied[0]), rel=1e-9)
        assert 0 < np.log(implied[0] / at.spot[0, underlying]) / years[0] < RATE


def test_the_smile_is_dearer_below_the_money_and_moves() -> None:
    rows = chain(0, CALL, chains()[1][1])
    levels = []
    for ts in (START, START + 6 * 3_600_000):
        at = tide(1, np.array([ts]))
        sigma = volatilities(DAY.listing, rows, np.full(len(rows), ts), at, np.zeros(len(rows), int))
        strike, spot = DAY.listing.strike[rows], at.spot[0, 0]
        low, middle, high = (np.interp(spot * part, strike, sigma) for part in (0.98, 1.0, 1.02))
        assert low > middle > high
        assert 0.08 < middle < 0.2
        levels.append(middle)
    assert abs(levels[0] - levels[1]) > 1e-4


def test_nobody_can_earn_on_the_quotes_against_the_model() -> None:
    quotes = quotes_at(START)
    quoted = ~np.isnan(quotes.ask)
    assert (quotes.bid[quoted] <= quotes.fair[quoted] + 1e-6).all()
    assert (quotes.ask[quoted] >= quotes.fair[quoted] - 1e-6).all()
    on_tick = quotes.last[quoted] / TICK
    assert on_tick == pytest.approx(np.round(on_tick), abs=1e-6)
    assert (quotes.last > 0).all()


def test_a_spread_is_a_tick_or_two_at_the_nearest_money_and_wider_for_stocks() -> None:
    quotes = quotes_at(START)
    part = (quotes.ask - quotes.bid) / quotes.fair
    found = DAY.listing
    spot = tide(1, np.array([START])).spot[0][found.underlying]
    money = (found.kind == CALL) & (np.abs(found.strike / spot - 1) < 0.01) & (found.rank == 0)
    assert part[money & (found.underlying == 0)].max() < 0.01
    assert np.median(part[money & (found.underlying > 3)]) > np.median(part[money & (found.underlying == 0)])


def test_options_are_worth_their_intrinsic_value_in_the_last_second() -> None:
    expires = chains()[0][1]
    rows = chain(0, CALL, expires)
    ts = expires - 1_000
    quotes = MARKET.quotes(
        MARKET.day_at(ts), MARKET.day_at(ts).listing.rows_of(DAY.listing.token[rows]), np.full(len(rows), ts)
    )
    spot = tide(1, np.array([ts])).spot[0, 0]
    assert quotes.fair == pytest.approx(np.maximum(spot - DAY.listing.strike[rows], 0.0), abs=1.0)


# ---------------------------------------------------------------- books, volumes, open interest


def test_books_have_five_levels_that_begin_with_the_quote_and_go_away_from_it() -> None:
    quotes = quotes_at(START)
    levels = books(MARKET, DAY, quotes)
    quoted = np.flatnonzero(quotes.bid > 0.5)
    bids, asks = levels[quoted, 0], levels[quoted, 1]
    assert np.array_equal(bids[:, 0, 0], quotes.bid[quoted])
    assert np.array_equal(asks[:, 0, 1], quotes.ask_qty[quoted])
    assert (np.diff(bids[:, :, 0]) < 0).sum() > 0.95 * bids[:, 1:, 0].size
    assert (np.diff(asks[:, :, 0]) > 0).all()
    there = asks[:, :, 1] > 0
    assert there.all()
    lots = asks[:, :, 1] / DAY.listing.lot[quoted][:, None]
    assert np.array_equal(lots, np.round(lots))
    assert (asks[:, :, 2] >= 1).all()


def test_a_side_that_nobody_quotes_has_no_levels() -> None:
    quotes = quotes_at(START)
    none = np.flatnonzero(quotes.bid == 0)
    assert len(none) > 0
    assert (quotes.bid_qty[none] == 0).all()
    assert (books(MARKET, DAY, quotes)[none, 0] == 0).all()


def test_the_volume_of_the_day_never_falls_and_begins_again_at_midnight() -> None:
    instants = range(START, START + 3_600_000, 97_000)
    volumes = np.array([quotes_at(ts).volume for ts in instants])
    options = DAY.listing.kind != SPOT
    assert (np.diff(volumes[:, options], axis=0) >= 0).all()
    assert (volumes[-1, options] > volumes[0, options]).mean() > 0.6
    midnight = MARKET.day_at(START + 86_400_000)
    rows = midnight.listing.rows_of(DAY.listing.token[:100])
    first = MARKET.quotes(midnight, rows, np.full(len(rows), midnight.opens_ms))
    assert np.nan_to_num(first.volume).sum() == 0


def test_open_interest_moves_every_two_minutes_in_whole_lots() -> None:
    oi = np.array([quotes_at(ts).oi for ts in range(START, START + 600_000, 8_000)])
    options = DAY.listing.kind != SPOT
    assert (oi[:, options] % DAY.listing.lot[options] == 0).all()
    changes = (np.diff(oi[:, options], axis=0) != 0).sum(axis=0)
    assert changes.max() <= 5
    assert np.median(changes) >= 2


def test_an_index_has_neither_volume_nor_quotes() -> None:
    rows = np.flatnonzero((DAY.listing.kind == SPOT) & (DAY.listing.underlying < 4))
    quotes = MARKET.quotes(DAY, rows, np.full(len(rows), START))
    for column in (quotes.volume, quotes.oi, quotes.bid, quotes.ask):
        assert np.isnan(column).all()
    assert [row[9] for _, row in wire_rows(MARKET, DAY, quotes)] == [None] * 4


# ---------------------------------------------------------------- rates and history


def test_the_money_of_the_nearest_expiry_ticks_every_second_and_the_far_ends_seldom() -> None:
    found = DAY.listing
    seconds = MARKET.periods(DAY, EVERYTHING, START - START % MINUTE_MS) * FRAME_MS / 1000
    spot = tide(1, np.array([START])).spot[0][found.underlying]
    money = (found.rank == 0) & (found.kind >= CALL) & (np.abs(found.strike / spot - 1) < 0.006)
    assert (seconds[money & np.isin(found.underlying, (0, 1, 3))] == 1).all()
    assert (seconds[(found.rank >= 4) & (found.kind >= CALL)] >= 5).all()
    assert 1_500 < (1 / seconds).sum() < 3_500


def test_what_expired_does_not_tick() -> None:
    ts = int(np.sort(np.unique(DAY.listing.expires_ms))[0])
    day = MARKET.day_at(ts)
    expiring = np.flatnonzero(day.listing.expires_ms == ts)
    frames = range(ts // FRAME_MS - 240, ts // FRAME_MS + 240)
    last = max(frame for frame in frames if len(MARKET.ticking(day, expiring, frame)))
    assert last < ts // FRAME_MS <= last + 4


def test_candles_of_the_past_are_those_of_the_ticks_that_were_sent() -> None:
    minute = START - START % MINUTE_MS
    rows = np.concatenate((chain(0, PUT, chains()[0][1])[40:80], np.flatnonzero(DAY.listing.kind == FUTURE)[:9]))
    sent: dict[int, list[float]] = {}
    for frame in range(minute // FRAME_MS, minute // FRAME_MS + 240):
        some = MARKET.ticking(DAY, rows, frame)
        quotes = MARKET.quotes(DAY, some, np.full(len(some), frame * FRAME_MS))
        for token, last in zip(DAY.listing.token[some].tolist(), quotes.last.tolist(), strict=True):
            sent.setdefault(token, []).append(last)
    tokens = DAY.listing.token[rows].tolist()
    found = candles(Market(1), [*tokens, 3], from_ms=minute - 3 * MINUTE_MS, to_ms=minute + 2 * MINUTE_MS)
    assert found.keys() == sent.keys()
    for token, prices in sent.items():
        candle = next(candle for candle in found[token] if candle[0] == minute)
        assert candle[1:5] == (prices[0], max(prices), min(prices), prices[-1])
        assert [one[0] for one in found[token]] == sorted({one[0] for one in found[token]})


def test_candles_over_midnight_are_of_both_days() -> None:
    midnight = MARKET.day_at(START + 86_400_000).opens_ms
    token = int(DAY.listing.token[0])
    found = candles(MARKET, [token], from_ms=midnight - 7 * MINUTE_MS, to_ms=midnight + 3 * MINUTE_MS)
    assert [candle[0] for candle in found[token]] == list(
        range(midnight - 7 * MINUTE_MS, midnight + 3 * MINUTE_MS, MINUTE_MS)
    )


# ---------------------------------------------------------------- noise


def test_brownian_motion_has_the_variance_of_its_time() -> None:
    seconds = np.arange(0, 400_000, 100.0)
    paths = brownian(5, np.arange(200)[:, None], seconds, finest=0, coarsest=22)
    for lag in (1, 10, 100):
        moved = paths[:, lag:] - paths[:, :-lag]
        assert moved.var() == pytest.approx(100 * lag, rel=0.15)


def test_shares_rise_from_nothing_to_the_whole() -> None:
    passed = np.linspace(0, 1, 5_001)
    came = share(3, 17, 20_000, passed)
    assert came[0] == 0
    assert came[-1] == pytest.approx(1.0, abs=1e-6)
    assert (np.diff(came) >= 0).all()


def test_after_the_close_the_indices_alone_are_sent_at_what_they_closed_at() -> None:
    frames = range(DAY.closes_ms // FRAME_MS, (DAY.closes_ms + MINUTE_MS) // FRAME_MS)
    sent = {int(row): 0.0 for frame in frames for row in MARKET.ticking(DAY, EVERYTHING, frame)}
    assert {SHAPES[DAY.listing.underlying[row]].symbol for row in sent} == {s.symbol for s in SHAPES if s.is_index}
    assert all(DAY.listing.kind[row] == SPOT for row in sent)
    rows = np.array(sorted(sent))
    closed = np.round(tide(1, np.array([DAY.closes_ms])).spot[0][DAY.listing.underlying[rows]], 2)
    for ts in (DAY.closes_ms, DAY.closes_ms + 59_750):
        assert MARKET.quotes(DAY, rows, np.full(len(rows), ts)).last.tolist() == closed.tolist()
    before = MARKET.quotes(DAY, rows, np.full(len(rows), DAY.closes_ms - 1000)).last
    assert (before != closed).any()
