"""The market at an instant: who ticks, and what is quoted, traded and held. Pure: a function of seed and time."""

from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.calendar import MINUTE_MS, from_ms, ist_date, ist_instant, to_ms
from fo_analytics.domain.simulated_day import CLOSES
from tradingviz.quickstart.simulator import noise
from tradingviz.quickstart.simulator.fair import fair_values, liquidity
from tradingviz.quickstart.simulator.listing import CALL, SPOT, TICK, Listing, listing
from tradingviz.quickstart.simulator.noise import Floats, Ints
from tradingviz.quickstart.simulator.tide import column, tide

Mask = npt.NDArray[np.bool_]

FRAME_MS = 250
DAY_MS = 86_400_000
# Frames from one tick of an instrument to its next, from the least to the most liquid: 30, 5, 2 and 1 seconds.
PERIODS = np.array([120, 20, 8, 4])
THRESHOLDS = np.array([0.012, 0.06, 0.25])
_SPOT, _STEP, _LIQUIDITY, _IS_INDEX = (column(name) for name in ("spot", "step", "liquidity", "is_index"))
_INTEREST_LEVELS = {"finest": 7, "coarsest": 21}
_INTEREST_MS = 128_000
# Seeds of what is independent of each other.
_TRADES, _SIZES, _VOLUMES, _LUCK, _PHASES, _HELD = (number << 33 for number in range(1, 7))


@dataclass(frozen=True, slots=True)
class Quotes:
    """Columns of n ticks: `row` in the listing, `ts` ms UTC, rupees and units; NaN where an instrument has none.

    A side that nobody quotes is 0. `fair` is the model's value, not rounded to ticks.
    """

    row: Ints
    ts: Ints
    fair: Floats
    last: Floats
    volume: Floats
    oi: Floats
    bid: Floats
    bid_qty: Floats
    ask: Floats
    ask_qty: Floats


@dataclass(frozen=True, slots=True)
class Day:
    """What does not change within a day: its list, when it opens and when trading ends (ms UTC).

    And of each row: what is traded in the whole of it and usually held (units), and in which frame it begins to tick.
    """

    listing: Listing
    opens_ms: int
    closes_ms: int
    volume: Floats
    interest: Floats
    phase: Ints

    def alive(self, rows: Ints, ts: Ints | int) -> Mask:
        """Return which of the rows are sent at an instant each (ms UTC): after the close the indices alone."""
        found = self.listing
        index = (found.kind[rows] == SPOT) & (_IS_INDEX[found.underlying[rows]] > 0)
        return np.asarray((ts < found.expires_ms[rows]) & (index | (np.asarray(ts) < self.closes_ms)))


