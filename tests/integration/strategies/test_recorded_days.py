"""30-Jan to 3-Feb-2026, through expiry: every candle against a recomputation of its own from the recording."""

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from accounts.models import User
from fo_analytics.domain.calendar import IST
from fo_analytics.marks_keys import minute_key
from fo_analytics.replay.recording import Snapshots, read
from fo_analytics.services.ingest import make_ingest
from fo_analytics.services.instruments import ensure_instruments
from strategies.models import Strategy
from strategies.services.legs import note_outdated
from tests.integration.ingest import pipeline
from tests.integration.strategies import recorded
from tests.integration.strategies.entered import CONDOR, STRADDLE, enter, held, rupees
from tests.integration.strategies.passes import recalculate_all, remake_all
from tradingviz.core.redis import sync_client

pytestmark = pytest.mark.usefixtures("db", "redis_url")


def snapshots(folder: Path) -> Snapshots:
    """Return the four days as ticks."""
    for day in recorded.DAYS:
        yield from read(folder / f"nse_2026_02/index_option_chain_{day}.csv.gz")


@pytest.fixture
def entered(shared_data: Path) -> datetime:
    """Return the stamp of the first snapshot; its contracts are listed."""
    ts, ticks = next(iter(snapshots(shared_data)))
    ensure_instruments(keys=[tick.key for tick in ticks], seen_on=date(2026, 1, 30))
    return datetime.fromtimestamp(ts / 1000, IST)


@pytest.fixture
def strategies(shared_data: Path, owner: User, entered: datetime) -> dict[str, Strategy]:
    """A straddle and a condor, entered at the first snapshot."""
    legs = {"straddle": STRADDLE, "condor": CONDOR}
    return {name: enter(owner, name, held(shared_data, found), entered) for name, found in legs.items()}


def expected(folder: Path, name: str, at: datetime) -> dict[datetime, recorded.Candle]:
    """Return the candles that the recording says, by the minute's open (naive IST)."""
    legs = held(folder, {"straddle": STRADDLE, "condor": CONDOR}[name])
    return recorded.candles(recorded.prices(folder), legs, entered=at.replace(tzinfo=None))


def run(folder: Path, *, every: int | None) -> None:
    """Ingest the days; a pass after every so many snapshots, or one after all."""
    service = make_ingest(shard=0)
    if every is None:
        pipeline.send(snapshots(folder))
        pipeline.drain(service)
    else:
        waiting = list(snapshots(folder))
        for at in range(0, len(waiting), every):
            pipeline.send(waiting[at : at + every])
            pipeline.drain(service)
            recalculate_all()
    recalculate_all()
    remake_all()


@pytest.mark.parametrize("every", [None, 4], ids=["one pass after all", "a pass after every four snapshots"])
def test_every_candle_is_what_the_recording_says_whenever_passes_run(
    shared_data: Path, entered: datetime, strategies: dict[str, Strategy], every: int | None
) -> None:
    run(shared_data, every=every)
    for name, strategy in strategies.items():
        wanted = expected(shared_data, name, entered)
        assert len(wanted) > 150
        assert rupees(strategy) == wanted
        assert not strategy.candles.filter(from_bars=True).exists()
        times = {minute.time() for minute in wanted}
        assert time(9, 15) <= min(times) <= max(times) <= time(15, 29)


def test_closes_made_of_stored_minutes_are_those_made_of_marks(
    shared_data: Path, entered: datetime, strategies: dict[str, Strategy]
) -> None:
    strategy = strategies["straddle"]
    run(shared_data, every=None)
    of_marks = rupees(strategy)
    client = sync_client()
    client.delete(*client.keys(minute_key("*")))
    note_outdated(strategy_id=strategy.pk, since=entered)
    remake_all()
    rows = list(strategy.candles.all())
    assert all((row.from_bars, row.open, row.high, row.low) == (True, None, None, None) for row in rows)
    closes = {row.time.astimezone(IST).replace(tzinfo=None): Decimal(row.close) / 100 for row in rows}
    assert closes == {at: candle[3] for at, candle in of_marks.items()}
