"""`manage.py bridge`: messages of the earlier ticker service become ticks on the streams, until stopped."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from fo_analytics.services.bridge import make_bridge
from streaming.ticker.bridge import PATTERNS


class Command(BaseCommand):
    """Run the bridge. One is enough for all underlyings."""

    help = "put the earlier ticker service's Pub/Sub messages onto the tick streams, until stopped"

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT; what was taken is sent before the end."""
        bridge = make_bridge()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: bridge.stop())
        self.stdout.write(f"bridge listens to {' '.join(PATTERNS)}")
        bridge.run()
        counts = "".join(f", {count:,} {kind}" for kind, count in sorted(bridge.counts.items()))
        self.stdout.write(f"bridge ended: {bridge.sent:,} ticks sent{counts}")
