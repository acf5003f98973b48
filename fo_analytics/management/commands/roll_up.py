"""`manage.py roll_up`: bars of 5 minutes to a day, made from the stored minutes."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from fo_analytics.management.sharing import parse_date
from fo_analytics.models import Underlying
from fo_analytics.services.rollups import roll_up, roll_up_due


class Command(BaseCommand):
    """Roll up what is due, or whole sessions anew."""

    help = "roll minutes up into longer bars: what is due, or the sessions of --from to --to anew"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--from", dest="first", type=parse_date, help="first date (IST), YYYY-MM-DD")
        parser.add_argument("--to", dest="last", type=parse_date, help="last date; without it the first")
        parser.add_argument("--underlying", action="append", default=[], help="one of several, for example NIFTY")

    def handle(self, *args: Any, **options: Any) -> None:
        """Roll up and say how many rows changed."""
        began = time.monotonic()
        changed = self._sessions(options) if options["first"] else self._due(options)
        self.stdout.write(f"rolled up in {time.monotonic() - began:.1f} s: {changed:,} rows changed")

    def _due(self, options: dict[str, Any]) -> int:
        if options["last"] or options["underlying"]:
            raise CommandError("--to and --underlying need --from; without it everything that is due is rolled up")
        return roll_up_due(wait=True)

    def _sessions(self, options: dict[str, Any]) -> int:
        first, last = options["first"], options["last"] or options["first"]
        if last < first:
            raise CommandError(f"--to {last} lies before --from {first}")
        known = set(Underlying.objects.values_list("symbol", flat=True))
        if unknown := sorted(set(options["underlying"]) - known):
            raise CommandError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
        return roll_up(first=first, last=last, underlyings=options["underlying"])
