"""Longer bars made from the stored minutes by pandas, in the plainest way there is."""

from datetime import date, datetime

import pandas as pd

from fo_analytics.domain.calendar import IST
from fo_analytics.models import Bar, BarRollup, OfficialClose
from fo_analytics.selectors.sessions import calendar_of

MINUTES = {"5m": 5, "15m": 15, "30m": 30, "1h": 60, "1d": 1440}
WORTH = ["forward", "iv", "delta", "gamma", "theta", "vega", "rho", "iv_reason"]
VALUES = ["open", "high", "low", "close", "volume", "oi", "bid", "ask", *WORTH, "flags", "first_at", "last_at"]
KEY = ["instrument_id", "time"]
FLOATS = [name for name in VALUES if name not in ("iv_reason", "flags", "first_at", "last_at")]


def stored(timeframe: str) -> pd.DataFrame:
    """Return the rolled-up bars of a timeframe by instrument and time."""
    rows = BarRollup.objects.filter(timeframe=timeframe).values_list(*KEY, *VALUES)
    return _typed(pd.DataFrame(rows, columns=[*KEY, *VALUES]))


def minutes() -> pd.DataFrame:
    """Return every stored minute with its exchange and its day (IST)."""
    rows = Bar.objects.values_list("instrument__underlying__exchange", *KEY, *VALUES)
    bars = pd.DataFrame(rows, columns=["exchange", *KEY, *VALUES])
    times = pd.to_datetime(bars["time"], utc=True)
    return bars.assign(time=times, day=times.dt.tz_convert(IST).dt.date)


def recomputed(timeframe: str, bars: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return what the rolled-up bars of a timeframe have to be by the minutes, session by session.

    The minutes are read where they are not given.
    """
    parts = []
    for (exchange, day), within in (minutes() if bars is None else bars).groupby(["exchange", "day"]):
        session = calendar_of(exchange=exchange).session_on(day)
        assert session is not None
        part = _session(within, timeframe, session.opens_at)
        parts.append(_with_official_close(part, day) if timeframe == "1d" else part)
    return _typed(pd.concat(parts).reset_index())


def assert_all_equal_to_minutes() -> None:
    """Compare every stored bar of every timeframe with its minutes, to the last bit."""
    bars = minutes()
    for timeframe in MINUTES:
        pd.testing.assert_frame_equal(stored(timeframe), recomputed(timeframe, bars), check_exact=True, obj=timeframe)


def _session(within: pd.DataFrame, timeframe: str, opens_at: datetime) -> pd.DataFrame:
    width = pd.Timedelta(minutes=MINUTES[timeframe])
    bucket = pd.Timestamp(opens_at) + (within["time"] - opens_at) // width * width
    bars = within.sort_values("time").assign(time=bucket)
    groups = bars.groupby(KEY)
    columns = {
        "open": groups["open"].first(),
        "high": groups["high"].max(),
        "low": groups["low"].min(),
        "close": groups["close"].last(),
        "volume": groups["volume"].sum(min_count=1),
        "oi": groups["oi"].last(),
        "first_at": groups["first_at"].min(),
        "last_at": groups["last_at"].max(),
        "flags": groups["flags"].max(),  # there is one flag: its OR is its maximum
    }
    quoted = _last(bars[bars["bid"].notna() | bars["ask"].notna()])[["bid", "ask"]]
    # Those with Greeks behind those without: the last is the newest with Greeks, else the newest.
    ranked = bars.assign(valued=bars["delta"].notna()).sort_values("valued", kind="stable")
    return pd.DataFrame(columns).join(quoted).join(_last(ranked)[WORTH])


def _last(bars: pd.DataFrame) -> pd.DataFrame:
    """Return the last row of each bucket, whole."""
    return bars.groupby(KEY).tail(1).set_index(KEY)


def _with_official_close(part: pd.DataFrame, day: date) -> pd.DataFrame:
    closes = OfficialClose.objects.filter(date=day, underlying__instruments__kind="SPOT")
    for spot, price, at in closes.values_list("underlying__instruments", "price", "observed_at"):
        here = part.index.get_level_values("instrument_id") == spot
        part.loc[here, "close"] = price
        part.loc[here, "high"] = part.loc[here, "high"].clip(lower=price)
        part.loc[here, "low"] = part.loc[here, "low"].clip(upper=price)
        part.loc[here, "last_at"] = at
    return part


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame by key, numbers as float, stamps as stamps."""
    kinds: dict[str, str] = dict.fromkeys(FLOATS, "float64") | {"iv_reason": "int64", "flags": "int64"}
    kinds |= dict.fromkeys(("time", "first_at", "last_at"), "datetime64[us, UTC]")
    return frame.astype(kinds).set_index(KEY)[VALUES].sort_index()
