"""Bars are a function of the set of their ticks: a plain second implementation, and every way of cutting the set."""

import math
from dataclasses import dataclass
from functools import reduce

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fo_analytics.domain import bars
from fo_analytics.domain.bars import Minute
from fo_analytics.domain.book import Book
from fo_analytics.domain.ticks import Floats, Ticks

SLOTS = 3
COMPARED = (
    "first_ts",
    "open",
    "high",
    "low",
    "last_ts",
    "close",
    "cumulative",
    "oi",
    "oi_ts",
    "quote_ts",
    "bid",
    "ask",
)


@dataclass(frozen=True)
class Tick:
    """One tick of the examples."""

    slot: int
    ts: int
    last: float
    volume: float
    oi: float
    bid: float
    ask: float
    quantity: float


absent = st.just(math.nan)
prices = st.one_of(absent, st.integers(1, 2000).map(lambda ticks: ticks * 0.05))
sides = st.one_of(absent, st.integers(0, 2000).map(lambda ticks: ticks * 0.05))
amounts = st.one_of(absent, st.integers(0, 50).map(float))
ticks_of_a_minute = st.lists(
    st.builds(Tick, st.integers(0, SLOTS - 1), st.integers(1, 12), prices, amounts, amounts, sides, sides, amounts),
    min_size=1,
    max_size=25,
)


def columns(ticks: list[Tick]) -> Ticks:
    """Return the ticks as the domain takes them."""

    def column(name: str) -> Floats:
        return np.array([getattr(tick, name) for tick in ticks], np.float64)

    slot = np.array([tick.slot for tick in ticks], np.int64)
    ts = np.array([tick.ts for tick in ticks], np.int64)
    bid, ask = column("bid"), column("ask")
    quantity = column("quantity")
    return Ticks(slot, ts, column("last"), column("volume"), column("oi"), bid, quantity, ask, 3 * quantity)


def minute_of(ticks: list[Tick]) -> Minute:
    """Return the minute (SLOTS,) of some ticks."""
    minute = bars.empty(SLOTS)
    slots, partial = bars.fold(columns(ticks))
    minute[slots] = partial
    return minute


def same(a: Minute, b: Minute) -> bool:
    """Return whether two minutes hold the same, NaN being NaN."""
    return all(np.array_equal(a[name], b[name], equal_nan=True) for name in COMPARED)


def expected(ticks: list[Tick], slot: int) -> dict[str, float]:
    """Return a bar the plain way."""
    own = [tick for tick in ticks if tick.slot == slot]
    priced = sorted((t for t in own if t.last > 0), key=lambda t: (t.ts, _low(t.volume), t.last))
    volumes = [t.volume for t in own if not math.isnan(t.volume)]
    interest = sorted((t.oi > 0, t.ts, t.oi) for t in own if not math.isnan(t.oi))
    return {
        "open": priced[0].last if priced else math.nan,
        "high": max((t.last for t in priced), default=math.nan),
        "low": min((t.last for t in priced), default=math.nan),
        "close": priced[-1].last if priced else math.nan,
        "cumulative": max(volumes, default=math.nan),
        "oi": interest[-1][2] if interest else math.nan,
    }


def _low(value: float) -> float:
    return -1.0 if math.isnan(value) else value


@given(ticks_of_a_minute)
def test_a_bar_equals_a_plain_recomputation(ticks: list[Tick]) -> None:
    minute = minute_of(ticks)
    for slot in range(SLOTS):
        for name, value in expected(ticks, slot).items():
            held = float(minute[name][slot])
            assert held == value or (math.isnan(held) and math.isnan(value)), (slot, name)


@given(ticks_of_a_minute, st.randoms(use_true_random=False), st.integers(1, 5))
def test_bars_do_not_depend_on_order_or_batches(ticks: list[Tick], random: object, size: int) -> None:
    shuffled = list(ticks)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    parts = [minute_of(shuffled[at : at + size]) for at in range(0, len(shuffled), size)]
    assert same(reduce(bars.merge, parts), minute_of(ticks))


@given(ticks_of_a_minute)
def test_repeated_ticks_change_nothing(ticks: list[Tick]) -> None:
    once = minute_of(ticks)
    assert same(bars.merge(once, once), once)
    assert same(minute_of(ticks + ticks), once)


@given(ticks_of_a_minute, ticks_of_a_minute)
def test_merging_is_commutative(some: list[Tick], others: list[Tick]) -> None:
    a, b = minute_of(some), minute_of(others)
    assert same(bars.merge(a, b), bars.merge(b, a))


minutes = st.lists(st.integers(0, 5), min_size=1, max_size=25)


@given(ticks_of_a_minute, st.data())
def test_a_book_ends_in_the_same_states_in_whatever_order_minutes_arrive(
    ticks: list[Tick], data: st.DataObject
) -> None:
    index = data.draw(st.lists(st.integers(0, 5), min_size=len(ticks), max_size=len(ticks)))
    # Stamps grow with the minute, as they do in a session.
    stamped = [Tick(**{**vars(t), "ts": t.ts + 100 * m}) for t, m in zip(ticks, index, strict=True)]
    order = data.draw(st.permutations(range(len(ticks))))
    straight, shuffled = Book(SLOTS), Book(SLOTS)
    straight.add(np.array(index), columns(stamped))
    for at in order:
        shuffled.add(np.array([index[at]]), columns([stamped[at]]))
        shuffled.state(5)
    for minute in range(6):
        assert same(straight.state(minute), shuffled.state(minute))
        for left, right in zip(straight.volume(minute), shuffled.volume(minute), strict=True):
            assert np.array_equal(left, right, equal_nan=True)


@given(ticks_of_a_minute, st.data())
def test_the_volumes_of_a_session_add_up_to_its_largest_cumulative_one(ticks: list[Tick], data: st.DataObject) -> None:
    index = np.array(data.draw(st.lists(st.integers(0, 5), min_size=len(ticks), max_size=len(ticks))))
    book = Book(SLOTS)
    book.add(index, columns(ticks))
    total = np.nansum([book.volume(minute)[0] for minute in book.minutes()], axis=0)
    for slot in range(SLOTS):
        largest = max((t.volume for t in ticks if t.slot == slot and not math.isnan(t.volume)), default=0.0)
        assert total[slot] == largest
