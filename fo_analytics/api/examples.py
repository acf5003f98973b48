"""Examples for the OpenAPI document: real answers, shortened; tests/api/test_examples.py makes them and compares."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from drf_spectacular.utils import OpenApiExample

EXAMPLES = Path(__file__).parent / "examples.json"


def example(question: str) -> OpenApiExample:
    """Return the example of an answer to a question, by the last part of its path."""
    return OpenApiExample(question, value=_answers()[question], response_only=True, status_codes=["200"])


@cache
def _answers() -> dict[str, Any]:
    answers: dict[str, Any] = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    return answers
