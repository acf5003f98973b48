"""Logging out ends both tokens; renewing and replaying them."""

import threading

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.models import User
from accounts.principal import Refused
from accounts.services import renew
from accounts.standing import standings
from accounts.tokens import AccessToken, RefreshToken, Replayed, read_access_token
from tests.api.asking import Answer, answer_of
from tests.security.events import event, everything_stored, kinds
from tests.security.signing_in import pair_of, refresh


def log_out(access: str | None, body: object) -> Answer:
    """Ask for the end of what was signed in."""
    client = APIClient()
    if access is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    response = client.post("/auth/logout", body, format="json")
    return Answer(204, {}, response.headers) if response.status_code == 204 else answer_of(response)


def may_come_in(access: str) -> bool:
    """Return whether the standing of a token's user lets it in."""
    claims = read_access_token(access, now=0.0)
    try:
        standings.of(claims.user_id).check(jti=claims.jti, password_mark=claims.password_mark)
    except Refused:
        return False
    return True


def test_logging_out_ends_both_tokens_at_once(owner: User) -> None:
    access, renewal = pair_of(owner)
    assert may_come_in(access)
    assert log_out(access, {"refresh": renewal}).status == 204
    assert not may_come_in(access)
    refresh(renewal).problem(401)


def test_logging_out_leaves_other_sign_ins_alone(owner: User) -> None:
    access, renewal = pair_of(owner)
    other_access, other_renewal = pair_of(owner)
    log_out(access, {"refresh": renewal})
    assert may_come_in(other_access)
    assert refresh(other_renewal).status == 200


def test_logging_out_again_is_harmless(owner: User) -> None:
    access, renewal = pair_of(owner)
    other, _ = pair_of(owner)
    assert [log_out(token, {"refresh": renewal}).status for token in (access, other)] == [204, 204]
    assert BlacklistedToken.objects.count() == 3


def test_somebody_elses_refresh_token_is_refused_and_goes_on_being_valid(owner: User, stranger: User) -> None:
    access, _ = pair_of(stranger)
    _, renewal = pair_of(owner)
    assert "refresh" in log_out(access, {"refresh": renewal}).problem(400)
    assert BlacklistedToken.objects.count() == 0
    assert may_come_in(access)
    assert refresh(renewal).status == 200


def test_somebody_elses_used_refresh_token_is_refused_alike(owner: User, stranger: User) -> None:
    access, _ = pair_of(stranger)
    _, renewal = pair_of(owner)
    fresh = log_out(access, {"refresh": renewal})
    refresh(renewal)
    used = log_out(access, {"refresh": renewal})
    assert (used.status, used.body) == (fresh.status, fresh.body)


@pytest.mark.parametrize("body", [{}, {"refresh": ""}, {"refresh": "junk"}, {"refresh": None}, {"refresh": ["a"]}, []])
def test_a_body_without_a_refresh_token_is_a_problem(owner: User, body: object) -> None:
    log_out(pair_of(owner)[0], body).problem(400)


def test_an_access_token_is_no_refresh_token_to_log_out_with(owner: User) -> None:
    access, _ = pair_of(owner)
    assert "refresh" in log_out(access, {"refresh": access}).problem(400)
    assert may_come_in(access)


def test_nobody_logs_out_without_an_access_token(owner: User) -> None:
    _, renewal = pair_of(owner)
    log_out(None, {"refresh": renewal}).problem(401)
    log_out(renewal, {"refresh": renewal}).problem(401)
    assert refresh(renewal).status == 200


def test_logging_out_is_recorded_and_no_token_is(owner: User) -> None:
    access, renewal = pair_of(owner)
    log_out(access, {"refresh": renewal})
    assert kinds() == ["signed_in", "logged_out"]
    assert event("logged_out").user == owner
    assert access.rpartition(".")[2] not in everything_stored()
    assert renewal.rpartition(".")[2] not in everything_stored()


def test_whoever_comes_with_a_used_refresh_token_is_recorded(owner: User) -> None:
    _, renewal = pair_of(owner)
    refresh(renewal)
    refresh(renewal, address="198.51.100.7").problem(401)
    found = event("refresh_replayed")
    assert (found.user, found.username, found.address) == (owner, "owner", "198.51.100.7")


def test_a_refresh_token_that_never_was_is_not_recorded_as_replayed(owner: User) -> None:
    refresh("junk").problem(401)
    refresh(str(RefreshToken.for_user(owner))[:-5] + "AAAAA").problem(401)
    assert "refresh_replayed" not in kinds()


def test_the_tables_of_tokens_hold_nothing_that_opens_a_door(owner: User) -> None:
    access, renewal = pair_of(owner)
    log_out(access, {"refresh": renewal})
    assert OutstandingToken.objects.count() == 2
    assert set(OutstandingToken.objects.values_list("token", flat=True)) == {""}


def test_of_an_access_token_nothing_is_stored_before_it_is_logged_out(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        token = str(AccessToken.for_user(owner))
    assert may_come_in(token)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_renew_with_one_token_at_once_exactly_one_gets_a_pair() -> None:
    user = User.objects.create_user("busy")
    renewal = str(RefreshToken.for_user(user))
    won: list[str] = []
    start = threading.Barrier(4)

    def ask() -> None:
        start.wait()
        try:
            won.append(renew(refresh=renewal).refresh)
        except Replayed:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
