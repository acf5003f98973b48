"""`manage.py replay`: a recording, or a folder of them, onto the tick stream."""

import time
from argparse import ArgumentTypeError
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from fo_analytics.domain.calendar import IST, from_ms
from fo_analytics.management.sharing import missing_ingests
from fo_analytics.replay.player import Played
from fo_analytics.replay.recording import UnknownRecording
from fo_analytics.selectors.coverage import count_bars
from fo_analytics.services.replay import replay_recording
from fo_analytics.services.rollups import roll_up_due
from streaming.ticker.stream import NobodyReads


def parse_speed(text: str) -> float | None:
    """Return the speed, None for `max`."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= 1e6:
        raise ArgumentTypeError(f"{text!r} is neither a positive number nor max")
    return speed


class Command(BaseCommand):
    """Send recorded ticks as if they came from the ticker service."""

    help = "play a recording, or a folder of recordings, onto the tick stream"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("path", type=Path, help="a recording (.csv, .csv.gz) or a folder of recordings")
        parser.add_argument("--speed", type=parse_speed, default=1.0, help="times as fast as recorded, or max")
        parser.add_argument("--wait", action="store_true", help="return when everything is committed and rolled up")

    def handle(self, *args: Any, **options: Any) -> None:
        """Play; with --wait and no ingest running, bring one along for as long as it takes."""
        try:
            shards = range(settings.TICK_SHARDS)
            with missing_ingests(shards, say=self.stdout.write) if options["wait"] else nullcontext():
                self._play(options)
        except (UnknownRecording, NobodyReads) as error:
            raise CommandError(str(error)) from error
        except redis.ConnectionError as error:
            raise CommandError(f"Redis does not answer at REDIS_URL: {error}") from error

    def _play(self, options: dict[str, Any]) -> None:
        began = time.monotonic()
        shown = began
        played = Played()
        replay = replay_recording(path=options["path"], speed=options["speed"], wait=options["wait"])
        for played in replay:
            if time.monotonic() - shown >= 5:
                shown = time.monotonic()
                self.stdout.write(f"  {_clock(played.ts)}  {played.ticks:,} ticks")
        seconds = time.monotonic() - began
        bars = _stored(played) if options["wait"] else ""
        self.stdout.write(
            f"replayed {played.ticks:,} ticks of {played.snapshots:,} snapshots up to {_clock(played.ts)} "
            f"in {seconds:.1f} s ({played.ticks / max(seconds, 1e-9):,.0f} ticks/s){bars}"
        )


def _stored(played: Played) -> str:
    """Roll up, and say what the tables hold and what that changed."""
    stored = count_bars(underlyings=played.underlyings, first_ms=played.first_ts, last_ms=played.ts)
    return f", {stored:,} bars stored, {roll_up_due(wait=True):,} longer ones rolled up"


def _clock(ts: int) -> str:
    return f"{from_ms(ts).astimezone(IST):%Y-%m-%d %H:%M:%S} IST" if ts else "nothing"
