"""Without a valid token there is no market data, whichever way one asks."""

import base64
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from rest_framework.test import APIClient

from accounts.models import User
from accounts.principal import Refused
from accounts.standing import standings
from accounts.tokens import Claims, key_id, read_access_token
from fo_analytics.urls import urlpatterns
from tests.api.asking import Asker, answer_of
from tests.rig.cast import access_token
from tests.security.signing_in import gets_in, present

PATHS = [f"/{entry.pattern}" for entry in urlpatterns]
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")

Said = dict[str, Any]
Forgery = Callable[[Said], str]


def genuine(user: User) -> Said:
    """Return the claims of a valid token."""
    return dict(jwt.decode(access_token(user), options={"verify_signature": False}))


KEY = settings.SIMPLE_JWT["SIGNING_KEY"]


def signed(
    claims: Said, *, key: str = KEY, algorithm: str = "HS256", kid: str | None = key_id(KEY), **headers: Any
) -> str:
    """Return a token of some claims, signed with our key and naming it where nothing else is said."""
    named = headers if kid is None else {"kid": kid, **headers}
    return jwt.encode(claims, key, algorithm=algorithm, headers=named)


def unsigned(claims: Said, *, algorithm: str, signature: str = "") -> str:
    """Return a token put together by hand."""
    parts = ({"alg": algorithm, "typ": "JWT", "kid": key_id(KEY)}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, signature])


def believed(token: str) -> Claims:
    """Return what a token says, as the door of requests and sockets reads it; raises Refused."""
    claims = read_access_token(token, now=time.time())
    standings.of(claims.user_id).check(jti=claims.jti, password_mark=claims.password_mark)
    return claims


def without(name: str) -> Forgery:
    """Return how to sign the claims less one."""
    return lambda claims: signed({key: value for key, value in claims.items() if key != name})


def having(**changed: object) -> Forgery:
    """Return how to sign the claims with some changed."""
    return lambda claims: signed({**claims, **changed})


OTHER = "another-key-that-is-long-enough-0123456789"
LONG_AGO = datetime.now(UTC) - timedelta(seconds=5)
FORGERIES: dict[str, Forgery] = {
    "algorithm none": lambda claims: unsigned(claims, algorithm="none"),
    "algorithm NONE with a signature": lambda claims: unsigned(claims, algorithm="NONE", signature="abc"),
    "no signature": lambda claims: signed(claims).rpartition(".")[0] + ".",
    "a signature cut short": lambda claims: signed(claims)[:-4],
    "another key": lambda claims: signed(claims, key=OTHER),
    "another key under its own name": lambda claims: signed(claims, key=OTHER, kid=key_id(OTHER)),
    "no name of a key": lambda claims: signed(claims, kid=None),
    "the name of no key": lambda claims: signed(claims, kid="00000000"),
    "an empty name of a key": lambda claims: signed(claims, kid=""),
    "a path for the name of a key": lambda claims: signed(claims, kid="../../dev/null"),
    "a key brought along": lambda claims: signed(
        claims, key=OTHER, jwk={"kty": "oct", "k": base64.urlsafe_b64encode(OTHER.encode()).decode()}
    ),
    "a header of HS512 over a signature of HS256": lambda claims: ".".join(
        (unsigned(claims, algorithm="HS512").split(".")[0], *signed(claims).split(".")[1:])
    ),
    "an empty key": lambda claims: unsigned(claims, algorithm="HS256", signature="AAAA"),
    "another algorithm, right key": lambda claims: signed(claims, algorithm="HS512"),
    "another payload under a right signature": lambda claims: ".".join(
        (*unsigned({**claims, "user_id": "1"}, algorithm="HS256").split(".")[:2], signed(claims).split(".")[2])
    ),
    "expired": having(exp=LONG_AGO),
    "no expiry": without("exp"),
    "no type": without("typ"),
    "the refresh type": having(typ="refresh"),
    "no type we know": having(typ="untyped"),
    "the type under simplejwt's name": lambda claims: signed(
        {"token_type": "access", **{name: value for name, value in claims.items() if name != "typ"}}
    ),
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
        believed(FORGERIES[name](genuine(owner)))


@pytest.mark.parametrize("token", ["", ".", "..", "junk", "a.b.c", "\x00", "é.é.é", "x" * 10_000, "e30.e30.e30"])
def test_junk_is_no_token(db: None, token: str) -> None:
    with pytest.raises(Refused):
        believed(token)


def test_what_a_token_says_is_its_user_until_its_expiry(owner: User) -> None:
    claims = believed(access_token(owner))
    assert claims.user_id == owner.pk
    assert 0 < claims.expires_at - time.time() <= 600


def test_a_token_that_was_believed_is_not_any_more_when_its_time_has_passed(owner: User) -> None:
    token = access_token(owner)
    ends = believed(token).expires_at
    assert read_access_token(token, now=ends - 0.001).user_id == owner.pk
    with pytest.raises(Refused, match="expired"):
        read_access_token(token, now=ends)


def test_a_token_in_the_address_opens_no_rest_path(owner: User, anybody: Asker) -> None:
    answer_of(anybody.client.get("/fo/expiries", {"token": access_token(owner)})).problem(401)


def test_a_browsers_session_opens_no_rest_path(owner: User) -> None:
    client = APIClient()
    client.force_login(owner)
    answer_of(client.get("/fo/expiries")).problem(401)


@pytest.mark.parametrize(
    "path",
    ["/health", "/health/live", "/health/ready", "/metrics", "/openapi.json", "/asyncapi.json", "/docs", "/redoc"],
)
def test_what_operators_and_readers_need_is_open(db: None, path: str) -> None:
    assert APIClient().get(path).status_code == 200
