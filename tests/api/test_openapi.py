"""The API's own description: complete, valid, and shown with assets of our own."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.urls import get_resolver
from drf_spectacular.renderers import OpenApiJsonRenderer
from rest_framework.test import APIClient

from tests.api.asking import strict_json
from tradingviz import __version__
from tradingviz.openapi import described

PAGES = ("/docs", "/redoc")
ADDRESS = re.compile(r"""(?:src|href|action)\s*=\s*["']([^"']+)["']|["'](https?://[^"']+)["']""", re.IGNORECASE)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document, as anybody may fetch it."""
    response = APIClient().get("/openapi.json")
    assert response.status_code == 200
    return dict(strict_json(response.content))


def addresses(page: str) -> list[str]:
    """Return every address in a page's HTML that a browser would go to."""
    html = APIClient().get(page).content.decode()
    return [first or second for first, second in ADDRESS.findall(html)]


def answers(operation: dict[str, Any]) -> dict[str, Any]:
    """Return the shape of each answer of an operation by status."""
    return {status: answer["content"] for status, answer in operation["responses"].items() if status != "204"}


def test_the_document_is_valid_and_comes_without_warnings(tmp_path: Path) -> None:
    target = tmp_path / "openapi.json"
    call_command("spectacular", "--fail-on-warn", "--validate", "--format=openapi-json", f"--file={target}")
    assert strict_json(target.read_bytes())["openapi"].startswith("3.1")


def test_the_document_is_open_api_3_1_of_this_version(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == __version__ == "1.0.0"


def test_every_route_for_clients_is_described(document: dict[str, Any]) -> None:
    routes = {re.sub(r"<\w+:(\w+)>", r"{\1}", f"/{pattern.pattern}") for pattern in _patterns(get_resolver())}
    paths = {route.replace("{pk}", "{id}") for route in routes}
    promised = {path for path in paths if path.startswith(("/fo/", "/auth/", "/accounts", "/strategies"))}
    assert promised == set(document["paths"])


def test_every_market_question_demands_a_token_and_says_how_it_fails(document: dict[str, Any]) -> None:
    questions = {path: item["get"] for path, item in document["paths"].items() if path.startswith("/fo/")}
    assert questions
    for operation in questions.values():
        assert operation["security"] == [{"bearer": []}]
        assert {"200", "400", "401", "503"} <= set(operation["responses"])


def test_what_changes_access_demands_a_token_and_says_how_it_fails(document: dict[str, Any]) -> None:
    operations = {
        (method, path): operation
        for path, item in document["paths"].items()
        if path.startswith(("/auth/api-keys", "/auth/logout", "/auth/ws-ticket"))
        for method, operation in item.items()
    }
    assert set(operations) == {
        ("get", "/auth/api-keys"),
        ("post", "/auth/api-keys"),
        ("delete", "/auth/api-keys/{prefix}"),
        ("post", "/auth/logout"),
        ("post", "/auth/ws-ticket"),
    }
    for operation in operations.values():
        (demanded,) = operation["security"]
        assert demanded
        assert {"401", "403", "503"} < set(operation["responses"])


def test_what_signs_in_demands_no_token_and_says_that_guessing_is_limited(document: dict[str, Any]) -> None:
    for path in ("/auth/token", "/auth/token/refresh"):
        operation = document["paths"][path]["post"]
        assert not any(operation.get("security", []))
        assert set(operation["responses"]) == {"200", "400", "401", "413", "429", "503"}


def test_every_body_and_answer_of_access_has_an_example(document: dict[str, Any]) -> None:
    contents = [
        content
        for path, item in document["paths"].items()
        if path.startswith("/auth/") and path != "/auth/token"
        for operation in item.values()
        for part in (operation.get("requestBody"), *(operation["responses"].get(code) for code in ("200", "201")))
        for media, content in (part or {}).get("content", {}).items()
    ]
    assert len(contents) == 7
    assert all(content.get("examples") for content in contents)


def test_every_parameter_is_described(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/fo/strike-distribution"]["get"]["parameters"]
    names = {parameter["name"] for parameter in parameters}
    assert names >= {"underlying", "symbol", "expiry", "levels", "strike_range", "at", "option_side", "sort"}
    assert "convention" in names


def test_problems_are_described_in_their_own_media_type(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for operation in item.values():
            for status, content in answers(operation).items():
                expected = "application/json" if status in ("200", "201") else "application/problem+json"
                assert set(content) == {expected}, (path, status)


@pytest.mark.usefixtures("market")
def test_every_answered_key_is_described(document: dict[str, Any], ask: Any) -> None:
    shapes = document["components"]["schemas"]
    answer = ask.chains(levels=0)
    described = {name: set(shape["properties"]) for name, shape in shapes.items() if "properties" in shape}
    row = answer.chain["strikes"][0]
    assert described["StrikeDistributionShape"] == set(answer.body)
    assert described["ChainShape"] == set(answer.chain)
    assert described["StrikeShape"] == set(row)
    assert described["ContractShape"] == set(row["call"])


@pytest.mark.usefixtures("stored_market")
@pytest.mark.parametrize(
    ("path", "asked", "shape", "optional"),
    [
        ("moneyness-series", {"indicator": "iv"}, "MoneynessSeriesShape", False),
        ("metrics-series", {}, "MetricsSeriesShape", False),
        ("straddle-series", {}, "StraddleSeriesShape", True),
        ("straddle-series", {"strike": 25_000, "expiry": "2026-08-11"}, "StraddleSeriesShape", True),
        ("strike-history", {"strike": 25_000, "expiry": "2026-08-11"}, "StrikeHistoryShape", False),
        ("instruments", {}, "InstrumentsShape", False),
        ("underlyings", {}, "UnderlyingsShape", False),
        ("indicators", {}, "IndicatorsShape", False),
    ],
)
def test_every_key_of_a_series_and_a_listing_is_described(
    document: dict[str, Any], ask: Any, path: str, asked: dict[str, Any], shape: str, optional: bool
) -> None:
    parameters = asked if path in ("instruments", "underlyings", "indicators") else {"underlying": "NIFTY", **asked}
    answer = ask(f"/fo/{path}", **parameters)
    described = document["components"]["schemas"][shape]
    assert answer.status == 200
    assert set(answer.body) <= set(described["properties"])
    assert set(described["required"]) <= set(answer.body)
    assert optional or set(answer.body) == set(described["properties"])


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_documentation_names_no_other_host(page: str) -> None:
    assert [address for address in addresses(page) if urlsplit(address).netloc] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_asset_of_a_page_of_documentation_comes_from_us(page: str) -> None:
    assets = [address for address in addresses(page) if address.startswith("/static/")]
    assert any(address.endswith(".js") for address in assets)
    assert {address: APIClient().get(address).status_code for address in assets} == dict.fromkeys(assets, 200)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_documentation_shows_our_document(page: str) -> None:
    text = APIClient().get(page).content.decode()
    script = re.search(r'src="(/docs[^"]*)"', text)  # Swagger UI is started by a file of its own
    assert "/openapi.json" in (APIClient().get(script[1]).content.decode() if script else text)


def _patterns(resolver: Any) -> list[Any]:
    found: list[Any] = []
    for pattern in resolver.url_patterns:
        found += _patterns(pattern) if hasattr(pattern, "url_patterns") else [pattern]
    return found


def test_the_document_is_made_once_and_is_what_would_be_made_anew(document: dict[str, Any]) -> None:
    assert document == strict_json(OpenApiJsonRenderer().render(described.__wrapped__()))
    assert described.cache_info().currsize == 1
