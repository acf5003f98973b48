"""The examples of the API's description are what is answered, shortened: they are made of the market of two_days.py.

`EXAMPLES=write .venv/bin/pytest tests/api/test_examples.py` writes them anew after an answer has changed.
"""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.plugin import DjangoDbBlocker

from fo_analytics.api.examples import EXAMPLES
from fo_analytics.models import Instrument
from fo_analytics.services.ingest import make_ingest
from streaming.ticker.stream import TickProducer
from tests.api.asking import Asker
from tests.api.described import assert_described, document
from tests.api.market import LOT, NEAR, forget_everything, take_in
from tests.api.two_days import CLOSED, NOW
from tradingviz.core.redis import sync_client

Json = dict[str, Any]
RANGE = {"from": "2026-02-02T10:00", "to": CLOSED, "expiry": str(NEAR)}
QUESTIONS: dict[str, Json] = {
    "depth": {"levels": 0, "lots": 3},
    "expiries": {"at": CLOSED},
    "exposure": {"at": CLOSED, "levels": 0},
    "indicators": {},
    "instruments": {"at": CLOSED, "limit": 2, "strike_min": 25_000},
    "metrics-series": {**RANGE, "metric": "forward,atm_iv,pcr_oi,max_pain"},
    "moneyness-series": {**RANGE, "indicator": "iv", "moneyness": "ATM,OTM1"},
    "oi-change": {"at": CLOSED, "limit": 1},
    "smile": {"at": CLOSED},
    "snapshot": {"at": CLOSED, "levels": 0, "limit": 1},
    "straddle-series": RANGE,
    "strike-distribution": {"at": CLOSED, "levels": 0},
    "strike-history": {**RANGE, "strike": 25_000, "option_side": "call"},
    "surface": {"at": CLOSED, "points": 3, "days": 5},
    "term-structure": {"at": CLOSED},
    "underlyings": {},
}
MOST = 3
# Different in every run.
VOLATILE = {"epoch": 1, "depth_epoch": 1, "depth_since": NOW - NOW % 60_000, "next": "eyJ…", "token": 256265}


@pytest.fixture(scope="module")
def market(two_days: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The market of two days, and a book of the contracts at the money."""
    with django_db_blocker.unblock():
        producer = TickProducer(sync_client())
        for place, contract in enumerate(Instrument.objects.filter(expiry=NEAR, strike=25_000).order_by("kind")):
            price = 94.0 - 15 * place
            bids = [(price - 0.05 * step, LOT * 10 * step, 2 * step) for step in range(1, 4)]
            asks = [(price + 0.05 * step, LOT * 8 * step, 3 * step) for step in range(1, 4)]
            producer.send([(contract.token, NOW, None, None, None, None, None, None, None, (bids, asks))])
        take_in(make_ingest(shard=0), producer)
        forget_everything()
        yield


def shortened(value: Any, name: str = "") -> Any:
    """Return a part of an answer with few items and digits, and what differs from run to run replaced."""
    if value is not None and name in VOLATILE:
        return VOLATILE[name]
    if isinstance(value, dict):
        return {key: shortened(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [shortened(item) for item in value[:MOST]]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def examples() -> Json:
    """Return the examples that the description holds, by question."""
    answers = {
        path.removeprefix("/fo/"): item["get"]["responses"]["200"]["content"]["application/json"]
        for path, item in document()["paths"].items()
        if path.startswith("/fo/")
    }
    return {name: [one["value"] for one in answer.get("examples", {}).values()] for name, answer in answers.items()}


def test_every_question_about_the_market_has_an_example() -> None:
    found = examples()
    assert set(found) == set(QUESTIONS)
    assert [name for name, values in found.items() if len(values) != 1] == []


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize("question", QUESTIONS)
def test_an_example_is_what_is_answered(ask: Asker, question: str) -> None:
    named = {} if question in ("indicators", "underlyings") else {"underlying": "NIFTY"}
    answer = ask(f"/fo/{question}", **named, **QUESTIONS[question])
    assert answer.status == 200, answer.body
    made = shortened(answer.body)
    if os.environ.get("EXAMPLES") == "write":
        held = json.loads(EXAMPLES.read_text(encoding="utf-8"))
        lines = (f"{json.dumps(name)}: {json.dumps(value)}" for name, value in sorted({**held, question: made}.items()))
        EXAMPLES.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    assert made == json.loads(EXAMPLES.read_text(encoding="utf-8"))[question]


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_example_has_the_described_form(question: str) -> None:
    (value,) = examples()[question]
    assert_described(value, f"/fo/{question}", "get")
