"""Users. A model of our own from the first migration on: swapping it later is not possible."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person, or a service, that may sign in."""
