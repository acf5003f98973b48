"""The follower: stored, then published, then acknowledged; whatever goes wrong, nothing is lost and nothing twice."""

from collections.abc import Iterator

import pytest
import redis
from django.db import Error as DatabaseError
from django.db import connection

from accounts.models import Order, TradingAccount, User
from accounts.order_stream import GROUP, KEY, OrderReader, hand_over
from accounts.services import follower as module
from accounts.services.follower import Follower, Parts
from accounts.topics import orders_topic
from streaming.publisher import Fenced
from streaming.state import State, read_state
from tests.integration.accounts.made import DAY_MS, START, addressed, demo_account, raw, send

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """A client of the run's Redis."""
    with redis.Redis.from_url(redis_url) as found:
        yield found


@pytest.fixture
def account(owner: User) -> TradingAccount:
    """An account that the stream calls DEMO01."""
    return demo_account(owner)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START + 10_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time; the follower looks around with every step."""
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(module, "BLOCK_MS", 5)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    return Clock()


def made(redis_url: str, clock: Clock, consumer: str = "follower") -> Follower:
    """Return a follower of its own."""
    reader = OrderReader(redis.Redis.from_url(redis_url), consumer=consumer)
    return Follower(Parts(reader, redis.Redis.from_url(redis_url), clock))


@pytest.fixture
def follower(redis_url: str, clock: Clock) -> Iterator[Follower]:
    """The follower of a test."""
    found = made(redis_url, clock)
    yield found
    found.recover()


def live(client: redis.Redis, account: TradingAccount) -> State:
    """Return what is live of an account."""
    state = read_state(client, orders_topic(account.pk))
    assert state is not None
    return state


def test_an_account_without_orders_is_live_at_once_and_one_that_is_made_later_too(
    client: redis.Redis, account: TradingAccount, follower: Follower, teammate: User
) -> None:
    follower.step()
    assert live(client, account).document["counts"]["total"] == 0
    later = demo_account(teammate, code=None)
    follower.step()
    assert live(client, later).document["orders"] == {}


def test_an_update_is_stored_published_and_gone_from_the_stream(
    client: redis.Redis, account: TradingAccount, follower: Follower
) -> None:
    follower.step()
    send(client, raw(), raw(status="PARTIAL", ts=START + 1, filled=65, average_price=171.4))
    hand_over(client, account_id=account.pk, update=addressed(raw("2"))[0].update)
    follower.step()
    assert set(Order.objects.values_list("order_id", "status")) == {("1", "PARTIAL"), ("2", "OPEN")}
    document = live(client, account).document
    assert document["orders"]["1"]["average_price"] == "171.40"
    assert document["counts"]["total"] == 2
    assert client.xlen(KEY) == 0


def test_what_cannot_be_read_is_counted_and_holds_nothing_up(
    client: redis.Redis, account: TradingAccount, follower: Follower
) -> None:
    junk = [b"", b"\xc1", b"\x90", {"order_id": "1"}, raw(side="HOLD"), raw(account=True), raw(account="NOBODY")]
    send(client, *junk, raw(quantity=2**63), raw(order_id="-"), raw())
    client.xadd(KEY, {"x": "y"})
    follower.step()
    assert dict(follower.left_out) == {
        "malformed_entry": 4, "malformed_account": 2, "malformed_side": 1, "malformed_quantity": 1,
        "malformed_order_id": 1, "unknown_account": 1,
    }  # fmt: skip
    assert Order.objects.count() == 1
    assert client.xlen(KEY) == 0


def test_what_a_dead_follower_had_read_is_taken_over(
    client: redis.Redis, account: TradingAccount, follower: Follower
) -> None:
    send(client, raw())
    OrderReader(client, consumer="dead").ensure_group()
    assert OrderReader(client, consumer="dead").read(block_ms=5)
    follower.step()
    assert Order.objects.count() == 1
    assert client.xpending(KEY, GROUP)["pending"] == 0


@pytest.mark.parametrize("place", ["store_updates", "order_documents"])
def test_an_error_before_the_acknowledgement_brings_the_update_again(
    client: redis.Redis, account: TradingAccount, follower: Follower, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    follower.step()
    send(client, raw())

    def fail(**_: object) -> None:
        raise DatabaseError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(module, place, fail)
        with pytest.raises(DatabaseError):
            follower.step()
    assert client.xlen(KEY) == 1
    follower.recover()
    follower.step()
    assert set(live(client, account).document["orders"]) == {"1"}
    assert client.xlen(KEY) == 0


def test_a_second_follower_waits_until_the_first_has_gone(
    client: redis.Redis, account: TradingAccount, follower: Follower, redis_url: str, clock: Clock
) -> None:
    follower.step()
    other = connection.copy()
    other.ensure_connection()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [module._LOCK])
        assert cursor.fetchone() == (False,)
        follower.recover()
        cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [module._LOCK])
        assert cursor.fetchone() == (True,)
        send(client, raw())
        follower.step()
        assert not Order.objects.exists()
        cursor.execute("SELECT pg_advisory_unlock_all()")
    other.close()
    follower.step()
    assert Order.objects.exists()


def test_another_publisher_of_the_topic_is_no_end(
    client: redis.Redis, account: TradingAccount, follower: Follower, redis_url: str, clock: Clock
) -> None:
    follower.step()
    before = live(client, account).epoch
    clock.now += 1
    intruder = made(redis_url, clock)
    intruder._publish([account.pk])
    send(client, raw())
    with pytest.raises(Fenced):
        follower.step()
    follower.recover()
    follower.step()
    assert set(live(client, account).document["orders"]) == {"1"}
    assert live(client, account).epoch > before


def test_a_new_day_begins_with_an_empty_document(
    client: redis.Redis, account: TradingAccount, follower: Follower, clock: Clock
) -> None:
    send(client, raw())
    follower.step()
    clock.now += DAY_MS
    follower.step()
    document = live(client, account).document
    assert (document["date"], document["orders"], document["counts"]["total"]) == ("2026-11-23", {}, 0)
