"""Errors as problems: which status, which words, whose fault."""

from typing import Any

import pytest
import redis
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404
from django.test import RequestFactory
from django_ratelimit.exceptions import Ratelimited
from rest_framework import exceptions
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken

from tradingviz.core.errors import (
    PROBLEM_TYPE,
    InvalidRequest,
    NotAvailable,
    TradingvizError,
    problem,
    problem_page,
    problem_response,
)

VALIDATION = exceptions.ValidationError({"levels": ["too many", "too late"], "legs": [{}, {"side": ["unknown"]}]})
CASES: list[tuple[Exception, int, str, str]] = [
    (InvalidRequest("no such thing"), 400, "Bad Request", "no such thing"),
    (NotAvailable("Redis is away"), 503, "Service Unavailable", "Redis is away"),
    (VALIDATION, 400, "Bad Request", "some parameters are not valid"),
    (exceptions.ParseError(), 400, "Bad Request", "Malformed request."),
    (exceptions.NotAuthenticated(), 401, "Unauthorized", "Authentication credentials were not provided."),
    (InvalidToken(), 401, "Unauthorized", "Token is invalid or expired"),
    (InvalidToken({"detail": "too old", "messages": []}), 401, "Unauthorized", "too old"),
    (AuthenticationFailed("gone", code="gone"), 401, "Unauthorized", "gone"),
    (exceptions.PermissionDenied("not yours"), 403, "Forbidden", "not yours"),
    (PermissionDenied(), 403, "Forbidden", "You do not have permission to perform this action."),
    (exceptions.NotFound(), 404, "Not Found", "Not found."),
    (Http404("secret"), 404, "Not Found", "Not found."),
    (exceptions.MethodNotAllowed("PUT"), 405, "Method Not Allowed", 'Method "PUT" not allowed.'),
    (exceptions.UnsupportedMediaType("a/b"), 415, "Unsupported Media Type", 'Unsupported media type "a/b" in request.'),
]


def rendered(error: Exception) -> Any:
    """Return the response to an error of a view."""
    response = problem_response(error, {})
    assert response is not None
    return response


@pytest.mark.parametrize(("error", "status", "title", "detail"), CASES)
def test_an_error_becomes_a_problem_of_its_status(error: Exception, status: int, title: str, detail: str) -> None:
    response = rendered(error)
    assert (response.status_code, response.content_type) == (status, PROBLEM_TYPE)
    assert {name: response.data[name] for name in ("type", "title", "status", "detail")} == {
        "type": "about:blank", "title": title, "status": status, "detail": detail,
    }  # fmt: skip


@pytest.mark.parametrize("error", [Ratelimited(), exceptions.Throttled(wait=60)])
def test_too_many_attempts_are_429_with_the_time_to_wait(error: Exception) -> None:
    response = rendered(error)
    assert (response.status_code, response.data["title"]) == (429, "Too Many Requests")
    assert response["Retry-After"] == "60"


def test_an_invalid_request_names_the_field_and_what_would_do() -> None:
    error = InvalidRequest("no such expiry", field="expiry", valid=["NWeek+0"])
    assert rendered(error).data["errors"] == [{"field": "expiry", "message": "no such expiry", "valid": ["NWeek+0"]}]


def test_nested_messages_become_one_entry_each_with_a_dotted_path() -> None:
    assert rendered(VALIDATION).data["errors"] == [
        {"field": "levels", "message": "too many"},
        {"field": "levels", "message": "too late"},
        {"field": "legs.1.side", "message": "unknown"},
    ]


def test_a_message_of_no_field_has_an_empty_path() -> None:
    assert rendered(exceptions.ValidationError("all wrong")).data["errors"] == [{"field": "", "message": "all wrong"}]


@pytest.mark.parametrize("error", [redis.ConnectionError("secret"), OperationalError("secret")])
def test_a_server_that_is_away_is_503_and_not_described(error: Exception) -> None:
    response = rendered(error)
    assert (response.status_code, response.data["title"]) == (503, "Service Unavailable")
    assert "does not answer" in response.data["detail"]
    assert "secret" not in str(response.data)


@pytest.mark.parametrize("error", [RuntimeError("secret"), KeyError("secret"), TradingvizError("secret")])
def test_a_bug_is_left_to_django_which_logs_it(error: Exception) -> None:
    assert problem_response(error, {}) is None


def test_the_challenge_of_a_401_is_kept() -> None:
    error = exceptions.NotAuthenticated()
    error.auth_header = 'Bearer realm="api"'  # type: ignore[attr-defined]  # as DRF's views do
    assert rendered(error)["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_djangos_own_errors_are_problems_that_repeat_nothing(status: int) -> None:
    response = problem_page(status)(RequestFactory().get("/secret"), RuntimeError("secret"))
    assert (response.status_code, response["Content-Type"]) == (status, PROBLEM_TYPE)
    assert f'"status":{status}'.encode() in response.content
    assert b"secret" not in response.content


def test_a_problem_without_entries_has_an_empty_list_of_them() -> None:
    assert problem(404, "gone")["errors"] == []


def test_our_errors_are_one_tree() -> None:
    assert issubclass(InvalidRequest, TradingvizError)
    assert issubclass(NotAvailable, TradingvizError)
