"""What is shown to everybody holds no secret, and headers keep browsers from helping an attacker."""

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from accounts.models import User
from tests.api.asking import answer_of
from tests.rig.cast import access_token

OPEN = (
    "/health",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/openapi.json",
    "/asyncapi.json",
    "/docs",
    "/redoc",
    "/nothing",
)


def secrets() -> set[str]:
    """Return what nobody may see."""
    found = settings.DATABASES["default"]
    redis_secret = settings.REDIS_URL.rpartition("@")[0].rpartition(":")[2]
    jwt_key = settings.SIMPLE_JWT["SIGNING_KEY"]
    return {str(found["PASSWORD"]), redis_secret, jwt_key, settings.SECRET_KEY} - {""}


def test_there_are_secrets_to_look_for(db: None) -> None:
    assert len(secrets()) >= 3


@pytest.mark.parametrize("path", OPEN)
def test_no_open_page_holds_a_secret(db: None, path: str) -> None:
    body = APIClient().get(path).content.decode()
    assert body
    assert [secret for secret in secrets() if secret in body] == []


@pytest.mark.parametrize("path", OPEN)
def test_every_answer_forbids_sniffing_and_framing(db: None, path: str) -> None:
    headers = APIClient().get(path).headers
    assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == ("nosniff", "DENY")


def test_no_answer_to_a_program_sets_a_cookie(owner: User) -> None:
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {access_token(owner)}")
    questions = ("/fo/expiries", "/fo/strike-distribution?underlying=NIFTY")
    for path in (*(page for page in OPEN if page != "/docs"), *questions):
        assert client.get(path).cookies == {}


def test_refusals_do_not_repeat_the_token(db: None) -> None:
    token = "eyJhbGciOiJub25lIn0.c2VjcmV0.x"
    answer = answer_of(APIClient().get("/fo/expiries", HTTP_AUTHORIZATION=f"Bearer {token}"))
    answer.problem(401)
    assert "c2VjcmV0" not in str(answer.body)


def test_a_user_shown_as_text_shows_no_password(owner: User) -> None:
    assert owner.password not in f"{owner} {owner!r}"


def test_debug_is_off_in_every_environment_that_does_not_ask_for_it() -> None:
    assert settings.DEBUG is False
