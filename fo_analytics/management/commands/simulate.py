"""`manage.py simulate`: a small generated market onto the tick stream, until stopped."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from fo_analytics.services.replay import simulate_market
from streaming.ticker.stream import NobodyReads


class Command(BaseCommand):
    """Feed the stream with made-up prices; only ever into a database of their own."""

    help = "put a small generated market onto the tick stream, until stopped"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--seed", type=int, default=1, help="which market")
        parser.add_argument("--interval", type=float, default=1.0, help="seconds between snapshots")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped; refuse a database that is not named as simulated."""
        name = str(settings.DATABASES["default"]["NAME"])
        if "simulated" not in name:
            raise CommandError(f"made-up prices must not mix with real ones: DB_NAME={name} lacks the word simulated")
        try:
            for _ in simulate_market(seed=options["seed"], interval_s=options["interval"]):
                pass
        except KeyboardInterrupt:
            return
        except NobodyReads as error:
            raise CommandError(str(error)) from error
