"""Whatever stands where a value belongs: a problem, no error of ours, no page, no time lost, and nothing is broken.

The places come from the OpenAPI document and the channels, the values from injections.py.
"""

import json
import time
from collections.abc import Callable
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.db import connection
from rest_framework.response import Response
from rest_framework.test import APIClient

from accounts.models import User
from tests.api.asking import PROBLEM, strict_json
from tests.rig.cast import access_token
from tests.security.described import FREE_TEXT, Place, document, places
from tests.security.injections import INJECTIONS, SHAPES, SLEEP_S

Ask = Callable[[Place, object], Response]
pytestmark = pytest.mark.usefixtures("stored_market")


@pytest.fixture(scope="module")
def described() -> list[Place]:
    """Every place."""
    return list(places(document()))


@pytest.fixture
def asker(owner: User) -> Ask:
    """A function that puts a value into a place; who guesses is another one each time."""
    client, token, numbers = APIClient(raise_request_exception=False), access_token(owner), count()

    def ask(place: Place, value: object) -> Response:
        options: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
        options["REMOTE_ADDR"] = f"10.1.{next(numbers) // 250}.{next(numbers) % 250}"
        path = place.path
        if place.where == "path":
            path = path.replace(f"{{{place.name}}}", quote(str(value), safe="", errors="surrogatepass"))
        if place.where == "query":
            asked = place.others | {place.name: value}
            path += "?" + "&".join(f"{name}={quote(str(one), errors='surrogatepass')}" for name, one in asked.items())
        if place.where == "header":
            options[f"HTTP_{place.name.upper().replace('-', '_')}"] = str(value)
        if place.where == "body":
            options |= {"data": json.dumps(place.others | {place.name: value}), "content_type": "application/json"}
        answer: Response = getattr(client, place.method)(path, **options)
        return answer

    return ask


def sizes() -> dict[str, int]:
    """Return how many rows each table has, for what is not to be changed."""
    changing = {"SecurityEvent", "ApiKey", "OutstandingToken", "BlacklistedToken"}
    return {
        model.__name__: model._default_manager.count() for model in apps.get_models() if model.__name__ not in changing
    }


def fault(place: Place, answer: Response, seconds: float) -> str | None:
    """Return what is wrong with an answer, if anything."""
    if seconds > SLEEP_S * 0.9:
        return f"took {seconds:.1f} s"
    if answer.status_code in (200, 201) and place.is_free:
        return None
    if not 400 <= answer.status_code < 500 or answer["Content-Type"] != PROBLEM:
        return f"{answer.status_code} {answer.headers.get('Content-Type')}"
    body = strict_json(answer.content)
    if "X-Injected" in answer.headers or body["status"] != answer.status_code:
        return "an answer that is none"
    if answer["X-Content-Type-Options"] != "nosniff":
        return "sniffable"
    return "says more than it should" if len(answer.content) > 4_000 else None


def test_there_are_places_of_every_kind_and_enough_to_put_there(described: list[Place]) -> None:
    assert {place.where for place in described} == {"query", "path", "header", "body"}
    assert len(described) > 100
    assert len(INJECTIONS) >= 25
    assert {(place.path, place.name) for place in described} >= FREE_TEXT


@pytest.mark.parametrize("name", INJECTIONS)
def test_no_parameter_takes_it(described: list[Place], asker: Ask, name: str) -> None:
    before, faults = sizes(), {}
    for place in described:
        began = time.perf_counter()
        answer = asker(place, INJECTIONS[name])
        if wrong := fault(place, answer, time.perf_counter() - began):
            faults[place.method, place.path, place.name] = wrong
    assert faults == {}
    assert sizes() == before


@pytest.mark.parametrize("name", SHAPES)
def test_no_body_takes_another_shape(described: list[Place], asker: Ask, name: str) -> None:
    faults = {}
    for place in described:
        if place.where == "body" and not _allowed(place, name):
            answer = asker(place, SHAPES[name])
            if wrong := fault(place, answer, 0):
                faults[place.path, place.name] = wrong
    assert faults == {}


def _allowed(place: Place, shape: str) -> bool:
    return place.name == "expires_at" and shape == "null"


def test_the_tables_are_all_there(owner: User) -> None:
    wanted = {model._meta.db_table for model in apps.get_models()}
    assert wanted <= set(connection.introspection.table_names())
