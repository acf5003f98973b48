"""Examples for the OpenAPI document: real answers, shortened, and bodies that get such answers."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from drf_spectacular.utils import OpenApiExample

_SOLD_CALL = {"underlying": "NIFTY", "kind": "CE", "expiry": "NWeek+0", "strike": "25900", "side": "SELL", "lots": 1}
_BODIES: dict[str, Any] = {
    "legs": {"legs": [_SOLD_CALL, {**_SOLD_CALL, "strike": "26000", "side": "BUY", "price": "25.00"}]},
    "changes": {"legs": [{**_SOLD_CALL, "side": "BUY"}], "exits": [{"leg": 31, "lots": 1}]},
}


@cache
def _answers() -> dict[str, Any]:
    text = (Path(__file__).parent / "analysis_examples.json").read_text(encoding="utf-8")
    answers: dict[str, Any] = json.loads(text)
    return answers


def example(name: str) -> OpenApiExample:
    """Return the example of an answer."""
    return OpenApiExample(f"a {name}", value=_answers()[name], response_only=True, status_codes=["200"])


def question(name: str) -> OpenApiExample:
    """Return the example of a body."""
    return OpenApiExample(f"some {name}", value=_BODIES[name], request_only=True)
