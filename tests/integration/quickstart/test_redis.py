"""EmbeddedRedis with the real server."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tradingviz.quickstart.errors import QuickstartError
from tradingviz.quickstart.installation import Installation
from tradingviz.quickstart.processes import wait_until
from tradingviz.quickstart.redis import EmbeddedRedis
from tradingviz.quickstart.servers import embedded_redis
from tradingviz.quickstart.state import open_state
from tradingviz.quickstart.throwaway import throwaway_redis


@pytest.fixture
def server(programs: Installation) -> Iterator[EmbeddedRedis]:
    found = throwaway_redis(programs)
    found.start()
    yield found
    found.stop()


def test_it_starts_again_after_a_kill_and_has_forgotten_everything(server: EmbeddedRedis) -> None:
    with redis.Redis.from_url(server.url()) as client:
        client.set("key", "value")
    assert server.child is not None
    os.kill(server.child.pid, signal.SIGKILL)
    assert wait_until(lambda: not server.running, seconds=10)
    assert not server.ready()
    server.start()
    with redis.Redis.from_url(server.url()) as client:
        assert client.get("key") is None
    assert not list(server.folder.glob("*.rdb"))


@pytest.mark.parametrize(
    ("fsync", "end"), [("no", signal.SIGKILL), ("always", signal.SIGKILL), ("everysec", signal.SIGTERM)]
)
def test_with_an_append_only_file_what_it_said_yes_to_is_there_again(
    fsync: str, end: signal.Signals, programs: Installation
) -> None:
    keeping = throwaway_redis(programs)
    keeping.fsync = fsync
    keeping.start()
    try:
        with redis.Redis.from_url(keeping.url()) as client:
            for number in range(500):
                client.xadd("stream", {"number": number})
            assert keeping.child is not None
            os.kill(keeping.child.pid, end)
            assert wait_until(lambda: not keeping.running, seconds=10)
            keeping.start()
            assert client.xlen("stream") == 500
    finally:
        keeping.stop()


def test_the_redis_of_one_database_never_shows_what_another_left(programs: Installation, tmp_path: Path) -> None:
    state, known = open_state(tmp_path / "state"), {"REDIS_PASSWORD": "secret"}
    real, simulated, again = (
        embedded_redis(state, programs, known, database=name) for name in ("real", "simulated", "real")
    )
    assert real.folder == again.folder
    for server, expected in ((real, []), (simulated, []), (again, [b"chain"])):
        server.start()
        try:
            with redis.Redis.from_url(server.url()) as client:
                assert client.keys() == expected
                client.set("chain", "prices")
        finally:
            server.stop()


def test_a_stop_ends_the_process(server: EmbeddedRedis) -> None:
    server.stop()
    assert not server.running
    assert not server.ready()


def test_a_client_without_the_password_may_do_nothing(server: EmbeddedRedis) -> None:
    with redis.Redis(host="127.0.0.1", port=server.port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.config_get("dir")


def test_the_password_is_on_no_command_line(server: EmbeddedRedis) -> None:
    assert server.child is not None
    assert server.password not in Path(f"/proc/{server.child.pid}/cmdline").read_text()


def write_megabytes(client: redis.Redis, megabytes: int) -> None:
    for number in range(megabytes * 1000):
        client.set(f"filler:{number}", "x" * 1000)


def test_a_full_memory_refuses_writes_and_keeps_what_is_there(programs: Installation) -> None:
    small = throwaway_redis(programs)
    small.memory = "3mb"
    small.start()
    try:
        with redis.Redis.from_url(small.url()) as client:
            client.set("kept", "value")
            with pytest.raises(redis.OutOfMemoryError):
                write_megabytes(client, 10)
            assert client.get("kept") == b"value"
    finally:
        small.stop()


def test_a_taken_port_is_one_line(server: EmbeddedRedis, programs: Installation) -> None:
    second = throwaway_redis(programs)
    second.port, second.password = server.port, "another"
    with pytest.raises(QuickstartError, match="Failed listening on port") as caught:
        second.start()
    assert "\n" not in str(caught.value)


def test_the_server_runs_as_the_account_it_was_given(server: EmbeddedRedis, programs: Installation) -> None:
    assert server.child is not None
    expected = programs.account.uid if programs.account else os.geteuid()
    assert Path(f"/proc/{server.child.pid}").stat().st_uid == expected
