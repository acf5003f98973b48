"""What the client decides without a server: pure, so properties of all cases."""

import random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming import protocol
from streaming.domain import sequencing
from streaming.outbox import message_of
from streaming.protocol import Close
from tests.properties.test_sequencing import DOCUMENTS, exact
from tradingviz_client import Backoff, Client, Staleness, Update, frames
from tradingviz_client.backoff import Next, after_close, after_status, floor_of
from tradingviz_client.frames import Ack, Delta, Snapshot, apply
from tradingviz_client.subscription import Subscription
from tradingviz_client.urls import rest_url, socket_url

CHANCE = st.floats(0, 1, exclude_max=True)
SECONDS = st.floats(0.001, 100)


@given(SECONDS, st.floats(1, 10), SECONDS, st.integers(1, 10_000), CHANCE)
def test_a_delay_lies_between_half_of_what_it_has_grown_to_and_all_of_it(
    first: float, factor: float, longest: float, failures: int, chance: float
) -> None:
    grown = min(longest, first * factor ** min(failures - 1, 32))
    assert grown / 2 <= Backoff(first, factor, longest).delay(failures, chance) <= grown


@given(st.integers(1, 100), CHANCE, st.floats(0, 60))
def test_a_delay_is_what_was_asked_for_and_no_more_than_half_as_long_again(
    failures: int, chance: float, floor: float
) -> None:
    delay = Backoff().delay(failures, chance, floor)
    assert floor <= delay <= max(1.5 * floor, Backoff().longest)


@given(st.integers(1, 100), CHANCE)
def test_delays_grow_to_the_longest_and_come_back_within_ten_seconds(failures: int, chance: float) -> None:
    backoff = Backoff()
    assert backoff.delay(failures, chance) <= backoff.delay(failures + 1, chance) <= backoff.longest < 10


def test_a_crowd_that_was_sent_away_together_comes_back_spread_out() -> None:
    dice = random.Random(1)
    for floor in (0.0, 2.0):
        delays = sorted(Backoff().delay(3, dice.random(), floor) for _ in range(1000))
        width = delays[-1] - delays[0]
        assert width > 0.4 * delays[0]
        assert max(later - earlier for earlier, later in zip(delays, delays[10:], strict=False)) < width / 10


@pytest.mark.parametrize("code", [*map(int, Close), None, 1000, 1001, 1006, 1011, 1012, 4000])
def test_every_close_code_has_a_meaning(code: int | None) -> None:
    given_up = {4400: Next.REJECTED, 4403: Next.FORBIDDEN, 4401: Next.RENEW}
    assert after_close(code) is given_up.get(code or 0, Next.RETRY)
    waits = {4408: 1.0, 4429: 10.0, 4503: 1.0}
    assert floor_of(code) == waits.get(code or 0, 0.0)


def test_of_refused_handshakes_only_those_that_pass_are_repeated() -> None:
    retried = [status for status in range(300, 600) if after_status(status) is Next.RETRY]
    assert [status for status in retried if 400 <= status < 500] == [408, 425, 429]
    assert after_status(401) is Next.RENEW


@given(DOCUMENTS, DOCUMENTS)
def test_a_patch_is_applied_as_the_server_means_it(old: dict[str, Any], new: dict[str, Any]) -> None:
    patch = sequencing.diff(old, new)
    assert exact(apply(old, patch)) == exact(new)


def test_every_frame_of_the_server_is_understood_in_every_format() -> None:
    data = {
        "channel": "c", "topic": "t", "epoch": 1, "seq": 2, "ts_event": 3, "ts_sent": 4, "convention": "exact",
        "data": {"x": 1.5, "rows": {str(n): {"price": n / 3, "oi": n} for n in range(20)}},
    }  # fmt: skip
    sent: list[protocol.Frame] = [
        protocol.Ack(id=1, op="resume", ts_sent=1, topic="t", echo={"resumed": True}),
        protocol.Error(id=None, code="internal", message="", topic="t"),
        protocol.Snapshot(**data),  # type: ignore[arg-type]
        protocol.Delta(prev=1, **data),  # type: ignore[arg-type]
        protocol.Heartbeat(count=1, ts_sent=1),
        protocol.TokenExpiring(expires_at=1, ts_sent=1),
        protocol.Stale(topic="t", reason="illiquid", ts_event=None, ts_sent=1),
        protocol.Recovered(topic="t", reason="illiquid", ts_sent=1),
        protocol.Draining(retry_after=1.5, ts_sent=1),
    ]
    assert {type(frame).__name__ for frame in sent} == {kind.__name__ for kind in protocol.Frame.__args__}
    for frame in sent:
        for wire in get_args(protocol.Format):
            message = message_of(frame, wire)
            understood = frames.decode(message.get("text") or message["bytes"])
            assert type(understood).__name__ == type(frame).__name__
            for name in understood.__struct_fields__ if understood else ():
                assert getattr(understood, name) == getattr(frame, name)


