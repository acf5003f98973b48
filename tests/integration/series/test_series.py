"""Moneyness series equal a plain recomputation from the stored rows, row by row."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import cache

import numpy as np
import pytest

from fo_analytics.domain.calendar import IST, ist_instant, to_ms
from fo_analytics.domain.moneyness import Side, level, strike_at
from fo_analytics.domain.timeframes import MINUTES, bucket_open
from fo_analytics.models import Bar, BarRollup, ChainMetric, Instrument, Underlying
from fo_analytics.selectors.series import VALUES, Series, moneyness_series, spans_of
from tests.integration.series import market
from tradingviz.core.errors import InvalidRequest

Row = tuple[int, float, date, tuple[float | None, ...]]
ALL = (date(2026, 8, 3), date(2026, 8, 6))


def ask(
    side: Side = "call",
    moneyness: str = "ATM",
    expiry: str = "NWeek+0",
    timeframe: str = "1m",
    between: tuple[date | datetime, date | datetime] = ALL,
    values: tuple[str, ...] = VALUES,
) -> Series:
    """Return a series of the market; days begin at midnight IST."""
    since, until = (at if isinstance(at, datetime) else ist_instant(at, datetime.min.time()) for at in between)
    return moneyness_series(
        underlying=Underlying.objects.get(symbol=market.SYMBOL),
        side=side, moneyness=moneyness, expiry=expiry, timeframe=timeframe,
        since_ms=to_ms(since), until_ms=to_ms(until), values=values,
    )  # fmt: skip


def rows_of(series: Series) -> list[Row]:
    """Return a series row by row, null where a value is not known."""
    columns = zip(*(column.tolist() for column in series.values.values()), strict=True)
    values = (tuple(None if np.isnan(value) else value for value in row) for row in columns)
    return list(zip(series.time_ms.tolist(), series.strike.tolist(), series.expiry, values, strict=True))


def recomputed(side: Side, moneyness: str, expiry: str, timeframe: str) -> list[Row]:
    """Return the rows of a series over all sessions, bucket by bucket, in the plainest way there is."""
    money, bars, contracts = recomputed_from(timeframe)
    rows = []
    for session in market.sessions():
        buckets: dict[datetime, list[datetime]] = {}
        for minute in session.bucket_starts:
            at = bucket_open(minute, opens_at=session.opens_at, minutes=MINUTES[timeframe])
            buckets.setdefault(at, []).append(minute)
        for opens, minutes in buckets.items():
            day = meaning(expiry, opens)
            known = [strike for minute in minutes if (strike := money.get((day, minute))) is not None]
            if not known:
                continue
            here = [each for each in contracts if each.expiry == day and market.is_listed(each, session)]
            ladder = [float(each.strike) for each in here if each.strike is not None]
            strike = float(strike_at(ladder, known[-1], level(moneyness), side == "call"))
            kind = "CE" if side == "call" else "PE"
            for each in here:
                if each.kind == kind and float(each.strike or 0) == strike and (each.pk, opens) in bars:
                    rows.append((to_ms(opens), strike, day, bars[each.pk, opens]))
    return rows


@pytest.fixture(scope="module")
def remembered(stored: None) -> Iterator[None]:
    """What recomputations start from is read once per timeframe."""
    yield
    recomputed_from.cache_clear()


@cache
def recomputed_from(
    timeframe: str,
) -> tuple[
    dict[tuple[date, datetime], float | None], dict[tuple[int, datetime], tuple[float | None, ...]], list[Instrument]
]:
    """Return what a recomputation starts from, as it is stored."""
    money = {(row.expiry, row.time): row.atm_strike for row in ChainMetric.objects.all()}
    stored = Bar.objects.all() if timeframe == "1m" else BarRollup.objects.filter(timeframe=timeframe)
    bars = {(row[0], row[1]): row[2:] for row in stored.values_list("instrument_id", "time", *VALUES)}
    return money, bars, list(Instrument.objects.all())


def meaning(expiry: str, opens: datetime) -> date:
    """Return what a weekly label or a date means when a bucket opens."""
    if not expiry.startswith("NWeek+"):
        return date.fromisoformat(expiry)
    alive = [day for day in market.EXPIRIES if opens < market.known_calendar().expires_at(day)]
    return alive[int(expiry.removeprefix("NWeek+"))]


def clock(instant: datetime) -> str:
    """Return an instant as an IST clock time."""
    return f"{instant.astimezone(IST):%H:%M}"


@pytest.mark.django_db
@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("timeframe", list(MINUTES))
@pytest.mark.parametrize("expiry", ["NWeek+0", "NWeek+1", "2026-08-11", "2026-08-04"])
@pytest.mark.parametrize(("side", "moneyness"), [("call", "ATM"), ("put", "ATM"), ("put", "OTM2"), ("call", "ITM3")])
def test_a_series_is_what_the_stored_rows_say(side: Side, moneyness: str, expiry: str, timeframe: str) -> None:
    expected = recomputed(side, moneyness, expiry, timeframe)
    assert expected or timeframe == "1d"  # three days: none of them may have the level
    assert rows_of(ask(side, moneyness, expiry, timeframe)) == expected


@pytest.mark.django_db
@pytest.mark.usefixtures("remembered")
def test_a_label_turns_to_the_next_expiry_when_contracts_stop() -> None:
    owner = Underlying.objects.get(symbol=market.SYMBOL)
    day = [to_ms(ist_instant(each, datetime.min.time())) for each in (market.TUESDAY, market.WEDNESDAY)]
    spans = spans_of(underlying=owner, expiry="NWeek+0", since_ms=day[0], until_ms=day[1])
    parts = [(clock(span.from_at), clock(span.to_at), span.expiry) for span in spans]
    assert parts == [("09:15", "15:30", market.TUESDAY), ("15:30", "15:40", market.EXPIRIES[1])]


@pytest.mark.django_db
@pytest.mark.usefixtures("remembered")
def test_beyond_the_ladder_there_is_nothing() -> None:
    assert rows_of(ask(moneyness="OTM7")) == recomputed("call", "OTM7", "NWeek+0", "1m") == []
    steps = ask(moneyness="OTM6", expiry="NWeek+1")
    assert rows_of(steps) == recomputed("call", "OTM6", "NWeek+1", "1m")
    assert set(steps.strike) == {market.STRIKES[-1]}


@pytest.mark.django_db
@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("timeframe", ["1m", "15m", "1h"])
def test_bounds_hold_for_the_opens_of_bars(timeframe: str) -> None:
    first = ist_instant(market.MONDAY, datetime.min.time().replace(hour=11, minute=7))
    last = ist_instant(market.WEDNESDAY, datetime.min.time().replace(hour=14, minute=20))
    expected = [row for row in recomputed("put", "OTM1", "NWeek+0", timeframe) if to_ms(first) <= row[0] < to_ms(last)]
    assert expected
    assert rows_of(ask("put", "OTM1", "NWeek+0", timeframe, (first, last))) == expected


@pytest.mark.django_db
@pytest.mark.usefixtures("remembered")
def test_only_the_columns_asked_for_come_in_their_order() -> None:
    assert list(ask(values=("vega", "iv", "oi")).values) == ["vega", "iv", "oi"]


@pytest.mark.django_db
@pytest.mark.usefixtures("remembered")
def test_without_a_session_there_is_nothing() -> None:
    assert rows_of(ask(between=(date(2026, 8, 8), date(2026, 8, 10)))) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"moneyness": "ATM+1"}, "moneyness"),
        ({"expiry": "NWeek+9"}, "expiry"),
        ({"timeframe": "2m"}, "timeframe"),
        ({"values": ("close", "1; DROP TABLE bar")}, "values"),
    ],
)
def test_what_does_not_exist_is_refused_by_name(wrong: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask(**wrong)  # type: ignore[arg-type]
    assert caught.value.field == field
