"""Polls that went wrong: zeros in the middle of a day, and old snapshots on days without a session."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.db.models import Exists, OuterRef, Q, Sum

from fo_analytics.domain.calendar import IST, from_ms, to_ms
from fo_analytics.ingest.heartbeat import read_heartbeat
from fo_analytics.models import Bar, BarRollup, ChainMetric, OfficialClose, RollupDue
from fo_analytics.replay.player import Snapshot
from fo_analytics.replay.recording import RecordedTick, read
from fo_analytics.services.rollups import roll_up_due
from tests.integration.ingest import pipeline
from tests.rig.checksums import Checksums
from tradingviz.core.redis import sync_client

pytestmark = pytest.mark.usefixtures("db", "redis_url")

FOLDER = "nse_2026_02"
DAY_MS = 86_400_000

CONTRACT = ("instrument__underlying__symbol", "instrument__kind", "instrument__expiry", "instrument__strike")
ContractName = tuple[object, ...]
Spoil = Callable[[RecordedTick], RecordedTick]


@pytest.fixture(scope="module")
def some_time(shared_data: Path) -> list[Snapshot]:
    """Monday's first snapshots, from 12:11 on."""
    return list(read(shared_data / FOLDER / "index_option_chain_2026-02-02.csv.gz"))[:6]


@pytest.fixture(scope="module")
def end_of_friday(shared_data: Path) -> list[Snapshot]:
    """Friday's last snapshots, some of them after the close."""
    return list(read(shared_data / FOLDER / "index_option_chain_2026-01-30.csv.gz"))[-12:]


def run(snapshots: Iterable[Snapshot]) -> Checksums:
    """Let a new ingest take snapshots in, roll up; return what there is then."""
    pipeline.send(snapshots)
    pipeline.drain().beat()
    roll_up_due(wait=True)
    return pipeline.checksums()


def volumes() -> dict[ContractName, int]:
    """Return the units traded, of contracts with any."""
    rows = Bar.objects.filter(volume__gt=0).values_list(*CONTRACT).annotate(total=Sum("volume"))
    return {tuple(name): total for *name, total in rows}


@dataclass(frozen=True)
class Whole:
    """What there is when no poll went wrong."""

    rows: Checksums
    volumes: dict[ContractName, int]


_whole: list[Whole] = []


@pytest.fixture
def whole(some_time: list[Snapshot]) -> Whole:
    """What becomes of the snapshots alone: found out once, it does not depend on keys."""
    if not _whole:
        _whole.append(Whole(run(some_time), volumes()))
        forget_rows()
    return _whole[0]


def forget_rows() -> None:
    """Empty the tables that ticks end in."""
    for model in (Bar, BarRollup, ChainMetric, OfficialClose, RollupDue):
        model.objects.all().delete()


def dropped() -> dict[str, int]:
    """Return what the last ingest counted."""
    beat = read_heartbeat(sync_client(), shard=0)
    assert beat is not None
    return beat.dropped


def with_polls(snapshots: list[Snapshot], spoil: Spoil, *, after_ms: int) -> Iterator[Snapshot]:
    """Give a spoilt poll before the first snapshot and after each one."""
    first, ticks = snapshots[0]
    yield poll(ticks, spoil, first - after_ms)
    for ts, ticks in snapshots:
        yield ts, ticks
        yield poll(ticks, spoil, ts + after_ms)


def poll(ticks: list[RecordedTick], spoil: Spoil, ts: int) -> Snapshot:
    """Return a snapshot in which every tick is spoilt."""
    return ts, [replace(spoil(tick), ts=ts) for tick in ticks]


def nothing(tick: RecordedTick) -> RecordedTick:
    """Everything is 0."""
    return replace(tick, last=0.0, volume=0.0, oi=0.0)


def nothing_and_no_quotes(tick: RecordedTick) -> RecordedTick:
    """Everything is 0, both sides of the book too."""
    return replace(nothing(tick), bid=0.0, bid_qty=0.0, ask=0.0, ask_qty=0.0)


