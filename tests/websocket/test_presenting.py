"""Saying who one is on a socket that is open: first, in time, and again before the credentials end."""

import pytest

from streaming import residents, session
from streaming.publisher import Publisher
from tests.websocket.application import OTHER_CHANNEL, doorkeeper
from tests.websocket.client import client_of

TOPIC = "numbers:a"


async def test_who_says_in_a_first_message_who_it_is_comes_in(server: str) -> None:
    async with client_of(server, token="") as client:
        ack = await client.ask(op="auth", id=1, token="guest")
        assert (ack["type"], ack["op"], ack["id"]) == ("ack", "auth", 1)
        assert ack["echo"]["expires_at"] > ack["ts_sent"]
        assert (await client.ask(op="ping", id=2))["type"] == "ack"


async def test_who_asks_before_saying_who_it_is_gets_an_error_and_4401(server: str) -> None:
    async with client_of(server, token="") as client:
        assert (await client.subscribe("a"))["code"] == "unauthenticated"
        assert await client.closed_with() == 4401


async def test_who_presents_junk_first_gets_an_error_and_4401(server: str) -> None:
    async with client_of(server, token="") as client:
        assert (await client.ask(op="auth", id=1, token="junk"))["code"] == "unauthenticated"
        assert await client.closed_with() == 4401


async def test_who_never_says_who_it_is_is_closed_with_4401(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "AUTH_SECONDS", 0.2)
    async with client_of(server, token="") as client:
        assert await client.closed_with() == 4401


async def test_a_socket_is_warned_before_its_credentials_end(server: str) -> None:
    async with client_of(server, token="brief") as client:
        warning = await client.until_type("token_expiring")
        assert 0 < warning["expires_at"] - warning["ts_sent"] <= 2_000
        assert await client.closed_with() == 4401


async def test_new_credentials_in_time_keep_the_socket_and_its_subscriptions(server: str, publisher: Publisher) -> None:
    publisher.publish(TOPIC, {"n": 0}, ts_event=17, convention="exact")
    async with client_of(server, token="brief") as client:
        await client.subscribe("a")
        await client.until_document(TOPIC, {"n": 0})
        assert (await client.ask(op="auth", id=2, token="guest"))["type"] == "ack"
        for n in range(1, 6):
            publisher.publish(TOPIC, {"n": n}, ts_event=17, convention="exact")
            await client.until_document(TOPIC, {"n": n})
            await client.sleep(0.5)
        assert client.mirror.kinds(TOPIC) == ["snapshot"] + ["delta"] * 5


async def test_new_credentials_end_what_they_do_not_cover_and_nothing_else(server: str, publisher: Publisher) -> None:
    for topic in (TOPIC, "numbers:b"):
        publisher.publish(topic, {"n": 0}, ts_event=17, convention="exact")
    async with client_of(server) as client:
        await client.subscribe("a")
        await client.ask(op="subscribe", id=7, channel=OTHER_CHANNEL, name="b")
        await client.until_document("numbers:b", {"n": 0})
        assert (await client.ask(op="auth", id=2, token="bare"))["type"] == "ack"
        ended = await client.until_type("error")
        assert (ended["code"], ended["topic"]) == ("forbidden", TOPIC)
        for n in (1, 2):
            for topic in (TOPIC, "numbers:b"):
                publisher.publish(topic, {"n": n}, ts_event=17, convention="exact")
            await client.until_document("numbers:b", {"n": n})
        assert client.mirror.documents[TOPIC] == {"n": 0}
        assert (await client.subscribe("a"))["code"] == "forbidden"
        assert (await client.ask(op="auth", id=3, token="guest"))["type"] == "ack"
        assert (await client.subscribe("a"))["type"] == "ack"


async def test_credentials_of_another_user_change_nothing(server: str) -> None:
    async with client_of(server) as client:
        assert (await client.ask(op="auth", id=1, token="other"))["code"] == "forbidden"
        assert (await client.ask(op="ping", id=2))["type"] == "ack"


async def test_junk_presented_later_changes_nothing_either(server: str) -> None:
    async with client_of(server) as client:
        assert (await client.ask(op="auth", id=1, token="junk"))["code"] == "unauthenticated"
        assert (await client.ask(op="ping", id=2))["type"] == "ack"


async def test_guessing_on_an_open_socket_ends_with_4400(server: str) -> None:
    async with client_of(server) as client:
        for guess in range(3):
            assert (await client.ask(op="auth", id=guess, token=f"guess-{guess}"))["code"] == "unauthenticated"
        assert await client.closed_with() == 4400


async def test_where_nobody_can_say_who_it_is_one_may_try_again(server: str) -> None:
    async with client_of(server, token="") as client:
        assert (await client.ask(op="auth", id=1, token="nobody-can-say"))["code"] == "not_available"
        assert (await client.ask(op="auth", id=2, token="guest"))["type"] == "ack"


async def test_who_may_not_stay_is_closed_with_4401_and_others_are_not(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(residents, "REVIEW_SECONDS", 0.1)
    async with client_of(server, token="guest") as guest, client_of(server, token="other") as other:
        await guest.ask(op="ping", id=1)
        await other.ask(op="ping", id=1)
        monkeypatch.setattr(doorkeeper, "expelled", {"guest"})
        assert await guest.closed_with() == 4401
        assert (await other.ask(op="ping", id=2))["type"] == "ack"
