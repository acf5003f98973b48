"""The cast: an owner, a teammate, and a stranger who must never see anything of theirs."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tokens import AccessToken

PASSWORD = "correct horse battery staple"  # of every member of the cast


@pytest.fixture
def owner(db: None) -> User:
    """Whose things they are."""
    return User.objects.create_user("owner", password=PASSWORD)


@pytest.fixture
def teammate(db: None) -> User:
    """Somebody the owner shares with."""
    return User.objects.create_user("teammate", password=PASSWORD)


@pytest.fixture
def stranger(db: None) -> User:
    """Somebody with an account and no rights at all."""
    return User.objects.create_user("stranger", password=PASSWORD)


def access_token(user: User) -> str:
    """Return a fresh access token of the user."""
    return str(AccessToken.for_user(user))


@pytest.fixture
def api_client_for() -> Callable[[User], APIClient]:
    """Return a function that makes a REST client signed in as a user."""

    def sign_in(user: User) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {access_token(user)}")
        return client

    return sign_in


@pytest.fixture
def anonymous_client() -> APIClient:
    """A REST client without credentials."""
    return APIClient()
