"""`manage.py backfill`: holes in the stored minutes, filled from the ticker service's history."""

import time
from contextlib import nullcontext
from datetime import date
from typing import Any

import redis
from django.core.management.base import BaseCommand, CommandError, CommandParser

from fo_analytics.domain.calendar import IST, from_ms
from fo_analytics.management.sharing import missing_ingests, parse_date
from fo_analytics.models import Underlying
from fo_analytics.selectors.reference import find_underlying
from fo_analytics.services.backfill import Outcome, backfill, shard_carrying, ticker_client
from fo_analytics.services.rollups import roll_up_due
from streaming.ticker.client import TickerUnavailable
from streaming.ticker.stream import NobodyReads, TickProducer
from tradingviz.core.clock import now_ms
from tradingviz.core.errors import InvalidRequest
from tradingviz.core.redis import sync_client


class Command(BaseCommand):
    """Fill holes, whenever they were asked for before."""

    help = "find the minutes that the feed missed and fill them from the ticker service's history"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--underlying", action="append", required=True, help="one of several, for example NIFTY")
        parser.add_argument("--from", dest="first", type=parse_date, required=True, help="first date (IST), YYYY-MM-DD")
        parser.add_argument("--to", dest="last", type=parse_date, help="last date; without it the first")
        parser.add_argument("--wait", action="store_true", help="return when everything is committed and rolled up")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask and say what came; with --wait and no ingest running, bring one along for as long as it takes."""
        first, last = options["first"], options["last"] or options["first"]
        if last < first:
            raise CommandError(f"--to {last} lies before --from {first}")
        try:
            underlyings = list({(row := find_underlying(name=name)).pk: row for name in options["underlying"]}.values())
            shards = {shard_carrying(underlying) for underlying in underlyings}
            with missing_ingests(shards, say=self.stdout.write) if options["wait"] else nullcontext():
                self._fill(underlyings, first, last, wait=options["wait"])
        except InvalidRequest as error:
            raise CommandError(f"{error.detail}; known: {', '.join(error.valid)}") from error
        except (TickerUnavailable, NobodyReads) as error:
            raise CommandError(str(error)) from error
        except redis.ConnectionError as error:
            raise CommandError(f"Redis does not answer at REDIS_URL: {error}") from error

    def _fill(self, underlyings: list[Underlying], first: date, last: date, *, wait: bool) -> None:
        began = time.monotonic()
        client = ticker_client()
        outcomes: list[Outcome] = []
        for underlying in underlyings:
            for outcome in backfill(underlying=underlying, first=first, last=last, now_ms=now_ms(), client=client):
                outcomes.append(outcome)
                self.stdout.write(describe(outcome))
            if wait:
                TickProducer(sync_client(), shard=shard_carrying(underlying)).wait_until_taken()
        rolled = f", {roll_up_due(wait=True):,} longer bars rolled up" if wait else ""
        self.stdout.write(
            f"{len(outcomes):,} holes, {sum(outcome.candles for outcome in outcomes):,} candles, "
            f"{sum(outcome.ticks for outcome in outcomes):,} ticks sent in {time.monotonic() - began:.1f} s{rolled}"
        )


def describe(outcome: Outcome) -> str:
    """Return the line of a hole."""
    hole = outcome.hole
    first, last = (from_ms(ms).astimezone(IST) for ms in (hole.first_ms, hole.last_ms))
    said = (
        f"{outcome.filled} filled, {outcome.candles:,} candles" if outcome.filled else "the ticker service has nothing"
    )
    return (
        f"{outcome.underlying} {first:%Y-%m-%d %H:%M} to {last:%H:%M} IST, {hole.minutes} minutes of "
        f"{outcome.contracts:,} contracts: {said}"
    )
