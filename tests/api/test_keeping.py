"""Kept answers: the same bytes while the market is the same, never older than it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import redis
from django.db import connections
from rest_framework.test import APIClient

from accounts.models import User
from fo_analytics.api.keeping import bodies
from fo_analytics.freshness import note_everything, stored_counts
from fo_analytics.replay.player import play
from fo_analytics.replay.recording import ContractKey
from fo_analytics.selectors import strike_distribution as selector
from fo_analytics.services.instruments import ensure_instruments
from streaming.ticker.stream import TickProducer, TickStreams
from tests.api.market import FIRST, LAST, feed, forget_everything, ist, snapshot, take_in
from tests.rig.cast import access_token
from tradingviz.core.redis import sync_client

PATH = "/fo/strike-distribution?underlying=NIFTY&levels=2"
AT = f"{PATH}&at={LAST // 1000}"


@pytest.fixture
def market(db: None, redis_url: str) -> None:
    """Two minutes, stored and live."""
    forget_everything()
    feed([snapshot(FIRST), snapshot(LAST)])


@pytest.fixture
def client(owner: User) -> APIClient:
    """Somebody with a token."""
    found = APIClient()
    found.credentials(HTTP_AUTHORIZATION=f"Bearer {access_token(owner)}")
    return found


def loads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count how often chains are really made."""
    made: list[int] = []
    for name in ("live_chains", "chains_at"):
        real = getattr(selector, name)

        def counted(real: Any = real, **asked: Any) -> Any:
            made.append(1)
            return real(**asked)

        monkeypatch.setattr(selector, name, counted)
    return made


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize("path", [PATH, AT])
def test_the_same_question_of_the_same_market_is_answered_from_memory(
    client: APIClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    made = loads(monkeypatch)
    before = bodies().stats.l1_hits
    first, second = client.get(path), client.get(path)
    assert first.content == second.content
    assert len(made) == 1
    assert bodies().stats.l1_hits == before + 1
    assert client.get(f"{path}&option_side=call").content != first.content
    assert len(made) == 2


def newest_stamp(answer: Any) -> int:
    """Return the newest stamp of a price in the first chain of an answer."""
    cells = [row[side] for row in answer["chains"][0]["strikes"] for side in ("call", "put") if side in row]
    return max(int(cell["last_ts"]) for cell in cells)


@pytest.mark.usefixtures("market")
def test_a_live_answer_ends_with_the_next_publication(client: APIClient) -> None:
    assert newest_stamp(client.get(PATH).json()) == LAST
    feed([snapshot(LAST + 1000)])
    assert newest_stamp(client.get(PATH).json()) == LAST + 1000


@pytest.mark.usefixtures("market")
def test_a_live_answer_ends_with_a_publication_within_the_same_second(client: APIClient) -> None:
    """Exchange stamps are whole seconds: what is known of the underlying itself may stay as it was."""
    service = feed([snapshot(LAST + 1000)])
    before = client.get(PATH).json()["chains"][0]
    ts, ticks = snapshot(LAST + 1000)
    dearer = [replace(tick, last=(tick.last or 0) + 5, volume=(tick.volume or 0) + 65) for tick in ticks[:-1]]
    for _ in play([(ts, dearer)], TickStreams(sync_client(), shards=1), listed, speed=None):
        pass
    take_in(service, TickProducer(sync_client()))
    after = client.get(PATH).json()["chains"][0]
    assert after["seq"] == before["seq"] + 1
    assert after["strikes"] != before["strikes"]


@pytest.mark.usefixtures("market")
def test_a_live_answer_ends_with_a_commit_of_the_rows_that_it_is_compared_with(client: APIClient) -> None:
    service, sunday = feed([snapshot(LAST + 1000)]), ist("2026-02-01 15:29:15")
    answers = []
    for ts, fewer in ((sunday, 0.0), (sunday + 20_000, 65.0)):
        ticks = [replace(tick, volume=65.0, oi=(tick.oi or 130.0) - fewer) for tick in snapshot(ts)[1]]
        for _ in play([(ts, ticks)], TickStreams(sync_client(), shards=1), listed, speed=None):
            pass
        take_in(service, TickProducer(sync_client()))
        answers.append(client.get(PATH).json()["chains"][0])
    assert answers[0]["seq"] == answers[1]["seq"], "nothing was published in between"
    changes = [row["call"]["oi_change"] for answer in answers for row in answer["strikes"][:1]]
    assert changes == [0, 65]


@pytest.mark.usefixtures("market")
def test_an_answer_after_a_change_of_the_master_is_made_of_the_changed_one(client: APIClient) -> None:
    """Although what was read of it before is remembered for seconds, and the answer is kept for longer."""
    path = f"/fo/expiries?underlying=NIFTY&at={LAST // 1000}"
    assert "2026-02-17" not in str(client.get(path).json())
    ensure_instruments(keys=[ContractKey("NIFTY", "CE", date(2026, 2, 17), 25_000.0)], seen_on=date(2026, 1, 1))
    note_everything(sync_client())
    assert "2026-02-17" in str(client.get(path).json())


@pytest.mark.usefixtures("market")
def test_a_stored_answer_ends_with_the_commit_that_changes_its_day(client: APIClient) -> None:
    at = f"{PATH}&at={(LAST - LAST % 60_000 + 60_000) // 1000}"
    assert newest_stamp(client.get(at).json()) == LAST
    feed([snapshot(LAST + 1000)])
    assert newest_stamp(client.get(at).json()) == LAST + 1000


@pytest.mark.usefixtures("market")
def test_a_commit_ends_only_the_answers_of_its_own_day() -> None:
    service = feed([snapshot(LAST + 2000)])
    before = versions()
    service._parts.engine.forget_everything()
    for _ in play([snapshot(ist("2026-02-03 09:15:10"))], TickStreams(sync_client(), shards=1), listed, speed=None):
        pass
    take_in(service, TickProducer(sync_client()))
    after = versions()
    assert after["2026-02-02"] == before["2026-02-02"]
    assert after["2026-02-03"] != before["2026-02-03"]


def versions() -> dict[str, str | None]:
    """Return the version of each day's rows."""
    days = (date(2026, 2, 2), date(2026, 2, 3))
    return {str(day): stored_counts(sync_client(), "NIFTY", day, day).version(day, day) for day in days}


def listed(keys: list[ContractKey], day: date) -> dict[ContractKey, int]:
    """Return the contracts' tokens."""
    return ensure_instruments(keys=keys, seen_on=day)


@pytest.mark.usefixtures("market")
def test_a_past_chain_asks_for_the_versions_of_its_days_once(client: APIClient) -> None:
    before = calls("hmget"), calls("set")
    assert client.get(AT).status_code == 200
    assert (calls("hmget"), calls("set")) == (before[0] + 1, before[1])


def calls(command: str) -> int:
    """Return how often Redis has done a command."""
    found: Any = sync_client().info("commandstats")
    return int(found.get(f"cmdstat_{command}", {}).get("calls", 0))


@pytest.mark.usefixtures("market")
def test_an_unchanged_answer_is_not_sent_twice_and_a_large_one_is_packed(client: APIClient) -> None:
    first = client.get(PATH)
    again = client.get(PATH, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(PATH, HTTP_ACCEPT_ENCODING="gzip")["Content-Encoding"] == "gzip"
    assert first["Cache-Control"] == "private, no-cache"


@pytest.mark.usefixtures("market")
def test_the_answer_says_where_its_time_went(client: APIClient) -> None:
    parts = dict(part.split(";dur=") for part in client.get(AT)["Server-Timing"].split(", "))
    assert set(parts) == {"cache", "db", "compute"}
    assert float(parts["db"]) > 0
    kept = dict(part.split(";dur=") for part in client.get(AT)["Server-Timing"].split(", "))
    assert float(kept["db"]) == float(kept["compute"]) == 0


@pytest.mark.usefixtures("market")
def test_without_redis_answers_are_right_and_made_anew(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = client.get(AT).json()
    made = loads(monkeypatch)
    gone = redis.Redis(port=1, socket_connect_timeout=0.1)
    monkeypatch.setattr(bodies(), "_client", lambda: gone)
    assert [client.get(AT).json() for _ in range(2)] == [expected] * 2
    assert len(made) == 2


@pytest.mark.usefixtures("transactional_db", "redis_url")
def test_a_hundred_simultaneous_misses_make_one_answer(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_everything()
    feed([snapshot(FIRST), snapshot(LAST)])
    made = loads(monkeypatch)
    token = access_token(owner)

    def ask(_: int) -> bytes:
        try:
            return bytes(APIClient().get(AT, HTTP_AUTHORIZATION=f"Bearer {token}").content)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        assert len(set(pool.map(ask, range(100)))) == 1
    assert len(made) == 1


@pytest.mark.usefixtures("market")
def test_health_counts_hits_and_misses(client: APIClient) -> None:
    before = client.get("/health").json()["cache_stats"]
    client.get(PATH)
    client.get(PATH)
    after = client.get("/health").json()["cache_stats"]
    assert after["l1_hits"] - before["l1_hits"] == 1
    assert after["total_misses"] - before["total_misses"] == 1
    assert 0 <= after["hit_rate"] <= 1
