"""`manage.py demo_user`: the user of the embedded start, and the accounts whose orders the simulator makes."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.services.trading import give_demo_accounts


class Command(BaseCommand):
    """Make the demo user from DEMO_USER and DEMO_PASSWORD, or bring its password up to date."""

    help = "make the demo user from DEMO_USER and DEMO_PASSWORD"

    def handle(self, *args: Any, **options: Any) -> None:
        """Create or update; staff, so that the admin opens too."""
        name, password = os.environ.get("DEMO_USER", "demo"), os.environ.get("DEMO_PASSWORD", "")
        if len(password) < 12:
            raise CommandError("DEMO_PASSWORD is missing or shorter than 12 characters")
        user, created = User.objects.get_or_create(username=name, defaults={"is_staff": True, "is_superuser": True})
        if created or not user.check_password(password):
            user.set_password(password)
            user.save()
        give_demo_accounts(owner=user)
        self.stdout.write(f"demo user {name} {'made' if created else 'kept'}")
