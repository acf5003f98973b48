"""`manage.py follow_orders`: order updates are stored and published, until stopped."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from accounts.order_stream import KEY
from accounts.services.follower import make_follower


class Command(BaseCommand):
    """Run the process that follows order updates."""

    help = "store and publish order updates of brokers, until stopped"

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT; what was read is stored before the end."""
        follower = make_follower()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: follower.stop())
        self.stdout.write(f"follow_orders reads {KEY}")
        follower.run()
        left_out = ", ".join(f"{reason} {count}" for reason, count in sorted(follower.left_out.items()))
        self.stdout.write(f"left out: {left_out or 'nothing'}")