@pytest.mark.parametrize("after_ms", [1_000, 90_000], ids=["same minute", "minute of its own"])
@pytest.mark.parametrize("spoil", [nothing, nothing_and_no_quotes])
def test_a_poll_of_nothing_but_zeros_changes_no_row(
    spoil: Spoil, after_ms: int, some_time: list[Snapshot], whole: Whole
) -> None:
    assert whole.rows["bar"][0] > 1_000
    assert run(with_polls(some_time, spoil, after_ms=after_ms)) == whole.rows
    assert dropped()["empty"] > sum(len(ticks) for _, ticks in some_time)


def missing(name: str, value: float | None) -> Spoil:
    """Return what puts `value` in place of a field that had something."""

    def spoil(tick: RecordedTick) -> RecordedTick:
        return replace(tick, **{name: value}) if getattr(tick, name) else tick  # type: ignore[arg-type]

    return spoil


@pytest.mark.parametrize("after_ms", [1_000, 90_000], ids=["same minute", "minute of its own"])
@pytest.mark.parametrize("name", ["last", "volume", "oi"])
def test_a_zero_where_something_was_is_the_same_as_not_said(
    name: str, after_ms: int, some_time: list[Snapshot]
) -> None:
    _, *rest = with_polls(some_time, missing(name, None), after_ms=after_ms)
    unsaid = run(rest)
    forget_rows()
    _, *rest = with_polls(some_time, missing(name, 0.0), after_ms=after_ms)
    assert run(rest) == unsaid


@pytest.mark.parametrize("name", ["last", "volume", "oi"])
def test_a_zero_never_becomes_a_price_an_open_interest_or_a_negative_volume(
    name: str, some_time: list[Snapshot], whole: Whole
) -> None:
    run(with_polls(some_time, missing(name, 0.0), after_ms=90_000))
    for model in (Bar, BarRollup):
        rows = model.objects.all()
        assert not rows.filter(Q(open__lte=0) | Q(high__lte=0) | Q(low__lte=0) | Q(close__lte=0)).exists()
        assert not rows.filter(volume__lt=0).exists()
    had_some = Bar.objects.filter(instrument=OuterRef("instrument"), time__lt=OuterRef("time"), oi__gt=0)
    assert Bar.objects.filter(oi__gt=0).count() > 1_000
    assert not Bar.objects.filter(oi=0).filter(Exists(had_some)).exists()
    assert volumes() == whole.volumes


def shifted(snapshots: Iterable[Snapshot], *, days: int) -> list[Snapshot]:
    """Return snapshots as if they came that many days earlier."""
    return [poll(ticks, lambda tick: tick, ts - days * DAY_MS) for ts, ticks in snapshots]


CLOSED = pytest.mark.parametrize(
    ("days", "closed"),
    [(7, date(2026, 1, 26)), (0, date(2026, 1, 31))],
    ids=["Republic Day", "a Saturday"],
)


@CLOSED
def test_a_poll_stamped_on_a_day_without_a_session_makes_nothing(
    days: int, closed: date, end_of_friday: list[Snapshot]
) -> None:
    friday = shifted(end_of_friday, days=days)
    stored = run(friday)
    assert stored["bar"][0] > 0
    assert stored["fo_analytics_officialclose"][0] > 0
    for hour in (10, 13, 16):
        stamp = to_ms(datetime(closed.year, closed.month, closed.day, hour, tzinfo=IST))
        _, ticks = friday[-1]
        assert run([poll(ticks, lambda tick: tick, stamp)]) == stored
        assert dropped()["no_session"] > 0


@CLOSED
def test_a_poll_that_repeats_the_last_session_changes_nothing(
    days: int, closed: date, end_of_friday: list[Snapshot]
) -> None:
    friday = shifted(end_of_friday, days=days)
    assert from_ms(friday[-1][0]) + timedelta(days=1) <= datetime.combine(closed, datetime.max.time(), UTC)
    stored = run(friday)
    for again in (friday[-1:], friday[:1], friday):
        assert run(again) == stored
