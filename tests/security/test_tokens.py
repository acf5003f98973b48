"""Signing in, renewing, and what ends a token."""

from datetime import timedelta

import jwt
import pytest
from django.conf import settings
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.models import User
from tests.api.asking import Answer, answer_of
from tests.rig.cast import PASSWORD
from tests.security.signing_in import gets_in, pair_of, present, refresh, sign_in
from tradingviz.settings import base

LIMIT = 10


def claims(token: str) -> dict[str, object]:
    """Return what a token says, its signature unchecked."""
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_a_user_with_the_right_password_gets_a_pair_that_opens_the_door(owner: User) -> None:
    access, _ = pair_of(owner)
    assert gets_in(access)


def test_an_access_token_lives_ten_minutes_and_names_issuer_and_audience(owner: User) -> None:
    said = claims(pair_of(owner)[0])
    assert (said["iss"], said["aud"], said["typ"]) == ("tradingviz", "tradingviz", "access")
    assert int(str(said["exp"])) - int(str(said["iat"])) == timedelta(minutes=10).total_seconds()


def test_a_token_holds_no_password_and_no_usable_hash_of_it(owner: User) -> None:
    said = str(claims(pair_of(owner)[0]))
    assert PASSWORD not in said
    assert owner.password not in said


def test_nobody_on_its_way_keeps_a_pair(owner: User) -> None:
    answer = sign_in(owner.username)
    renewed = refresh(answer.body["refresh"])
    assert [one.headers["Cache-Control"] for one in (answer, renewed)] == ["no-store", "no-store"]


def test_signing_in_is_noted_with_the_user(owner: User) -> None:
    pair_of(owner)
    owner.refresh_from_db()
    assert owner.last_login is not None


@pytest.mark.parametrize("password", ["wrong", "", PASSWORD.upper(), PASSWORD + " "])
def test_a_wrong_password_is_a_problem(owner: User, password: str) -> None:
    answer = sign_in(owner.username, password)
    answer.problem(400 if not password else 401)
    assert set(answer.body) == {"type", "title", "status", "detail", "errors"}


def test_a_stranger_hears_the_same_as_somebody_with_a_wrong_password(owner: User) -> None:
    wrong, unknown = sign_in(owner.username, "wrong"), sign_in("nobody", "wrong")
    assert (wrong.status, wrong.body) == (unknown.status, unknown.body)
    assert wrong.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_deactivated_user_cannot_sign_in_and_is_not_told_why(owner: User) -> None:
    owner.is_active = False
    owner.save()
    assert sign_in(owner.username).body == sign_in("nobody").body


def test_a_deactivated_users_tokens_stop_at_once(owner: User) -> None:
    access, renewal = pair_of(owner)
    owner.is_active = False
    owner.save()
    assert not gets_in(access)
    refresh(renewal).problem(401)


def test_a_deleted_users_tokens_stop_at_once(owner: User) -> None:
    access, renewal = pair_of(owner)
    owner.delete()
    assert not gets_in(access)
    refresh(renewal).problem(401)


def test_a_change_of_password_stops_all_tokens(owner: User) -> None:
    access, renewal = pair_of(owner)
    owner.set_password("another horse")
    owner.save()
    assert not gets_in(access)
    refresh(renewal).problem(401)


def test_a_refresh_gives_a_new_pair_and_ends_the_old_refresh_token(owner: User) -> None:
    _, first = pair_of(owner)
    second = refresh(first)
    assert second.status == 200
    assert gets_in(second.body["access"])
    assert second.body["refresh"] != first
    refresh(first).problem(401)
    assert refresh(second.body["refresh"]).status == 200


def test_a_used_refresh_token_is_on_the_blacklist(owner: User) -> None:
    _, first = pair_of(owner)
    refresh(first)
    assert BlacklistedToken.objects.get().token.jti == claims(first)["jti"]
    assert OutstandingToken.objects.count() == 2


def test_an_access_token_renews_nothing(owner: User) -> None:
    access, _ = pair_of(owner)
    refresh(access).problem(401)


def test_a_refresh_token_opens_no_door(owner: User) -> None:
    _, renewal = pair_of(owner)
    assert not gets_in(renewal)


@pytest.mark.parametrize("token", ["", "junk", "a.b.c", "é"])
def test_a_refresh_with_junk_is_a_problem_in_a_sentence(db: None, token: str) -> None:
    answer = refresh(token)
    answer.problem(401 if token else 400)
    assert "ErrorDetail" not in str(answer.body)


def guess_until_stopped(name: str) -> Answer:
    """Guess passwords until that is refused; return the refusal.

    Counts are per fixed minute: one may end between two guesses, but not twice within these.
    """
    for _ in range(2 * LIMIT + 1):
        answer = sign_in(name, "wrong")
        if answer.status == 429:
            return answer
    raise AssertionError("guessing goes on and on")


def test_the_first_guesses_of_a_minute_are_judged_and_not_counted_out(owner: User) -> None:
    assert {sign_in(owner.username, "wrong").status for _ in range(LIMIT)} == {401}


def test_guessing_passwords_ends_in_429_with_the_time_to_wait(owner: User) -> None:
    refusal = guess_until_stopped(owner.username)
    refusal.problem(429)
    assert 0 < int(refusal.headers["Retry-After"]) <= 60
    assert refusal.body["title"] == "Too Many Requests"


def test_the_right_password_does_not_help_once_guessing_was_stopped(owner: User) -> None:
    statuses = set()
    for _ in range(2):  # the minute may end right after the refusal, once
        guess_until_stopped(owner.username)
        statuses.add(sign_in(owner.username).status)
    assert 429 in statuses


def test_another_address_may_still_sign_in(owner: User) -> None:
    guess_until_stopped(owner.username)
    assert sign_in(owner.username, address="192.0.2.2").status == 200


def test_an_address_written_into_a_header_is_not_believed(owner: User) -> None:
    statuses = []
    for guess in range(2 * LIMIT + 1):
        body = {"username": owner.username, "password": "wrong"}
        address = f"198.51.100.{guess}"
        client = APIClient(HTTP_X_FORWARDED_FOR=address, HTTP_X_REAL_IP=address, HTTP_FORWARDED=f"for={address}")
        statuses.append(answer_of(client.post("/auth/token", body, format="json")).status)
    assert 429 in statuses


def test_guessing_refresh_tokens_ends_in_429_too(db: None) -> None:
    statuses = [refresh("junk").status for _ in range(2 * LIMIT + 1)]
    assert set(statuses[:LIMIT]) == {401}
    assert 429 in statuses


def test_passwords_are_hashed_with_argon2_outside_of_tests() -> None:
    assert base.PASSWORD_HASHERS[0].endswith("Argon2PasswordHasher")
    assert settings.SIMPLE_JWT["BLACKLIST_AFTER_ROTATION"] is True


@pytest.mark.parametrize("scheme", ["Token", "Basic", "bearer ", "JWT", ""])
def test_another_scheme_is_no_credential(owner: User, scheme: str) -> None:
    present(pair_of(owner)[0], scheme).problem(401)
