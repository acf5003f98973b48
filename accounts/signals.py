"""What must be noticed when a user changes."""

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from accounts.models import User
from accounts.standing import standings


@receiver((post_save, post_delete), sender=User)
def forget_standing(instance: User, **kwargs: Any) -> None:
    """Ask the database with the user's next request in this process; in others that takes two seconds at most."""
    standings.forget(instance.pk)