@pytest.mark.parametrize(
    "message", ["", "{", "[]", '{"type":"new"}', '{"type":"delta"}', b"", b"\xc1", "\ud800", "[" * 9]
)
def test_what_is_not_understood_is_passed_over(message: str | bytes) -> None:
    assert frames.decode(message) is None


def subscription() -> Subscription:
    """Return a subscription that was just acknowledged."""

    def ignore(topic: str, why: Staleness) -> None:
        pass

    made = Subscription({"channel": "c"}, ignore, ignore)
    made.ask(1)
    made.answered(Ack(1, "subscribe", "t"))
    return made


def shown(followed: Subscription) -> Update | None:
    """Return what a reader would get."""
    return followed._latest if followed._ready.is_set() else None


@given(st.lists(st.tuples(DOCUMENTS, st.sampled_from(["pass", "lose", "snapshot", "repeat"])), min_size=1, max_size=20))
def test_no_document_that_the_server_did_not_have_is_ever_shown(steps: list[tuple[dict[str, Any], str]]) -> None:
    """Frames are lost, repeated and replaced by snapshots; only what continues the document may change it."""
    followed, seq, known = subscription(), 0, False
    held: dict[str, Any] = {}
    history: dict[int, dict[str, Any]] = {}
    for document, fate in steps:
        head = {"channel": "c", "topic": "t", "epoch": 1, "ts_event": seq, "ts_sent": seq, "convention": "exact"}
        delta = Delta(**head, seq=seq + 1, prev=seq, data=sequencing.diff(held, document))  # type: ignore[arg-type]
        held, seq = document, seq + 1
        history[seq] = document
        if fate == "snapshot":
            known = followed.take(Snapshot(**head, seq=seq, data=document))  # type: ignore[arg-type]
        elif fate != "lose":
            before = followed.position
            continued = followed.take(delta)
            assert continued == (known and before is not None and before.seq == seq - 1)
            known = continued
        if fate == "repeat" and known:
            known = followed.take(delta)
            assert not known
        if update := shown(followed):
            assert exact(update.document) == exact(history[update.seq])


def test_frames_of_before_an_answer_do_not_count_after_it() -> None:
    followed = subscription()
    head: dict[str, Any] = {
        "channel": "c",
        "topic": "t",
        "epoch": 1,
        "ts_event": 1,
        "ts_sent": 1,
        "convention": "exact",
    }
    assert followed.take(Snapshot(**head, seq=1, data={"x": 1}))
    followed.ask(2)
    assert followed.take(Delta(**head, seq=9, prev=8, data={"x": 9}))
    followed.answered(Ack(2, "resume", "t", {"resumed": True}))
    assert followed.take(Delta(**head, seq=2, prev=1, data={"x": 2}))
    update = shown(followed)
    assert update is not None
    assert update.document == {"x": 2}


@pytest.mark.parametrize(
    ("url", "socket", "rest"),
    [
        ("http://h:1", "ws://h:1/ws/fo/stream", "http://h:1/auth/token"),
        ("https://h/", "wss://h/ws/fo/stream", "https://h/auth/token"),
        ("wss://h/other", "wss://h/other", "https://h/auth/token"),
    ],
)
def test_one_address_is_enough(url: str, socket: str, rest: str) -> None:
    assert (socket_url(url), rest_url(url, "/auth/token")) == (socket, rest)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8081", "ftp://h", "http://"])
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Client(url, token="t")


@pytest.mark.parametrize(("token", "api_key"), [(None, None), ("t", "k")])
def test_one_kind_of_credentials_is_needed(token: str | None, api_key: str | None) -> None:
    with pytest.raises(ValueError, match="token"):
        Client("http://h", token=token, api_key=api_key)
