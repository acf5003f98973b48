"""Asking over HTTP and reading strictly: an answer with NaN in it is no JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rest_framework.response import Response
from rest_framework.test import APIClient

Json = dict[str, Any]
PROBLEM = "application/problem+json"
PROBLEM_KEYS = {"type", "title", "status", "detail", "errors"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: Json
    headers: Mapping[str, str]

    @property
    def chain(self) -> Json:
        """The only chain of a strike distribution."""
        assert self.status == 200
        (chain,) = self.body["chains"]
        return dict(chain)

    @property
    def strikes(self) -> list[float]:
        """The strikes of the only chain, in order."""
        return [row["strike"] for row in self.chain["strikes"]]

    def side(self, strike: float, side: str) -> Json:
        """One contract of the only chain."""
        (found,) = [row[side] for row in self.chain["strikes"] if row["strike"] == strike]
        return dict(found)

    def problem(self, status: int) -> Json:
        """The problem that the answer is, of the status that it should have; its entries by field."""
        assert (self.status, self.headers["Content-Type"]) == (status, PROBLEM)
        assert set(self.body) == PROBLEM_KEYS
        assert self.body["status"] == status
        return {entry["field"]: entry for entry in self.body["errors"]}


class Asker:
    """A client whose answers are read strictly."""

    def __init__(self, client: APIClient) -> None:
        self.client = client

    def __call__(self, path: str, **parameters: Any) -> Answer:
        """GET a path; a list repeats its parameter."""
        return answer_of(self.client.get(path, parameters))

    def chains(self, **parameters: Any) -> Answer:
        """Ask for a strike distribution, of NIFTY where nothing else is said."""
        return self("/fo/strike-distribution", **{"underlying": "NIFTY", **parameters})


def answer_of(response: Response) -> Answer:
    """Return a response as read strictly."""
    return Answer(response.status_code, strict_json(response.content), response.headers)


def strict_json(body: bytes) -> Any:
    """Parse JSON that holds neither NaN nor infinity."""
    return json.loads(body, parse_constant=_refuse)


def _refuse(word: str) -> None:
    raise AssertionError(f"{word} is not JSON")
