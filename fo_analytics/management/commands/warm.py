"""`manage.py warm`: compile the numeric kernels into their disk cache."""

import time
from typing import Any

from django.core.management.base import BaseCommand

from fo_analytics.domain.kernels import load_kernels


class Command(BaseCommand):
    """Run every kernel once; later processes load what this one compiled."""

    help = "compile the numeric kernels into their disk cache"

    def handle(self, *args: Any, **options: Any) -> None:
        """Price one option."""
        started = time.perf_counter()
        load_kernels()
        self.stdout.write(f"kernels ready in {time.perf_counter() - started:.1f} s")
