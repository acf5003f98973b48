"""Strategies against plain second implementations: Decimal sums, candles by hand, payoffs by brute force."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from strategies.domain.candles import UNKNOWN, Candles, candles, candles_from_bars
from strategies.domain.legs import Contract, Fill, Freeze, Kind, Leg, Settlement, Side
from strategies.domain.m2m import M2M, Quote, mark_to_market
from strategies.domain.money import Ints, rounded_points
from strategies.domain.payoff import Payoff, opposite, payoff, probability_of_profit
from strategies.domain.positions import Marks, marks_of, positions_of, price_table, values

START = datetime(2026, 2, 2, 4, 0, tzinfo=UTC)
START_S = int(START.timestamp())
EXPIRY = date(2026, 2, 3)
INSTRUMENTS = 3
SECONDS = 30
BUCKET = 10
SLOTS = {key: key for key in range(INSTRUMENTS)}
PAISA = Decimal("0.01")

prices = st.one_of(
    st.integers(1, 4_000).map(lambda ticks: ticks * Decimal("0.05")),
    st.integers(1, 2_000_000).map(lambda points: Decimal(points).scaleb(-4)),
)
instants = st.integers(0, SECONDS - 1).map(lambda second: START + timedelta(seconds=second))
fills = st.builds(Fill, st.integers(1, 9), prices, instants)
sides = st.sampled_from(Side)
keys = st.integers(0, INSTRUMENTS - 1)


def contract(key: int, kind: Kind = Kind.FUTURE, strike: int | None = None) -> Contract:
    """Return a contract on NIFTY."""
    return Contract(key, kind, "NIFTY", expiry=EXPIRY, strike=None if strike is None else Decimal(strike))


@st.composite
def legs(draw: st.DrawFn, *, ended: bool = True) -> Leg:
    """Return a leg with additions and partial exits that are possible, perhaps settled or frozen after them."""
    events = sorted(draw(st.lists(fills, min_size=1, max_size=5)), key=lambda event: event.at)
    leg = Leg(contract=contract(draw(keys)), side=draw(sides), lot_size=draw(st.integers(1, 90)), entry=events[0])
    for event in events[1:]:
        lots = min(event.lots, leg.open_lots)
        if not lots:
            break
        buys = draw(st.booleans())
        leg = leg.add(event) if buys or _is_same_time(leg, event) else leg.exit(replace(event, lots=lots))
    if not ended or not leg.open_lots:
        return leg
    end, price = START + timedelta(seconds=SECONDS), draw(prices)
    settled = st.sampled_from([None, *(Settlement(price, end, "close", provisional=p) for p in (True, False))])
    if (settlement := draw(settled)) is not None:
        return leg.settle(settlement)
    return leg.freeze(Freeze(end, "corporate_action: split", price)) if draw(st.booleans()) else leg


def _is_same_time(leg: Leg, event: Fill) -> bool:
    """Entries go before exits of the same instant, which would change what an exit before them took."""
    return any(fill.at == event.at for fill in (leg.entry, *leg.additions, *leg.exits))


strategies_ = st.lists(legs(), min_size=1, max_size=4)
open_strategies = st.lists(legs(ended=False), min_size=1, max_size=4)
quoted = st.lists(prices, min_size=INSTRUMENTS, max_size=INSTRUMENTS)


options = st.builds(
    lambda key, kind, strike, side, lots, size, price: Leg(
        contract=contract(key, kind, strike if kind.is_option else None),
        side=side,
        lot_size=size,
        entry=Fill(lots, price, START),
    ),
    keys,
    st.sampled_from([Kind.CALL, Kind.PUT, Kind.FUTURE]),
    st.integers(1, 40).map(lambda rung: rung * 5),
    sides,
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 200).map(lambda half: half * Decimal("0.5")),
)
option_strategies = st.lists(options, min_size=1, max_size=5)


@dataclass(frozen=True)
class Mark:
    """One mark of the examples."""

    slot: int
    ms: int
    price: Decimal


marks = st.lists(st.builds(Mark, keys, st.integers(-5_000, SECONDS * 1_000 - 1), prices), max_size=40)


def now(of: Sequence[Leg], last: Sequence[Decimal]) -> M2M:
    """Return the M2M of legs at prices by instrument."""
    quotes = {key: Quote(last=price, last_ts=1) for key, price in enumerate(last)}
    return mark_to_market(of, quotes, as_of_ms=1)


def plainly(of: Sequence[Leg], last: Sequence[Decimal]) -> Decimal:
    """Return the value as money paid and received plus what is left at its price: no averages."""
    with localcontext(prec=60):
        return sum((_cash(leg) + _left(leg, last) for leg in of), Decimal(0)).quantize(PAISA, ROUND_HALF_EVEN)


def _cash(leg: Leg) -> Decimal:
    paid = sum((fill.price * fill.lots for fill in (leg.entry, *leg.additions)), Decimal(0))
    received = sum((fill.price * fill.lots for fill in leg.exits), Decimal(0))
    return (received - paid) * leg.lot_size * leg.side.sign


def _left(leg: Leg, last: Sequence[Decimal]) -> Decimal:
    lots = sum(fill.lots for fill in (leg.entry, *leg.additions)) - sum(fill.lots for fill in leg.exits)
    price = last[leg.contract.key]
    if leg.settlement is not None:
        price = leg.settlement.price
    elif leg.frozen is not None and leg.frozen.price is not None:
        price = leg.frozen.price
    return price * lots * leg.lot_size * leg.side.sign


def table_values(of: Sequence[Sequence[Leg]], seen: Sequence[Mark], second: Ints) -> tuple[Ints, Ints, Ints]:
    """Return paise, whether known and whether anything happened, of strategies by second."""
    found = values(
        positions_of(of, SLOTS), price_table(as_marks(seen), slots=INSTRUMENTS, second=second), fresh_ms=10**9
    )
    return rounded_points(found.value), found.known.astype(int), found.event.astype(int)


def as_marks(seen: Sequence[Mark]) -> Marks:
    """Return marks as the domain takes them."""
    return marks_of([(mark.slot, START_S * 1000 + mark.ms, mark.price) for mark in seen])


@given(strategies_, quoted)
def test_the_value_is_what_plain_decimals_say(of: list[Leg], last: list[Decimal]) -> None:
    found = now(of, last)
    assert found.value == plainly(of, last)
    assert found.unrealised is not None
    assert found.realised + found.unrealised == found.value


@given(st.lists(strategies_, min_size=1, max_size=5), quoted)
def test_many_at_once_have_the_values_of_each_alone(several: list[list[Leg]], last: list[Decimal]) -> None:
    seen = [Mark(slot, SECONDS * 1000, price) for slot, price in enumerate(last)]
    paise, known, _ = table_values(several, seen, np.array([START_S + SECONDS]))
    assert known.all()
    assert [Decimal(int(row[0])).scaleb(-2) for row in paise] == [now(of, last).value for of in several]


@given(strategies_, strategies_, quoted)
def test_the_value_is_linear_in_legs_before_it_is_rounded(
    one: list[Leg], other: list[Leg], last: list[Decimal]
) -> None:
    seen = price_table(
        marks_of([(slot, 1_000_000 + START_S * 1000, price) for slot, price in enumerate(last)]),
        slots=INSTRUMENTS,
        second=np.array([START_S + 1_000]),
    )
    alone = values(positions_of([one, other, [*one, *other]], SLOTS), seen, fresh_ms=10**9).value[:, 0]
    assert alone[2] == alone[0] + alone[1]


@given(strategies_, quoted)
def test_the_same_strategy_the_other_way_round_is_worth_the_opposite(of: list[Leg], last: list[Decimal]) -> None:
    value = now(of, last).value
    assert value is not None
    assert now([opposite(leg) for leg in of], last).value == -value


@given(open_strategies, quoted)
def test_closing_at_the_price_turns_unrealised_into_realised(of: list[Leg], last: list[Decimal]) -> None:
    end = START + timedelta(seconds=SECONDS)
    closed = [leg.exit(Fill(leg.open_lots, last[leg.contract.key], end)) if leg.open_lots else leg for leg in of]
    before, after = now(of, last), now(closed, last)
    assert (after.value, after.realised, after.unrealised) == (before.value, before.value, Decimal(0))


@given(open_strategies, quoted, prices)
def test_adding_at_the_price_changes_nothing_yet(of: list[Leg], last: list[Decimal], other: Decimal) -> None:
    end = START + timedelta(seconds=SECONDS)
    more = [leg.add(Fill(3, last[leg.contract.key], end)) if leg.open_lots else leg for leg in of]
    assert now(more, last).value == now(of, last).value
    assert now(more, last).realised == now(of, last).realised


def plain_candles(of: Sequence[Leg], seen: Sequence[Mark]) -> dict[int, tuple[Decimal, ...]]:
    """Return open, high, low and close by bucket: every second in which something happened, one after the other."""
    found: dict[int, list[Decimal]] = {}
    for second in range(SECONDS):
        value = plain_value(of, seen, second)
        if value is not None:
            found.setdefault(second // BUCKET, []).append(value)
    return {bucket: (line[0], max(line), min(line), line[-1]) for bucket, line in found.items()}


def plain_value(of: Sequence[Leg], seen: Sequence[Mark], second: int) -> Decimal | None:
    """Return the value at the end of a second; None where nothing happened in it or a price is missing."""
    then = [past for leg in of if (past := leg.as_of(START + timedelta(seconds=second, milliseconds=999)))]
    held = {leg.contract.key for leg in then if leg.open_lots}
    newest = {}
    for key in held:
        known = [(mark.ms, mark.price) for mark in seen if mark.slot == key and mark.ms // 1000 <= second]
        if not known:
            return None
        newest[key] = max(known)
    traded = any(fill.at == START + timedelta(seconds=second) for leg in then for fill in _fills(leg))
    if not traded and all(ms // 1000 < second for ms, _ in newest.values()):
        return None
    return plainly(then, [newest.get(key, (0, Decimal(0)))[1] for key in range(INSTRUMENTS)]) if then else None


def _fills(leg: Leg) -> list[Fill]:
    return [leg.entry, *leg.additions, *leg.exits]


def made(of: Sequence[Sequence[Leg]], seen: Marks) -> Candles:
    """Return candles of strategies over all seconds."""
    second = START_S + np.arange(SECONDS)
    table = price_table(seen, slots=INSTRUMENTS, second=second)
    return candles(values(positions_of(of, SLOTS), table, fresh_ms=5_000), bucket=second - second % BUCKET)


def shown(found: Candles, strategy: int) -> dict[int, tuple[Decimal, ...]]:
    """Return open, high, low and close by bucket."""
    rows = zip(*(column[strategy].tolist() for column in (found.open, found.high, found.low, found.close)), strict=True)
    return {
        place: tuple(Decimal(paise).scaleb(-2) for paise in row) for place, row in enumerate(rows) if row[0] != UNKNOWN
    }


@given(st.lists(strategies_, min_size=1, max_size=3), marks)
def test_candles_are_those_of_the_value_second_by_second(several: list[list[Leg]], seen: list[Mark]) -> None:
    found = made(several, as_marks(seen))
    assert [shown(found, place) for place in range(len(several))] == [plain_candles(of, seen) for of in several]


@given(st.lists(strategies_, min_size=1, max_size=3), marks)
def test_a_candle_s_high_and_low_hold_its_open_and_close(several: list[list[Leg]], seen: list[Mark]) -> None:
    found = made(several, as_marks(seen))
    there = found.seconds > 0
    assert (found.high >= np.maximum(found.open, found.close))[there].all()
    assert (found.low <= np.minimum(found.open, found.close))[there].all()
    assert (found.close[~there] == UNKNOWN).all()


@given(strategies_, marks, st.randoms(use_true_random=False), st.integers(0, 40))
def test_candles_are_a_function_of_the_set_of_marks(of: list[Leg], seen: list[Mark], chance: object, cut: int) -> None:
    shuffled = [*seen, *seen[:5]]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    parts = as_marks(shuffled[:cut]).joined(as_marks(shuffled[cut:]))
    one, other = made([of], as_marks(seen)), made([of], parts)
    for name in ("time", "open", "high", "low", "close", "seconds", "partial"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


@given(option_strategies, marks)
def test_from_bars_the_close_is_the_same_and_the_rest_unknown(of: list[Leg], seen: list[Mark]) -> None:
    closes: dict[tuple[int, int], Mark] = {}
    for mark in sorted(seen, key=lambda mark: (mark.ms, mark.price)):
        closes[mark.slot, mark.ms // (BUCKET * 1000)] = mark
    second = START_S + np.arange(SECONDS)
    table = price_table(as_marks(list(closes.values())), slots=INSTRUMENTS, second=second)
    found = candles_from_bars(values(positions_of([of], SLOTS), table, fresh_ms=5_000), bucket=second - second % BUCKET)
    whole = made([of], as_marks(seen))
    there = found.seconds > 0
    assert np.array_equal(found.close[there], whole.close[there])
    assert (found.high == UNKNOWN).all()
    assert (found.low == UNKNOWN).all()
    assert found.from_bars


def by_force(of: Sequence[Leg], spot: Fraction) -> Fraction:
    """Return what legs are worth where the underlying closes at a price, each by itself."""
    total = Fraction(0)
    for leg in of:
        strike = Fraction(leg.contract.strike or 0)
        worth = {
            Kind.CALL: max(spot - strike, Fraction(0)),
            Kind.PUT: max(strike - spot, Fraction(0)),
            Kind.FUTURE: spot,
        }[leg.contract.kind]
        total += leg.side.sign * leg.entry.lots * leg.lot_size * (worth - Fraction(leg.entry.price))
    return total


@given(option_strategies, st.fractions(0, 500, max_denominator=1_000))
def test_a_payoff_is_the_sum_of_its_legs(of: list[Leg], spot: Fraction) -> None:
    assert payoff(of).at(spot) == by_force(of, spot)


@given(option_strategies)
def test_break_evens_are_zeros_and_the_only_ones(of: list[Leg]) -> None:
    found = payoff(of)
    assert [by_force(of, zero) for zero in found.break_evens] == [0] * len(found.break_evens)
    places = [Fraction(place) for place in range(0, 500, 5)]  # straight lines between these
    signs = [_sign(by_force(of, place)) for place in places]
    changes = [(low, high) for low, high, a, b in zip(places, places[1:], signs, signs[1:], strict=False) if a * b < 0]
    assert all(any(low < zero < high for zero in found.break_evens) for low, high in changes)


@given(option_strategies)
def test_no_price_pays_more_than_the_maximum_or_less_than_the_minimum(of: list[Leg]) -> None:
    found = payoff(of)
    paid = [by_force(of, Fraction(place)) for place in range(0, 500, 5)]
    far = by_force(of, Fraction(10**9)) - by_force(of, Fraction(10**9 - 1))
    assert (found.max_profit is None, found.max_loss is None) == (far > 0, far < 0)
    # All knots are multiples of 5 below 500: the extremes are among these places.
    assert found.max_profit in (None, max(paid))
    assert found.max_loss in (None, min(paid))


@given(option_strategies, st.fractions(0, 500, max_denominator=7))
def test_spans_of_profit_are_where_it_pays(of: list[Leg], spot: Fraction) -> None:
    found = payoff(of)
    assume(spot not in (0, *found.break_evens))
    inside = any(low < spot and (high is None or spot < high) for low, high in found.profitable)
    assert inside == (by_force(of, spot) > 0)


@given(option_strategies)
def test_the_probabilities_of_profit_and_of_its_opposite_are_at_most_1(of: list[Leg]) -> None:
    chance, other = (_probability(payoff(side)) for side in (of, [opposite(leg) for leg in of]))
    assert -1e-12 <= chance <= 1 + 1e-12
    assert chance + other <= 1 + 1e-12
    if all(by_force(of, zero + Fraction(1, 10**6)) for zero in payoff(of).break_evens):
        assert math.isclose(chance + other, 1) or _has_flat_zero(of)


def _probability(found: Payoff) -> float:
    return probability_of_profit(found, forward=100, sigma=0.3, years=0.5)


def _has_flat_zero(of: Sequence[Leg]) -> bool:
    found = payoff(of)
    ends = [*found.knots, found.knots[-1] + 1]
    return any(found.at(a) == 0 == found.at(b) for a, b in pairwise(ends))


def _sign(value: Fraction) -> int:
    return (value > 0) - (value < 0)
