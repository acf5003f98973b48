"""What the questions about chains answer is what the API's description says they answer, key by key."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.api.asking import Asker, strict_json
from tests.api.market import FAR, NEAR, SILENT
from tests.api.two_days import CLOSED

pytestmark = pytest.mark.usefixtures("two_days")

PATHS = ("smile", "term-structure", "surface", "exposure", "oi-change", "snapshot")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The description."""
    return dict(strict_json(APIClient().get("/openapi.json").content))


def assert_described(value: Any, shape: dict[str, Any], shapes: dict[str, Any], place: str) -> None:
    """Demand that an answer has the keys and kinds that its shape describes, all the way down."""
    may_be_null = {"type": "null"} in shape.get("oneOf", [])
    for part in (shape, *shape.get("allOf", []), *shape.get("oneOf", [])):
        if "$ref" in part:
            shape = shapes[part["$ref"].rsplit("/", 1)[1]]
    kinds = [*shape.get("type", []), "null"] if may_be_null else shape.get("type", [])
    if value is None:
        assert "null" in kinds, place
    elif "properties" in shape:
        assert set(value) == set(shape["properties"]), place
        for name, item in value.items():
            assert_described(item, shape["properties"][name], shapes, f"{place}.{name}")
    elif isinstance(value, list):
        for item in value:
            assert_described(item, shape["items"], shapes, f"{place}[]")
    elif not isinstance(value, dict):
        names = {bool: "boolean", int: "integer", float: "number", str: "string"}
        assert names[type(value)] in kinds or (isinstance(value, int) and "number" in kinds), place


@pytest.mark.parametrize("path", PATHS)
def test_every_key_of_an_answer_is_described_and_every_described_one_is_there(
    ask: Asker, document: dict[str, Any], path: str
) -> None:
    operation = document["paths"][f"/fo/{path}"]["get"]
    shape = operation["responses"]["200"]["content"]["application/json"]["schema"]
    for at in ({}, {"at": CLOSED}, {"at": "2026-02-03T15:30:00"}):
        for expiry in (NEAR, FAR, SILENT):
            answer = ask(f"/fo/{path}", underlying="NIFTY", expiry=str(expiry), **at)
            assert answer.status == 200
            assert_described(answer.body, shape, document["components"]["schemas"], path)


@pytest.mark.parametrize("path", PATHS)
def test_every_question_has_an_example_with_the_keys_of_an_answer(
    ask: Asker, document: dict[str, Any], path: str
) -> None:
    content = document["paths"][f"/fo/{path}"]["get"]["responses"]["200"]["content"]["application/json"]
    (example,) = content["examples"].values()
    assert set(example["value"]) == set(ask(f"/fo/{path}", underlying="NIFTY").body)


@pytest.mark.parametrize("path", [*PATHS, "depth", "strike-distribution", "metrics-series", "straddle-series"])
def test_an_answer_with_valued_numbers_names_its_convention(ask: Asker, path: str) -> None:
    assert ask(f"/fo/{path}", underlying="NIFTY").body["convention"] == "exact"
