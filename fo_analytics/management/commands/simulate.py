"""`manage.py simulate`: makes the database ready for the simulator's market, and has its ticks sent."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from fo_analytics.master_file import UnreadableMaster
from fo_analytics.services.simulation import prepare_simulated_market
from streaming.domain.circuit import CircuitBreaker
from streaming.ticker.client import TickerClient, TickerUnavailable
from tradingviz.core.clock import now_ms


class Command(BaseCommand):
    """Sessions, instruments and subscriptions of made-up prices; only ever into a database of their own."""

    help = "make sessions and instruments for the simulator at TICKER_SERVICE_URL, and subscribe to it"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--patience", type=float, default=30.0, help="seconds to wait for the simulator")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make ready; refuse a database that is not named as simulated."""
        name = str(settings.DATABASES["default"]["NAME"])
        if "simulated" not in name:
            raise CommandError(f"made-up prices must not mix with real ones: DB_NAME={name} lacks the word simulated")
        # It is probably just starting: no reason to leave it alone for a while.
        eager = TickerClient(settings.TICKER_SERVICE_URL, attempts=1, breaker=CircuitBreaker(failures=1_000_000))
        try:
            imported, subscribed = prepare_simulated_market(
                client=eager, now_ms=now_ms(), patience_s=options["patience"]
            )
        except (TickerUnavailable, UnreadableMaster) as error:
            raise CommandError(str(error)) from error
        listed = imported.added + imported.changed + imported.kept
        self.stdout.write(f"{listed:,} instruments as of {imported.as_of}, {subscribed.wanted:,} subscribed")
