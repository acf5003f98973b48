"""`manage.py recompute_m2m`: candles of strategies made again, for past sessions."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from fo_analytics.management.sharing import parse_date
from strategies.services.remaking import remake_sessions
from tradingviz.core.redis import sync_client


class Command(BaseCommand):
    """Make candles again now, and not when beat comes to it."""

    help = "make the M2M candles of strategies again, of the sessions of --from to --to"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--strategy", action="append", type=int, required=True, help="its id; one of several")
        parser.add_argument("--from", dest="first", type=parse_date, required=True, help="first date (IST), YYYY-MM-DD")
        parser.add_argument("--to", dest="last", type=parse_date, help="last date; without it the first")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make them, and say how many changed."""
        began, first = time.monotonic(), options["first"]
        last = options["last"] or first
        if last < first:
            raise CommandError(f"--to {last} lies before --from {first}")
        done = remake_sessions(sync_client(), strategy_ids=options["strategy"], first=first, last=last)
        if unknown := sorted(set(options["strategy"]) - done.keys()):
            raise CommandError(f"neither active nor closed: {', '.join(map(str, unknown))}; the others are made")
        took = time.monotonic() - began
        self.stdout.write(f"made again in {took:.1f} s: {sum(done.values()):,} candles of {len(done)} strategies")
