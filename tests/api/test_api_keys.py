"""The endpoints of API keys: one's own, shown once."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts import api_keys
from accounts.models import ApiKey, SecurityEvent, User
from accounts.principal import SCOPES, Refused
from tests.api.asking import Answer, answer_of
from tests.api.market import forget_everything

PATH = "/auth/api-keys"
KEYS = {"prefix", "name", "scopes", "created_at", "expires_at", "last_used_at"}

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(autouse=True)
def nothing_counted(redis_url: str) -> Iterator[None]:
    """Nothing remembered of another test."""
    forget_everything()
    api_keys.keys.forget_all()
    yield
    api_keys.keys.forget_all()


@pytest.fixture
def client(owner: User, api_client_for: Callable[[User], APIClient]) -> APIClient:
    """The owner's client."""
    return api_client_for(owner)


def make(client: APIClient, **body: Any) -> Answer:
    """Ask for a key, for market data where nothing else is said."""
    return answer_of(client.post(PATH, {"name": "report", "scopes": ["market"], **body}, format="json"))


def listed(client: APIClient) -> list[dict[str, Any]]:
    """Return the listed keys."""
    answer = answer_of(client.get(PATH))
    assert answer.status == 200
    return list(answer.body["keys"])


def test_a_key_is_shown_once_and_opens_what_it_was_made_for(client: APIClient, owner: User) -> None:
    answer = make(client, scopes=["strategies", "market"])
    assert (answer.status, set(answer.body)) == (201, KEYS | {"key"})
    assert answer.headers["Cache-Control"] == "no-store"
    assert re.fullmatch(rf"tvk_{answer.body['prefix']}_[A-Za-z0-9_-]{{43}}", answer.body["key"])
    assert answer.body["key"] not in str(listed(client))
    principal = api_keys.keys.of(answer.body["key"])
    assert (principal.user_id, set(principal.scopes)) == (owner.pk, {"market", "strategies"})


def test_ones_keys_are_listed_newest_first_without_their_secrets(client: APIClient) -> None:
    for name in ("first", "second"):
        make(client, name=name)
    keys = listed(client)
    assert [key["name"] for key in keys] == ["second", "first"]
    assert all(set(key) == KEYS for key in keys)


def test_a_key_that_was_used_says_when(client: APIClient) -> None:
    text = make(client).body["key"]
    assert listed(client)[0]["last_used_at"] is None
    api_keys.keys.of(text)
    used = datetime.fromisoformat(listed(client)[0]["last_used_at"])
    assert abs((datetime.now(UTC) - used).total_seconds()) < 60


def test_a_key_may_be_given_an_end(client: APIClient) -> None:
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    answer = make(client, expires_at=end.isoformat())
    assert datetime.fromisoformat(answer.body["expires_at"]) == end
    assert api_keys.keys.of(answer.body["key"]).expires_at == int(end.timestamp())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", None),
        ("name", "x" * 101),
        ("name", "a\x00b"),
        ("name", {"a": 1}),
        ("scopes", []),
        ("scopes", None),
        ("scopes", "market"),
        ("scopes", ["everything"]),
        ("scopes", [["market"]]),
        ("scopes", [None]),
        ("expires_at", "tomorrow"),
        ("expires_at", "2020-01-01T00:00:00Z"),
        ("expires_at", "0001-01-01T00:00:00Z"),
        ("expires_at", "9999-12-31T23:59:59-23:59"),
        ("expires_at", 12),
    ],
)
def test_what_is_no_key_is_refused_by_the_fields_name(client: APIClient, field: str, value: object) -> None:
    entries = make(client, **{field: value}).problem(400)
    assert {name.partition(".")[0] for name in entries} == {field}
    assert ApiKey.objects.count() == 0


def test_a_body_that_is_no_object_is_a_problem(client: APIClient) -> None:
    answer_of(client.post(PATH, ["market"], format="json")).problem(400)


def test_a_user_has_so_many_keys_at_most_and_revoked_ones_do_not_count(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "MOST_PER_USER", 2)
    prefixes = [make(client).body["prefix"] for _ in range(2)]
    make(client).problem(400)
    client.delete(f"{PATH}/{prefixes[0]}")
    assert make(client).status == 201


def test_a_revoked_key_opens_nothing_and_is_listed_no_more(client: APIClient) -> None:
    made = make(client).body
    api_keys.keys.of(made["key"])
    assert client.delete(f"{PATH}/{made['prefix']}").status_code == 204
    assert listed(client) == []
    with pytest.raises(Refused):
        api_keys.keys.of(made["key"])
    answer_of(client.delete(f"{PATH}/{made['prefix']}")).problem(404)


def test_somebody_elses_keys_are_neither_seen_nor_revoked(
    client: APIClient, stranger: User, teammate: User, api_client_for: Callable[[User], APIClient]
) -> None:
    made = make(client).body
    teammate.is_staff = teammate.is_superuser = True
    teammate.save()
    for somebody in (stranger, teammate):
        other = api_client_for(somebody)
        assert listed(other) == []
        missing = answer_of(other.delete(f"{PATH}/aaaaaaaa"))
        theirs = answer_of(other.delete(f"{PATH}/{made['prefix']}"))
        theirs.problem(404)
        assert theirs.body == missing.body
    api_keys.keys.of(made["key"])


@pytest.mark.parametrize("prefix", ["aaaaaaaa", "'", "%27%20OR%201=1", "%00", "x" * 300, "é"])
def test_a_prefix_that_is_none_is_not_found(client: APIClient, prefix: str) -> None:
    make(client)
    answer_of(client.delete(f"{PATH}/{prefix}")).problem(404)
    assert len(listed(client)) == 1


def test_an_api_key_makes_lists_and_revokes_no_keys(client: APIClient) -> None:
    made = answer_of(client.post(PATH, {"name": "all", "scopes": SCOPES}, format="json")).body
    program = APIClient(HTTP_AUTHORIZATION=f"Bearer {made['key']}")
    statuses = {
        make(program).status,
        program.get(PATH).status_code,
        program.delete(f"{PATH}/{made['prefix']}").status_code,
    }
    assert statuses <= {401, 403}
    assert [key.prefix for key in ApiKey.objects.filter(revoked_at=None)] == [made["prefix"]]


def test_nobody_without_credentials_comes_near(anonymous_client: APIClient) -> None:
    make(anonymous_client).problem(401)
    answer_of(anonymous_client.get(PATH)).problem(401)
    answer_of(anonymous_client.delete(f"{PATH}/aaaaaaaa")).problem(401)


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_key_is_never_changed(client: APIClient, method: str) -> None:
    made = make(client).body
    assert getattr(client, method)(f"{PATH}/{made['prefix']}", {"scopes": SCOPES}, format="json").status_code == 405


def test_making_and_revoking_are_recorded_without_the_secret(client: APIClient, owner: User) -> None:
    made = make(client).body
    client.delete(f"{PATH}/{made['prefix']}")
    events = SecurityEvent.objects.order_by("pk")
    assert [(event.kind, event.user, event.details["prefix"]) for event in events] == [
        ("key_created", owner, made["prefix"]),
        ("key_revoked", owner, made["prefix"]),
    ]
    assert made["key"][13:] not in str(list(events.values()))
