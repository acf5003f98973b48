"""Examples for the OpenAPI document: real answers, shortened."""

import json
from pathlib import Path

from drf_spectacular.utils import OpenApiExample


def example(question: str) -> OpenApiExample:
    """Return the example of an answer to a question, by the last part of its path."""
    answers = json.loads((Path(__file__).parent / "examples.json").read_text(encoding="utf-8"))
    return OpenApiExample(
        f"{question} of a past minute", value=answers[question], response_only=True, status_codes=["200"]
    )
