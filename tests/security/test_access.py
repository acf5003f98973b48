"""Without a valid token there is no market data, whichever way one asks."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from rest_framework.test import APIClient

from accounts.gate.identity import identify
from accounts.models import User
from accounts.principal import Refused
from accounts.tokens import AccessToken, key_id
from fo_analytics.urls import urlpatterns
from tests.api.asking import Asker, answer_of
from tests.rig.cast import access_token
from tests.security.signing_in import gets_in, present

PATHS = [f"/{entry.pattern}" for entry in urlpatterns]
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")

Claims = dict[str, Any]
Forgery = Callable[[Claims], str]


def genuine(user: User) -> Claims:
    """Return the claims of a valid token."""
    return dict(jwt.decode(access_token(user), options={"verify_signature": False}))


def signed(claims: Claims, *, key: str | None = None, algorithm: str = "HS256") -> str:
    """Return a token of some claims, signed with our key where nothing else is said."""
    ours = settings.SIMPLE_JWT["SIGNING_KEY"]
    return jwt.encode(claims, key or ours, algorithm=algorithm, headers={"kid": key_id(ours)})


def unsigned(claims: Claims, *, algorithm: str, signature: str = "") -> str:
    """Return a token put together by hand."""
    parts = ({"alg": algorithm, "typ": "JWT", "kid": key_id(settings.SIMPLE_JWT["SIGNING_KEY"])}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, signature])


def without(name: str) -> Forgery:
    """Return how to sign the claims less one."""
    return lambda claims: signed({key: value for key, value in claims.items() if key != name})


def having(**changed: object) -> Forgery:
    """Return how to sign the claims with some changed."""
    return lambda claims: signed({**claims, **changed})


LONG_AGO = datetime.now(UTC) - timedelta(seconds=5)
FORGERIES: dict[str, Forgery] = {
    "algorithm none": lambda claims: unsigned(claims, algorithm="none"),
    "algorithm NONE with a signature": lambda claims: unsigned(claims, algorithm="NONE", signature="abc"),
    "no signature": lambda claims: signed(claims).rpartition(".")[0] + ".",
    "a signature cut short": lambda claims: signed(claims)[:-4],
    "another key": lambda claims: signed(claims, key="another-key-that-is-long-enough-0123456789"),
    "an empty key": lambda claims: unsigned(claims, algorithm="HS256", signature="AAAA"),
    "another algorithm, right key": lambda claims: signed(claims, algorithm="HS512"),
    "another payload under a right signature": lambda claims: ".".join(
        (*unsigned({**claims, "user_id": "1"}, algorithm="HS256").split(".")[:2], signed(claims).split(".")[2])
    ),
    "expired": having(exp=LONG_AGO),
    "no expiry": without("exp"),
    "no type": without("token_type"),
    "the refresh type": having(token_type="refresh"),
    "no id": without("jti"),
    "another issuer": having(iss="somebody"),
    "no issuer": without("iss"),
    "another audience": having(aud="somebody"),
    "no audience": without("aud"),
    "no user": without("user_id"),
    "a user who is not there": having(user_id="999999"),
    "no word of the password": without("hash_password"),
}


def test_there_are_questions_to_protect() -> None:
    assert set(PATHS) >= {"/fo/expiries", "/fo/strike-distribution"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
def test_no_question_is_answered_without_a_token(anybody: Asker, path: str, method: str) -> None:
    response = getattr(anybody.client, method)(path)
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert response["Content-Type"] == "application/problem+json"


def test_a_refusal_is_a_problem_that_says_what_is_missing(anybody: Asker) -> None:
    answer = anybody("/fo/expiries", underlying="NIFTY")
    answer.problem(401)
    assert "credentials were not provided" in answer.body["detail"]


def test_the_genuine_token_that_forgeries_are_made_of_gets_in(owner: User) -> None:
    assert gets_in(signed(genuine(owner)))


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_gets_nobody_in(owner: User, name: str) -> None:
    answer = present(FORGERIES[name](genuine(owner)))
    answer.problem(401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "ErrorDetail" not in answer.body["detail"]


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_refused_by_the_function_that_sockets_use(owner: User, name: str) -> None:
    with pytest.raises(Refused):
        identify(FORGERIES[name](genuine(owner)))


@pytest.mark.parametrize("token", ["", ".", "..", "junk", "a.b.c", "\x00", "é.é.é", "x" * 10_000, "e30.e30.e30"])
def test_junk_is_no_token(db: None, token: str) -> None:
    with pytest.raises(Refused):
        identify(token)


def test_the_principal_of_a_token_is_its_user_until_its_expiry(owner: User) -> None:
    token = AccessToken.for_user(owner)
    principal = identify(str(token))
    assert (principal.user_id, principal.username, principal.expires_at) == (owner.pk, "owner", token["exp"])


def test_a_token_in_the_address_opens_no_rest_path(owner: User, anybody: Asker) -> None:
    answer_of(anybody.client.get("/fo/expiries", {"token": access_token(owner)})).problem(401)


def test_a_browsers_session_opens_no_rest_path(owner: User) -> None:
    client = APIClient()
    client.force_login(owner)
    answer_of(client.get("/fo/expiries")).problem(401)


@pytest.mark.parametrize(
    "path", ["/health", "/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs", "/redoc"]
)
def test_what_operators_and_readers_need_is_open(db: None, path: str) -> None:
    assert APIClient().get(path).status_code == 200
