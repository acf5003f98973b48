"""`manage.py ingest`: ticks of one shard become bars, metrics and live chains, until stopped."""

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from fo_analytics.services.ingest import make_ingest
from streaming.publisher import Fenced


class Command(BaseCommand):
    """Run the ingest process of a shard."""

    help = "turn the ticks of one shard into bars, metrics and live chains, until stopped"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--shard", type=int, default=settings.TICK_SHARD, help="which stream to read")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT; what was read is committed before the end."""
        service = make_ingest(shard=options["shard"])
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: service.stop())
        self.stdout.write(f"ingest reads ticks:{options['shard']}")
        try:
            service.run()
        except Fenced as fenced:
            # Two ingests of one shard would each see half of the ticks: the older one gives way.
            raise CommandError(f"{fenced}: another ingest of shard {options['shard']} has started") from fenced
