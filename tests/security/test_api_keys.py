"""API keys: whose they are, what ends them, and what is remembered of them."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts import api_keys
from accounts.api_keys import Keys, live_prefixes
from accounts.models import ApiKey, User
from accounts.principal import MARKET, SCOPES, STRATEGIES, Refused
from accounts.services import revoke_key
from accounts.standing import Standings

Made = tuple[ApiKey, str]
END = datetime.fromisoformat("9999-12-31T23:59:59+00:00")


@pytest.fixture
def made(owner: User) -> Made:
    """A key of the owner's for market data, and its text."""
    return api_keys.create(user=owner, name="report", scopes=[MARKET], expires_at=None)


@pytest.fixture
def keys() -> Keys:
    """Nothing remembered."""
    return Keys(Standings())


def test_a_key_stands_for_its_user_with_its_own_scopes_and_name(owner: User, made: Made, keys: Keys) -> None:
    owner.tier = "professional"
    owner.save()
    principal = keys.of(made[1])
    assert (principal.user_id, principal.username, principal.tier) == (owner.pk, "owner", "professional")
    assert principal.credential == f"key:{made[0].prefix}"
    assert principal.scopes == {MARKET}
    assert principal.expires_at == int(END.timestamp())


def test_a_text_has_the_promised_form_and_is_nowhere_in_the_database(made: Made) -> None:
    key, text = made
    assert re.fullmatch(rf"tvk_{key.prefix}_[A-Za-z0-9_-]{{43}}", text)
    assert text[13:] not in str(list(ApiKey.objects.values()))
    assert key.digest == sha256(text.encode()).hexdigest()


def test_two_keys_share_nothing(owner: User, made: Made) -> None:
    other, text = api_keys.create(user=owner, name="report", scopes=SCOPES, expires_at=None)
    assert other.prefix != made[0].prefix
    assert text[13:] != made[1][13:]


@pytest.mark.parametrize("scopes", [[], ["everything"], [MARKET, "admin"], [""]])
def test_a_key_for_nothing_or_for_what_is_no_scope_is_not_made(owner: User, scopes: list[str]) -> None:
    with pytest.raises(ValueError, match="scopes"):
        api_keys.create(user=owner, name="x", scopes=scopes, expires_at=None)
    assert ApiKey.objects.count() == 0


def test_every_scope_is_kept_once_and_in_order(owner: User, keys: Keys) -> None:
    key, text = api_keys.create(user=owner, name="x", scopes=[STRATEGIES, MARKET, MARKET], expires_at=None)
    assert key.scopes == [MARKET, STRATEGIES]
    assert keys.of(text).scopes == {MARKET, STRATEGIES}