class Market:
    """One of the markets there may be: `seed` says which."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._days = lru_cache(maxsize=4)(self._day)
        self._spots = lru_cache(maxsize=16)(self._spot)

    def day_at(self, ts: int) -> Day:
        """Return the day of an instant (ms UTC): it lasts from midnight to midnight (IST), on Sundays, too."""
        return self._days(ist_date(from_ms(ts)))

    def ticking(self, day: Day, rows: Ints, frame: int) -> Ints:
        """Return which of the rows tick in a frame, ms UTC / FRAME_MS."""
        ts = frame * FRAME_MS
        due = (frame + day.phase[rows]) % self.periods(day, rows, ts - ts % MINUTE_MS) == 0
        alive: Ints = rows[due & day.alive(rows, ts)]
        return alive

    def periods(self, day: Day, rows: Ints, minute: int) -> Ints:
        """Return of each row after how many frames it ticks again, in the minute that opens at `minute` (ms UTC)."""
        eager = liquidity(day.listing, rows, self._spots(minute), minute)
        return PERIODS[np.searchsorted(THRESHOLDS, eager)]

    def quotes(self, day: Day, rows: Ints, ts: Ints) -> Quotes:
        """Return what rows of a day's list quote, each at an instant of that day (ms UTC).

        After the close an index stays where it closed.
        """
        found = day.listing
        traded = np.minimum(ts, day.closes_ms)
        instants, at = np.unique(traded, return_inverse=True)
        fair = fair_values(found, rows, traded, tide(self.seed, instants), at)
        bid, ask, wide = _sides(found, rows, fair)
        took = noise.uniform(self.seed + _TRADES, found.token[rows], ts) < 0.5
        last = np.where(took & (bid > 0), bid, ask)
        bids, asks = (self.sizes(found, rows, ts, wide, side, 0) for side in (0, 1))
        volume, oi = self._volumes(day, rows, ts), self._interests(day, rows, ts)
        spot = found.kind[rows] == SPOT
        index = spot & (_IS_INDEX[found.underlying[rows]] > 0)
        quoted = [np.where(index, np.nan, column) for column in (bid, bids * (bid > 0), ask, asks)]
        last = np.where(index, np.round(fair, 2), last)
        volume, oi = (np.where(spot, np.nan, column) for column in (volume, oi))
        return Quotes(rows, ts, fair, last, volume, oi, *quoted)

    def sizes(self, found: Listing, rows: Ints, ts: Ints, wide: Floats, side: int, level: int) -> Floats:
        """Return the units that wait at a level of a side of the book: whole lots, fewer where the spread is wide."""
        luck = noise.uniform(self.seed + _SIZES, found.token[rows], ts, 2 * level + side)
        lots = 1 + np.floor(60 * luck * luck * (1 + 0.5 * level) / wide)
        units: Floats = found.lot[rows] * lots * np.where(found.kind[rows] == SPOT, 100.0, 1.0)
        return units

    def _spot(self, ts: int) -> Floats:
        found: Floats = tide(self.seed, np.array([ts])).spot[0]
        return found

    def _day(self, day: date) -> Day:
        found = listing(day)
        opens = to_ms(ist_instant(day, time.min))
        rows = np.arange(len(found.token))
        eager = liquidity(found, rows, self._spots(opens), opens)
        luck = 0.5 + noise.uniform(self.seed + _LUCK, found.token)
        size = 90_000 * _LIQUIDITY[found.underlying] * luck
        interest = np.ceil(0.6 * size * _crowding(found) * np.exp(-(found.expires_ms - opens) / DAY_MS / 25.0))
        phase = (noise.uniform(self.seed + _PHASES, found.token) * PERIODS[0]).astype(np.int64)
        whole = np.ceil(20 * size * eager) * np.where(found.kind == SPOT, 10.0, 1.0)
        traded, held = (column * found.lot.astype(np.float64) for column in (whole, interest))
        return Day(found, opens, to_ms(ist_instant(day, CLOSES)), traded, held, phase)

    def _volumes(self, day: Day, rows: Ints, ts: Ints) -> Floats:
        passed = (ts - day.opens_ms) / DAY_MS
        came = noise.share(self.seed + _VOLUMES, day.listing.token[rows], day.opens_ms, passed)
        return np.floor(day.volume[rows] / day.listing.lot[rows] * came) * day.listing.lot[rows]

    def _interests(self, day: Day, rows: Ints, ts: Ints) -> Floats:
        """Return open interest, which the exchange counts every two minutes or so."""
        counted = ts // _INTEREST_MS * (_INTEREST_MS // 1000)
        swing = noise.brownian(self.seed + _HELD, day.listing.token[rows], counted, **_INTEREST_LEVELS)
        grown = np.exp(0.35 * swing / noise.spread(_INTEREST_LEVELS["coarsest"]))
        lots = np.maximum(1.0, np.round(day.interest[rows] / day.listing.lot[rows] * grown))
        return lots * day.listing.lot[rows]


def spread_ticks(found: Listing, rows: Ints, fair: Floats) -> Floats:
    """Return how many ticks lie between bid and ask: more for what is dear and for what few trade."""
    calm = _LIQUIDITY[found.underlying[rows]] / (1.0 + found.rank[rows])
    options = found.kind[rows] >= CALL
    part = np.where(options, 0.0015 + 0.012 * (1.0 - calm) ** 2, 0.0001 / np.maximum(calm, 0.1))
    return np.maximum(1.0, np.ceil(fair * part / TICK))


def _sides(found: Listing, rows: Ints, fair: Floats) -> tuple[Floats, Floats, Floats]:
    """Return bid and ask around fair values, on ticks, and the spread in ticks; no bid where it would be nothing."""
    wide = spread_ticks(found, rows, fair)
    low = np.maximum(np.floor(fair / TICK - (wide - 1) / 2 + 1e-9), 0.0)
    return np.round(low * TICK, 2), np.round((low + wide) * TICK, 2), wide


def _crowding(found: Listing) -> Floats:
    """Return how much people like to hold a contract: near the money, at round strikes, out of the money."""
    spot = _SPOT[found.underlying]
    strike = np.where(found.kind >= CALL, found.strike, spot)
    away = np.abs(np.log(strike / spot)) / 0.03
    out = (found.kind == CALL) == (strike >= spot)
    return np.exp(-away) * np.where(strike % (10 * _STEP[found.underlying]) == 0, 2.5, 1.0) * np.where(out, 1.0, 0.35)
