"""Whatever goes wrong, the answer is a problem: never HTML, never a stack."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import get_resolver
from rest_framework.test import APIClient

from accounts.models import User
from tests.api.asking import PROBLEM, Asker, answer_of
from tests.rig.cast import access_token

pytestmark = pytest.mark.usefixtures("redis_url")


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/fo/nothing", "/fo/expiries/", "/fo", "/auth/token/", "/a/../../etc"]
)
def test_a_path_that_is_none_is_a_problem(ask: Asker, path: str) -> None:
    ask(path).problem(404)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_question_cannot_be_written_to(ask: Asker, method: str) -> None:
    answer_of(getattr(ask.client, method)("/fo/expiries", {}, format="json")).problem(405)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"username": "owner"', b"\xff\xfe", b'"text"', b"NaN"])
def test_a_body_that_is_no_object_is_a_problem(db: None, anonymous_client: APIClient, body: bytes) -> None:
    answer_of(anonymous_client.post("/auth/token", body, content_type="application/json")).problem(400)


def test_a_body_of_another_media_type_is_a_problem(db: None, anonymous_client: APIClient) -> None:
    answer_of(anonymous_client.post("/auth/token", {"username": "a"})).problem(415)


def test_a_media_type_nobody_offers_is_a_problem(ask: Asker) -> None:
    answer_of(ask.client.get("/fo/expiries", HTTP_ACCEPT="text/html")).problem(406)


@pytest.mark.parametrize("accepted", ["*/*", "application/json", "text/html, application/json;q=0.5", "application/*"])
def test_whoever_takes_json_among_others_gets_json(ask: Asker, accepted: str) -> None:
    response = ask.client.get("/fo/indicators", HTTP_ACCEPT=accepted)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")


def test_a_host_that_is_not_ours_is_a_problem(db: None, anonymous_client: APIClient) -> None:
    answer_of(anonymous_client.get("/fo/expiries", HTTP_HOST="evil.example")).problem(400)


def test_a_bug_is_a_problem_that_tells_nothing_of_the_code(
    owner: User, api_client_for: Callable[[User], APIClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**parameters: Any) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr("fo_analytics.api.chains.expiries_as_of", broken)
    client = api_client_for(owner)
    client.raise_request_exception = False
    response = client.get("/fo/expiries?underlying=NIFTY")
    assert (response.status_code, response["Content-Type"]) == (500, PROBLEM)
    assert answer_of(response).body["title"] == "Internal Server Error"
    assert b"swordfish" not in response.content
    assert b"Traceback" not in response.content


@pytest.mark.usefixtures("db", "without_redis")
def test_signing_in_without_redis_is_not_available_and_says_so(anonymous_client: APIClient) -> None:
    body = {"username": "owner", "password": "x"}
    answer = answer_of(anonymous_client.post("/auth/token", body, format="json"))
    answer.problem(503)
    assert answer.body["detail"] == "Redis does not answer"


@pytest.mark.usefixtures("without_database")
def test_a_question_without_the_database_is_not_available_and_names_no_host(anonymous_client: APIClient) -> None:
    token = access_token(User(pk=1, username="somebody", password="unusable"))
    answer = answer_of(anonymous_client.get("/fo/expiries", HTTP_AUTHORIZATION=f"Bearer {token}"))
    answer.problem(503)
    assert answer.body["detail"] == "the database does not answer"


def test_problems_have_the_title_of_their_status_and_a_sentence(ask: Asker) -> None:
    body = ask("/fo/expiries").body
    assert (body["type"], body["title"], body["status"]) == ("about:blank", "Bad Request", 400)
    assert body["detail"]
    assert [set(entry) >= {"field", "message"} for entry in body["errors"]] == [True]


def test_the_paths_have_no_prefix_and_no_trailing_slash() -> None:
    ours = {str(entry.pattern) for entry in get_resolver().url_patterns} - {"", "admin/"}
    assert ours >= {"health", "metrics", "docs"}
    assert [path for path in ours if path.endswith("/") or path.startswith("api")] == []
