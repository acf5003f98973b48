"""`manage.py rotate_credentials`: what is kept secret is closed with the newest key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.encryption import Unreadable
from accounts.services.trading import close_anew


class Command(BaseCommand):
    """Close credentials and secrets of postbacks with CREDENTIALS_KEY, whichever key closed them."""

    help = "close the credentials of trading accounts with CREDENTIALS_KEY"

    def handle(self, *args: Any, **options: Any) -> None:
        """Do all, or nothing where one cannot be opened."""
        try:
            count = close_anew()
        except Unreadable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} accounts closed anew; CREDENTIALS_PREVIOUS_KEYS is not needed any more")
