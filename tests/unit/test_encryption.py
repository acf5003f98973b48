"""Credentials at rest: closed with the newest key, opened with any that is still named, by no other."""

import pytest
from pytest_django import Settings

from accounts.encryption import Unreadable, decrypt, encrypt, renewed

OLD, NEW = "an-old-key-0123456789", "a-new-key-0123456789"
SECRET = "api secret: ₹"


@pytest.fixture(autouse=True)
def old_key(settings: Settings) -> None:
    """Begin with one key."""
    settings.CREDENTIALS_KEY = OLD
    settings.CREDENTIALS_PREVIOUS_KEYS = []


def test_what_is_stored_shows_nothing_and_is_never_the_same_twice() -> None:
    first, second = encrypt(SECRET), encrypt(SECRET)
    assert first != second
    assert "secret" not in first
    assert decrypt(first) == decrypt(second) == SECRET


def test_another_key_opens_nothing(settings: Settings) -> None:
    stored = encrypt(SECRET)
    settings.CREDENTIALS_KEY = NEW
    with pytest.raises(Unreadable) as refused:
        decrypt(stored)
    assert stored not in str(refused.value)


def test_what_was_changed_at_rest_is_not_opened() -> None:
    stored = encrypt(SECRET)
    with pytest.raises(Unreadable):
        decrypt(stored[:20] + ("A" if stored[20] != "A" else "B") + stored[21:])


def test_an_old_key_opens_until_all_is_closed_anew(settings: Settings) -> None:
    stored = encrypt(SECRET)
    settings.CREDENTIALS_KEY, settings.CREDENTIALS_PREVIOUS_KEYS = NEW, [OLD]
    assert decrypt(stored) == SECRET
    closed = renewed(stored)
    settings.CREDENTIALS_PREVIOUS_KEYS = []
    assert decrypt(closed) == SECRET
