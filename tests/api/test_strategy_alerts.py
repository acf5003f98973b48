"""`/strategies/{id}/alerts`."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from strategies.models import Alert
from tests.api.described import assert_described
from tests.api.strategy_clients import Cast
from tests.api.strategy_clients import cast as cast

LOSS = {"condition": "at_most", "threshold": "-20000.00"}


@pytest.fixture
def path(cast: Cast) -> str:
    """The path of a strategy's alerts."""
    return f"/strategies/{cast.make()['id']}/alerts"


def fire(alert: int) -> None:
    """Let an alert have fired."""
    at = datetime(2026, 2, 2, 6, tzinfo=UTC)
    Alert.objects.filter(pk=alert).update(fired_at=at, fired_value=Decimal("-20001.50"))


def test_an_alert_waits_for_values_from_now_on(cast: Cast, path: str) -> None:
    made = cast.owner("POST", path, LOSS)
    assert (made.status, made.body["threshold"], made.body["fired_at"]) == (201, "-20000.00", None)
    since = datetime.fromisoformat(made.body["since"])
    assert abs((datetime.now(UTC) - since).total_seconds()) < 60
    listed = cast.owner("GET", path)
    assert_described(listed.body, "/strategies/{id}/alerts", "get")
    assert listed.body == {"alerts": [made.body]}


def test_an_alert_that_fired_says_so_until_it_is_armed_again(cast: Cast, path: str) -> None:
    made = cast.owner("POST", path, LOSS).body
    fire(made["id"])
    (fired,) = cast.owner("GET", path).body["alerts"]
    assert (fired["fired_at"], fired["fired_value"]) == ("2026-02-02T11:30:00+05:30", "-20001.50")
    armed = cast.owner("POST", f"{path}/{made['id']}/rearm")
    assert (armed.status, armed.body["fired_at"], armed.body["fired_value"]) == (200, None, None)
    assert armed.body["since"] > made["since"]


def test_an_alert_is_removed(cast: Cast, path: str) -> None:
    made = cast.owner("POST", path, LOSS).body["id"]
    assert cast.owner("DELETE", f"{path}/{made}").status == 204
    cast.owner("DELETE", f"{path}/{made}").problem(404)
    assert cast.owner("GET", path).body == {"alerts": []}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (LOSS | {"condition": "below"}, "condition"),
        (LOSS | {"threshold": "a lot"}, "threshold"),
        (LOSS | {"threshold": "1.001"}, "threshold"),
        (LOSS | {"threshold": "NaN"}, "threshold"),
        (LOSS | {"threshold": "1" * 16}, "threshold"),
        ({"condition": "at_most"}, "threshold"),
        (LOSS | {"since": "2020-01-01"}, "since"),
    ],
)
def test_an_alert_that_cannot_be_is_refused_with_its_field(
    cast: Cast, path: str, body: dict[str, Any], field: str
) -> None:
    assert set(cast.owner("POST", path, body).problem(400)) == {field}


def test_there_are_no_more_alerts_than_are_looked_at(cast: Cast, path: str) -> None:
    statuses = [cast.owner("POST", path, LOSS).status for _ in range(21)]
    assert statuses == [201] * 20 + [400]


def test_a_teammate_sees_alerts_and_sets_none_and_a_stranger_sees_none(cast: Cast, path: str) -> None:
    alert = f"{path}/{cast.owner('POST', path, LOSS).body['id']}"
    requests: list[tuple[str, str, Any]] = [
        ("GET", path, None),
        ("POST", path, LOSS),
        ("POST", f"{alert}/rearm", None),
        ("DELETE", alert, None),
    ]
    before = cast.owner("GET", path).body
    for method, asked, body in requests:
        if method == "GET":
            assert cast.teammate(method, asked).body == before
        else:
            cast.teammate(method, asked, body).problem(403)
        missing = asked.replace(path, "/strategies/999999/alerts")
        assert cast.stranger(method, asked, body).problem(404) == {}
        assert cast.stranger(method, asked, body).body == cast.stranger(method, missing, body).body
    assert cast.owner("GET", path).body == before


def test_an_alert_is_found_by_its_own_strategy_only(cast: Cast, path: str) -> None:
    other = f"/strategies/{cast.make()['id']}/alerts"
    alert = cast.owner("POST", path, LOSS).body["id"]
    cast.owner("DELETE", f"{other}/{alert}").problem(404)
    cast.owner("POST", f"{other}/{alert}/rearm").problem(404)


def test_a_word_that_is_no_choice_is_answered_with_those_there_are(cast: Cast, path: str) -> None:
    entries = cast.owner("POST", path, LOSS | {"condition": "below"}).problem(400)
    assert entries["condition"]["message"] == '"below" is none of: at_least, at_most'
