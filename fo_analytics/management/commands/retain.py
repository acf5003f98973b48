"""`manage.py retain`: drop what the settings keep no longer."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from fo_analytics.services.retention import Expired, drop_expired_rows


class Command(BaseCommand):
    """Do what beat does once a day, or only say what would be dropped."""

    help = "drop bars, rolled-up bars and measures that are older than RETENTION_* keeps"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the option."""
        parser.add_argument("--dry-run", action="store_true", help="say what would go, drop nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Drop, and say what went of each table."""
        verb = "would drop" if options["dry_run"] else "dropped"
        for expired in drop_expired_rows(dry_run=options["dry_run"]):
            self.stdout.write(f"{expired.table}: {_told(expired, verb)}")


def _told(expired: Expired, verb: str) -> str:
    if expired.first_kept is None:
        return "everything is kept"
    chunks = f" in {expired.chunks:,} chunks and beside them" if expired.chunks else ""
    return f"{verb} {expired.rows:,} rows{chunks}, kept from {expired.first_kept} on"
