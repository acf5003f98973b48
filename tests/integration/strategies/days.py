"""The recorded days with two strategies in them, through ingest and passes."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from accounts.models import User
from fo_analytics.domain.calendar import IST
from fo_analytics.replay.player import Snapshot
from fo_analytics.replay.recording import read
from fo_analytics.services.ingest import make_ingest
from fo_analytics.services.instruments import ensure_instruments
from strategies.models import Strategy
from tests.integration.ingest import pipeline
from tests.integration.strategies import recorded
from tests.integration.strategies.entered import CONDOR, STRADDLE, enter, held, rupees
from tests.integration.strategies.passes import recalculate_all, remake_all

LEGS = {"straddle": STRADDLE, "condor": CONDOR}


def snapshots(folder: Path) -> list[Snapshot]:
    """Return the four days as ticks."""
    files = (folder / f"nse_2026_02/index_option_chain_{day}.csv.gz" for day in recorded.DAYS)
    return [snapshot for file in files for snapshot in read(file)]


def enter_both(folder: Path, days: Sequence[Snapshot]) -> datetime:
    """Store a straddle and a condor, entered at the first snapshot; return its stamp (naive IST)."""
    ts, ticks = days[0]
    ensure_instruments(keys=[tick.key for tick in ticks], seen_on=date(2026, 1, 30))
    owner, at = User.objects.create_user("owner"), datetime.fromtimestamp(ts / 1000, IST)
    for name, legs in LEGS.items():
        enter(owner, name, held(folder, legs), at)
    return at.replace(tzinfo=None)


def run(days: Sequence[Snapshot], *, every: int | None) -> None:
    """Ingest the days; a pass after every so many snapshots, or one after all."""
    service = make_ingest(shard=0)
    for at in range(0, len(days), every or len(days)):
        pipeline.send(days[at : at + (every or len(days))])
        pipeline.drain(service)
        recalculate_all()
    remake_all()


def assert_candles(folder: Path, entered: datetime) -> None:
    """Fail where a candle of either is not what the recording says."""
    for name, legs in LEGS.items():
        strategy = Strategy.objects.get(name=name)
        wanted = recorded.candles(recorded.prices(folder), held(folder, legs), entered=entered)
        assert len(wanted) > 150
        assert rupees(strategy) == wanted
        assert not strategy.candles.filter(from_bars=True).exists()
