"""An answer and what the document says of it."""

from functools import cache
from typing import Any

from rest_framework.test import APIClient

from tests.api.asking import strict_json


@cache
def document() -> dict[str, Any]:
    """Return the document."""
    return dict(strict_json(APIClient().get("/openapi.json").content))


def assert_described(answer: Any, path: str, method: str, status: str = "200") -> None:
    """Demand that an answer has all that is described as always there, and nothing else, all the way down."""
    shapes = document()["components"]["schemas"]
    content = document()["paths"][path][method]["responses"][status]["content"]
    _compare(answer, content["application/json"]["schema"], shapes, path)


def _compare(value: Any, shape: dict[str, Any], shapes: dict[str, Any], place: str) -> None:
    choices = shape.get("oneOf", shape.get("allOf", [shape]))
    if value is None:
        assert any("null" in _resolved(one, shapes).get("type", []) for one in choices), place
        return
    shape = next(found for one in choices if (found := _resolved(one, shapes)).get("type") != "null")
    if "properties" in shape:
        assert set(shape.get("required", ())) <= set(value) <= set(shape["properties"]), place
        for name, item in value.items():
            _compare(item, shape["properties"][name], shapes, f"{place}.{name}")
    elif isinstance(value, list):
        for item in value:
            _compare(item, shape["items"], shapes, f"{place}[]")


def _resolved(shape: dict[str, Any], shapes: dict[str, Any]) -> dict[str, Any]:
    return shapes[shape["$ref"].rsplit("/", 1)[1]] if "$ref" in shape else shape
