"""What the document says of the analysis of strategies is what is answered, its examples included."""

import json
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

import strategies.api
from accounts.models import User
from tests.api.asking import Asker, Json, strict_json
from tests.api.market import FAR, SILENT
from tests.api.strategies_made import add, candles, instrument, short_straddle, strategy_of

pytestmark = pytest.mark.usefixtures("market")
SHAPES = {
    "payoff": "PayoffShape",
    "scenario": "ScenarioShape",
    "greeks": "GreeksShape",
    "statistics": "StatisticsShape",
}
EXAMPLES = Path(strategies.api.__file__).parent / "analysis_examples.json"


@pytest.fixture(scope="module")
def document() -> Json:
    """The OpenAPI document."""
    return dict(strict_json(APIClient().get("/openapi.json").content))


def faults(value: Any, shape: Json, schemas: Json, place: str = "") -> list[str]:
    """Return where a value and its described shape differ: keys, and nulls that are not announced."""
    if reference := shape.get("$ref") or next((one["$ref"] for one in shape.get("allOf", ()) if "$ref" in one), ""):
        return faults(value, schemas[reference.rpartition("/")[2]], schemas, place)
    choices = shape.get("oneOf") or shape.get("anyOf")
    if choices:
        return min((faults(value, one, schemas, place) for one in choices), key=len)
    kinds = shape.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if value is None:
        return [] if "null" in kinds else [f"{place}: null"]
    if isinstance(value, dict) and "properties" in shape:
        apart = [f"{place}.{name}" for name in set(value) ^ set(shape["properties"])]
        known = [name for name in value if name in shape["properties"]]
        return apart + [
            one for name in known for one in faults(value[name], shape["properties"][name], schemas, f"{place}.{name}")
        ]
    if isinstance(value, list):
        return (
            []
            if kinds == []
            else [one for item in value for one in faults(item, shape["items"], schemas, f"{place}[]")]
        )
    text = isinstance(value, str)
    return [] if text == ("string" in kinds) else [f"{place}: {value!r} is no {kinds}"]


@pytest.mark.parametrize("question", SHAPES)
def test_every_answer_and_example_has_the_described_form(
    document: Json, ask: Asker, owner: User, question: str
) -> None:
    plain, odd, empty = strategy_of(owner), strategy_of(owner), strategy_of(owner)
    short_straddle(plain)
    candles(plain, FAR, 100, -300, 200)
    add(odd, instrument("CE", 25_000), "SELL", "160")
    add(odd, instrument("CE", 25_000, SILENT), "BUY", "700")
    answers = [ask(f"/strategies/{one.pk}/{question}") for one in (plain, odd, empty)]
    bodies = [answer.body for answer in answers if answer.status == 200]
    bodies.append(json.loads(EXAMPLES.read_text(encoding="utf-8"))[question])
    schemas = document["components"]["schemas"]
    assert len(bodies) >= 3
    assert [faults(body, schemas[SHAPES[question]], schemas) for body in bodies] == [[]] * len(bodies)


def test_the_comparison_finds_a_key_too_few_a_null_and_a_number_for_a_text(document: Json) -> None:
    schemas = document["components"]["schemas"]
    example = json.loads(EXAMPLES.read_text(encoding="utf-8"))["payoff"]
    spoilt = {**example, "convention": None, "capped": [1]}
    del spoilt["slope"]
    spoilt["legs"] = [{**example["legs"][0], "units": "65"}]
    assert sorted(faults(spoilt, schemas["PayoffShape"], schemas)) == [
        ".capped[]: 1 is no ['string']",
        ".convention: null",
        ".legs[].units: '65' is no ['integer']",
        ".slope",
    ]
