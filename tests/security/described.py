"""Every place where a client can put a value, from the OpenAPI document: what is new there is covered by itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rest_framework.test import APIClient

from tests.api.asking import strict_json

Json = dict[str, Any]
# Values that let a question get as far as the parameter that is tried.
VALID: Json = {
    "underlying": "NIFTY", "indicator": "iv", "strike": "25000", "expiry": "2026-08-11", "moneyness": "ATM",
    "name": "report", "scopes": ["market"], "username": "owner", "password": "wrong", "refresh": "x.y.z",
    "prefix": "abcdefgh",
}  # fmt: skip
NEEDED = {"underlying", "indicator", "strike", "name", "scopes", "username", "password", "refresh"}
# Of these any text is a right value: they may be stored, or compared with what is stored, as they are.
FREE_TEXT = {
    ("/auth/api-keys", "name"), ("/auth/token", "username"), ("/auth/token", "password"), ("/strategies", "tag"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A parameter of an operation: `where` is query, path, header or body; `others` are valid values beside it."""

    method: str
    path: str
    where: str
    name: str
    others: Json = field(hash=False)

    @property
    def is_free(self) -> bool:
        """Return whether any text is a right value."""
        return (self.path, self.name) in FREE_TEXT


def document() -> Json:
    """Return the OpenAPI document."""
    return dict(strict_json(APIClient().get("/openapi.json").content))


def places(described: Json) -> Iterator[Place]:
    """Return every place of every operation."""
    for path, item in described["paths"].items():
        for method, operation in item.items():
            parameters = [(one["in"], one["name"]) for one in operation.get("parameters", ())]
            parameters += [("body", name) for name in _properties(described, operation)]
            names = {name for _, name in parameters}
            for where, name in parameters:
                others = {other: VALID[other] for other in names & NEEDED - {name, "underlying"}}
                if "underlying" in names and name not in ("underlying", "symbol"):
                    others["underlying"] = VALID["underlying"]
                if name == "strike":
                    others["expiry"] = VALID["expiry"]
                yield Place(method, path, where, name, others)


def _properties(described: Json, operation: Json) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    reference = content.get("schema", {}).get("$ref", "")
    shape = described["components"]["schemas"].get(reference.rpartition("/")[2], {})
    return list(shape.get("properties", ()))
