"""Users. A model of our own from the first migration on: swapping it later is not possible."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person, or a service, that may sign in."""

    tier = models.CharField(max_length=20, default="standard")
