"""`manage.py import_instruments`: the broker's list of instruments into the master."""

import time
from argparse import ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper

from fo_analytics.domain.calendar import from_ms, ist_date
from fo_analytics.master_file import UnreadableMaster
from fo_analytics.services.master_import import Imported, import_master
from tradingviz.core.clock import now_ms

WIDTH = 30


def parse_day(text: str) -> date:
    """Return a date."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a date (YYYY-MM-DD)") from None


class ProgressBar:
    """One line that grows on a terminal; elsewhere one line when a stage is done."""

    def __init__(self, out: OutputWrapper) -> None:
        self._out = out
        self._on_terminal = out.isatty()

    def show(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` rows went through a stage."""
        if self._on_terminal:
            filled = "#" * (WIDTH * done // max(total, 1))
            self._write(f"\r{stage} [{filled:.<{WIDTH}}] {done:,} of {total:,}", "\n" if done == total else "")
        elif done == total:
            self._write(f"{stage}: {done:,} rows", "\n")

    def _write(self, text: str, ending: str) -> None:
        self._out.write(text, str, ending=ending)  # `str`: progress is no error, so not in red
        self._out.flush()


class Command(BaseCommand):
    """Bring underlyings, contracts and their tokens, lots and ticks to the state of a list."""

    help = "import the broker's list of instruments (Kite's CSV: NFO and BFO contracts, NSE and BSE spots)"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("path", type=Path, help="the list (.csv, .csv.gz)")
        parser.add_argument(
            "--as-of",
            type=parse_day,
            help="the day of the list (default: today, or the first expiry if earlier)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import; rows with errors are named on stderr, the others count."""
        began = time.monotonic()
        try:
            done = import_master(
                path=options["path"],
                today=ist_date(from_ms(now_ms())),
                as_of=options["as_of"],
                progress=ProgressBar(self.stderr).show,
            )
        except (UnreadableMaster, OSError) as error:
            raise CommandError(str(error)) from error
        for row in done.bad:
            self.stderr.write(f"line {row.line}: {row.reason}")
        self.stdout.write(summary(done, time.monotonic() - began))


def summary(done: Imported, seconds: float) -> str:
    """Return the line that counts."""
    listed = done.added + done.changed + done.kept
    return (
        f"{listed:,} instruments as of {done.as_of}: {done.added:,} added, {done.changed:,} changed, "
        f"{done.kept:,} kept, {done.expired:,} expired, {len(done.bad):,} bad rows, {done.ignored:,} ignored, "
        f"{seconds:.1f} s"
    )
