"""Signing keys come and go; what they signed is believed as long as they are on the ring."""

from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from pytest_django import Settings
from rest_framework_simplejwt.settings import api_settings

from accounts import tokens
from accounts.models import User
from accounts.principal import Refused
from accounts.tokens import key_id, read_access_token
from tests.rig.cast import access_token
from tests.security.signing_in import gets_in, pair_of, refresh

NEW = "a-newer-key-that-only-tests-use-0123456789abcdef"
OLD = api_settings.SIGNING_KEY

Rotate = Callable[[str, list[str]], None]


def forget_keys() -> None:
    """Let the ring be made anew."""
    tokens.key_ring.cache_clear()
    tokens._verified.cache_clear()


@pytest.fixture
def rotate(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Rotate]:
    """Restart with other keys: `rotate(key, previous keys)`."""

    def restart(key: str, previous: list[str]) -> None:
        monkeypatch.setattr(api_settings, "SIGNING_KEY", key)
        settings.JWT_PREVIOUS_SECRET_KEYS = previous
        forget_keys()

    yield restart
    forget_keys()


def header(token: str) -> dict[str, Any]:
    """Return a token's header."""
    return dict(jwt.get_unverified_header(token))


def test_a_token_names_its_key_without_giving_it_away(owner: User) -> None:
    said = header(access_token(owner))
    assert (said["alg"], said["kid"]) == ("HS256", key_id(OLD))
    assert said["kid"] not in OLD
    assert key_id(NEW) != key_id(OLD)


def test_after_a_rotation_older_tokens_are_believed_and_newer_ones_name_the_new_key(
    owner: User, rotate: Rotate
) -> None:
    access, renewal = pair_of(owner)
    rotate(NEW, [OLD])
    assert gets_in(access)
    renewed = refresh(renewal)
    assert renewed.status == 200
    assert {header(token)["kid"] for token in renewed.body.values()} == {key_id(NEW)}
    assert gets_in(renewed.body["access"])


def test_once_a_key_is_off_the_ring_nothing_it_signed_is_believed(owner: User, rotate: Rotate) -> None:
    access, renewal = pair_of(owner)
    rotate(NEW, [])
    assert not gets_in(access)
    refresh(renewal).problem(401)
    with pytest.raises(Refused):
        read_access_token(access, now=0.0)


def test_a_key_of_the_ring_does_not_vouch_for_another_keys_signature(owner: User, rotate: Rotate) -> None:
    claims = jwt.decode(access_token(owner), options={"verify_signature": False})
    rotate(NEW, [OLD])
    assert gets_in(jwt.encode(claims, OLD, headers={"kid": key_id(OLD)}))
    assert not gets_in(jwt.encode(claims, OLD, headers={"kid": key_id(NEW)}))
    assert not gets_in(jwt.encode(claims, NEW, headers={"kid": key_id(OLD)}))
