"""What happened is written down, and no secret with it; without the database it is in the log."""

import logging

import pytest
from django.contrib.auth import authenticate
from django.test import Client, RequestFactory
from rest_framework.test import APIClient

from accounts import api_keys, audit
from accounts.audit import Kind
from accounts.models import SecurityEvent, User
from accounts.principal import MARKET, Principal
from tests.api.asking import answer_of
from tests.rig.cast import PASSWORD, access_token
from tests.security.events import event, everything_stored, kinds
from tests.security.signing_in import gets_in, pair_of, refresh, sign_in

LIMIT = 10
LOGIN = "/admin/login/"


def test_who_signs_in_is_written_down_with_the_address(owner: User) -> None:
    sign_in("owner", address="198.51.100.7")
    found = event("signed_in")
    assert (found.user, found.username, found.address) == (owner, "owner", "198.51.100.7")


@pytest.mark.parametrize("name", ["owner", "nobody"])
def test_who_fails_to_is_written_down_as_the_name_that_was_tried(owner: User, name: str) -> None:
    sign_in(name, "wrong", address="198.51.100.7")
    found = event("sign_in_failed")
    assert (found.user, found.username, found.address) == (None, name, "198.51.100.7")
    assert kinds() == ["sign_in_failed"]


def test_no_password_right_or_wrong_is_written_down(owner: User) -> None:
    sign_in("owner")
    sign_in("owner", "a-wrong-guess")
    Client().post(LOGIN, {"username": "owner", "password": "a-wrong-guess"})
    assert len(kinds()) == 3
    assert "a-wrong-guess" not in everything_stored()
    assert PASSWORD not in everything_stored()


def test_a_token_or_key_pasted_for_a_name_is_not_written_down(owner: User) -> None:
    _, key = api_keys.create(user=owner, name="x", scopes=[MARKET], expires_at=None)
    token = access_token(owner)
    for pasted in (token, token[:-10], token.rpartition(".")[0], key, key[:-3], f"Bearer {token}"):
        sign_in(pasted[:150], "x")
        audit.record(Kind.KEY_CREATED, name=pasted, names=[pasted])
    stored = everything_stored()
    assert stored.count("[credential]") >= 12
    assert key[13:40] not in stored
    assert token[10:60] not in stored


def test_an_event_of_a_request_has_its_name(db: None) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="198.51.100.7")
    request.scope = {"request_id": "r-1"}  # type: ignore[attr-defined]  # as ASGI's requests have
    audit.record(Kind.LOGGED_OUT, request=request)
    found = event("logged_out")
    assert (found.request_id, found.address) == ("r-1", "198.51.100.7")


def test_a_principal_is_written_down_as_its_user(owner: User) -> None:
    principal = Principal(owner.pk, "owner", False, "standard", 0, "token:x")
    audit.record(Kind.LOGGED_OUT, user=principal)
    assert event("logged_out").user == owner


def test_a_failure_outside_of_any_request_is_written_down_too(owner: User) -> None:
    assert authenticate(username="owner", password="wrong") is None
    assert (event("sign_in_failed").username, event("sign_in_failed").address) == ("owner", "")


def test_text_of_any_length_and_kind_can_be_written_down(db: None) -> None:
    audit.record(Kind.SIGN_IN_FAILED, username="a\x00" * 500, text="\x00" * 500)
    assert event("sign_in_failed").username == "a" * 150


def test_a_change_of_password_is_written_down_and_ends_refreshing(owner: User) -> None:
    access, renewal = pair_of(owner)
    owner.set_password("another horse")
    owner.save()
    assert event("password_changed").user == owner
    assert not gets_in(access)
    refresh(renewal).problem(401)


def test_a_new_user_and_one_whose_name_changes_are_no_change_of_password(owner: User) -> None:
    owner.first_name = "O"
    owner.save()
    owner.check_password(PASSWORD)
    assert kinds() == []


def test_a_deactivation_is_written_down_once(owner: User) -> None:
    owner.is_active = False
    owner.save()
    owner.save()
    assert kinds() == ["user_deactivated"]
    assert event("user_deactivated").user == owner


def test_what_happened_outlives_its_user(owner: User) -> None:
    sign_in("owner")
    owner.delete()
    assert (event("signed_in").user, event("signed_in").username) == (None, "owner")


def test_staff_at_the_admin_are_written_down_and_whoever_fails_there(owner: User) -> None:
    User.objects.create_superuser("boss", password=PASSWORD)
    for name, password in (("boss", PASSWORD), ("boss", "wrong"), ("owner", PASSWORD)):
        Client(REMOTE_ADDR="198.51.100.7").post(LOGIN, {"username": name, "password": password, "next": "/admin/"})
    found = SecurityEvent.objects.order_by("pk").values_list("kind", "username", "address")
    assert list(found) == [
        ("admin_signed_in", "boss", "198.51.100.7"),
        ("admin_sign_in_failed", "boss", "198.51.100.7"),
        ("admin_sign_in_failed", "owner", "198.51.100.7"),
    ]


def test_stopped_guessing_is_written_down_once_for_an_address(owner: User) -> None:
    statuses = [sign_in("nobody", "wrong").status for _ in range(LIMIT + 5)]
    stopped = SecurityEvent.objects.filter(kind="guessing_stopped")
    if statuses.count(429) == 5:  # all in one minute
        assert [(found.address, found.details) for found in stopped] == [("192.0.2.1", {"route": "token"})]
    assert stopped.count() <= 2
    assert kinds().count("sign_in_failed") == statuses.count(401)


def test_guessing_at_the_admin_ends_in_429_also_with_the_right_password(db: None) -> None:
    User.objects.create_superuser("boss", password=PASSWORD)
    answers = [Client().post(LOGIN, {"username": "boss", "password": "wrong"}) for _ in range(2 * LIMIT + 1)]
    assert {answer.status_code for answer in answers[:LIMIT]} == {200}
    refusal = next(answer for answer in answers if answer.status_code == 429)
    assert refusal["Content-Type"] == "application/problem+json"
    assert 0 < int(refusal["Retry-After"]) <= 60
    assert "guessing_stopped" in kinds()


def test_looking_at_the_login_page_is_no_guess_and_other_addresses_are_counted_apart(db: None) -> None:
    User.objects.create_superuser("boss", password=PASSWORD)
    assert {Client().get(LOGIN).status_code for _ in range(2 * LIMIT + 1)} == {200}
    for _ in range(2 * LIMIT + 1):
        Client().post(LOGIN, {"username": "boss", "password": "wrong"})
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    assert elsewhere.post(LOGIN, {"username": "boss", "password": PASSWORD, "next": "/admin/"}).status_code == 302


@pytest.mark.usefixtures("without_database")
def test_without_the_database_an_event_is_in_the_log_and_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="accounts.audit"):
        audit.record(Kind.SIGN_IN_FAILED, username="owner", reason="x")
    (line,) = caplog.records
    assert (vars(line)["kind"], vars(line)["username"], vars(line)["details"]) == (
        "sign_in_failed", "owner", {"reason": "x"},
    )  # fmt: skip


@pytest.mark.usefixtures("without_database")
def test_without_the_database_signing_in_is_not_available_and_not_broken() -> None:
    body = {"username": "owner", "password": "x"}
    answer_of(APIClient().post("/auth/token", body, format="json")).problem(503)