FORGERIES: dict[str, Callable[[str], str]] = {
    "another secret": lambda text: text[:13] + "A" * 43,
    "one letter changed": lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
    "one letter less": lambda text: text[:-1],
    "one letter more": lambda text: text + "A",
    "a space behind": lambda text: text + " ",
    "a line behind": lambda text: text + "\n",
    "another prefix": lambda text: f"tvk_aaaaaaaa_{text[13:]}",
    "the prefix in capitals": lambda text: text[:4] + text[4:12].upper() + text[12:],
    "no prefix": lambda text: f"tvk__{text[13:]}",
    "no mark": lambda text: text[4:],
    "the mark alone": lambda text: "tvk_",
    "nothing": lambda text: "",
    "letters that look alike": lambda text: text[:-1] + "А",
    "the digest for the secret": lambda text: text[:13] + sha256(text.encode()).hexdigest()[:43],
    "SQL": lambda text: "tvk_' OR 1=1_" + text[13:],
    "a null byte": lambda text: text[:-1] + "\x00",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_key_opens_nothing_fresh_or_remembered(made: Made, keys: Keys, name: str) -> None:
    forged = FORGERIES[name](made[1])
    assert forged != made[1]
    for _ in range(2):
        with pytest.raises(Refused):
            keys.of(forged)
        keys.of(made[1])


def test_a_refusal_says_nothing_of_the_key(made: Made, keys: Keys) -> None:
    unknown = "tvk_aaaaaaaa_" + "A" * 43
    said = []
    for text in (unknown, made[1][:13] + "A" * 43):
        with pytest.raises(Refused) as refusal:
            keys.of(text)
        said.append(str(refusal.value))
    assert said[0] == said[1]
    assert made[0].prefix not in said[0]


def test_a_revoked_key_opens_nothing_at_once_where_it_is_revoked(made: Made) -> None:
    api_keys.keys.of(made[1])
    assert live_prefixes({made[0].prefix, "aaaaaaaa"}) == {made[0].prefix}
    assert revoke_key(key=made[0]) is True
    with pytest.raises(Refused):
        api_keys.keys.of(made[1])
    assert live_prefixes({made[0].prefix}) == set()


def test_a_revoked_key_opens_nothing_elsewhere_after_two_seconds(
    made: Made, keys: Keys, pass_time: Callable[[float], None]
) -> None:
    keys.of(made[1])
    revoke_key(key=made[0])
    pass_time(2.01)
    with pytest.raises(Refused):
        keys.of(made[1])


def test_revoking_again_changes_and_records_nothing(made: Made) -> None:
    revoke_key(key=made[0])
    first = ApiKey.objects.get().revoked_at
    assert revoke_key(key=made[0]) is False
    assert ApiKey.objects.get().revoked_at == first


def test_a_key_ends_at_its_time_also_while_it_is_remembered(
    owner: User, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = timezone.now() + timedelta(hours=1)
    key, text = api_keys.create(user=owner, name="x", scopes=[MARKET], expires_at=ends)
    assert keys.of(text).expires_at == int(ends.timestamp())
    monkeypatch.setattr("time.time", lambda: ends.timestamp())
    for look in (keys.of, keys.held):
        with pytest.raises(Refused, match="expired"):
            look(text)
    monkeypatch.undo()
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert live_prefixes({key.prefix}) == set()
    with pytest.raises(Refused, match="expired"):
        Keys(Standings()).of(text)


def test_a_deactivated_users_keys_open_nothing_at_once(owner: User, made: Made) -> None:
    api_keys.keys.of(made[1])
    owner.is_active = False
    owner.save()
    for _ in range(2):
        with pytest.raises(Refused):
            api_keys.keys.of(made[1])
    with pytest.raises(Refused):
        api_keys.keys.held(made[1])


def test_a_deleted_users_keys_are_gone(owner: User, made: Made) -> None:
    api_keys.keys.of(made[1])
    owner.delete()
    with pytest.raises(Refused):
        api_keys.keys.of(made[1])


def test_a_change_of_password_leaves_keys_alone(owner: User, made: Made) -> None:
    owner.set_password("another horse")
    owner.save()
    assert api_keys.keys.of(made[1]).user_id == owner.pk


def test_what_is_remembered_is_answered_without_the_database(
    made: Made, keys: Keys, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with pytest.raises(KeyError):
        keys.held(made[1])
    keys.of(made[1])
    with django_assert_num_queries(0):
        assert keys.held(made[1]) == keys.of(made[1])


def test_that_a_key_does_not_exist_is_remembered_too(
    db: None, keys: Keys, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    unknown = "tvk_aaaaaaaa_" + "A" * 43
    with pytest.raises(Refused):
        keys.of(unknown)
    with django_assert_num_queries(0):
        for look in (keys.of, keys.held):
            with pytest.raises(Refused):
                look(unknown)


def test_what_is_no_key_at_all_is_not_asked_for(
    db: None, keys: Keys, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0), pytest.raises(Refused):
        keys.of("tvk_short")


def test_a_memory_of_two_seconds_is_asked_again(made: Made, keys: Keys, pass_time: Callable[[float], None]) -> None:
    keys.of(made[1])
    pass_time(2.01)
    with pytest.raises(KeyError):
        keys.held(made[1])


def test_the_memory_is_bounded(owner: User, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_keys, "MOST", 2)
    texts = [api_keys.create(user=owner, name="x", scopes=[MARKET], expires_at=None)[1] for _ in range(3)]
    for text in texts:
        keys.of(text)
    assert len(keys._held) == 2
    with pytest.raises(KeyError):
        keys.held(texts[0])


def test_use_is_written_once_a_minute_and_not_for_a_wrong_secret(
    made: Made, keys: Keys, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with pytest.raises(Refused):
        keys.of(made[1][:13] + "A" * 43)
    assert ApiKey.objects.get().last_used_at is None
    keys.forget_all()
    keys.of(made[1])
    used = ApiKey.objects.get().last_used_at
    assert used is not None
    keys.forget_all()
    with django_assert_num_queries(1):
        keys.of(made[1])
    assert ApiKey.objects.get().last_used_at == used
    ApiKey.objects.update(last_used_at=used - timedelta(seconds=61))
    keys.forget_all()
    keys.of(made[1])
    again = ApiKey.objects.get().last_used_at
    assert again is not None
    assert again >= used


@pytest.mark.usefixtures("without_database")
def test_without_the_database_a_key_is_neither_believed_nor_refused(keys: Keys) -> None:
    with pytest.raises(OperationalError):
        keys.of("tvk_aaaaaaaa_" + "A" * 43)
