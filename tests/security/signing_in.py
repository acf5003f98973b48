"""The token endpoints as a client calls them."""

from rest_framework.test import APIClient

from accounts.models import User
from tests.api.asking import Answer, answer_of
from tests.rig.cast import PASSWORD

QUESTION = "/fo/expiries?underlying=NIFTY"


def sign_in(name: str, password: str = PASSWORD, *, address: str = "192.0.2.1") -> Answer:
    """Ask for a pair of tokens."""
    body = {"username": name, "password": password}
    return answer_of(APIClient().post("/auth/token", body, format="json", REMOTE_ADDR=address))


def pair_of(user: User) -> tuple[str, str]:
    """Return a user's access and refresh token."""
    answer = sign_in(user.username)
    assert answer.status == 200
    return answer.body["access"], answer.body["refresh"]


def refresh(token: str, *, address: str = "192.0.2.1") -> Answer:
    """Ask for a new pair."""
    return answer_of(APIClient().post("/auth/token/refresh", {"refresh": token}, format="json", REMOTE_ADDR=address))


def present(token: str, scheme: str = "Bearer") -> Answer:
    """Ask a question of the market with a token; a signed-in user gets 400, as nothing is listed."""
    return answer_of(APIClient().get(QUESTION, HTTP_AUTHORIZATION=f"{scheme} {token}"))


def gets_in(token: str) -> bool:
    """Return whether a token opens the door; anything but an entry or a 401 is an error."""
    answer = present(token)
    assert answer.status in (400, 401)
    return answer.status == 400
