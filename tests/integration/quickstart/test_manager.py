"""The whole manager: real PostgreSQL and Redis, stand-ins for the application's own processes."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from tests.integration.quickstart.conftest import Manager, StartManager, without_user_settings
from tradingviz.quickstart import environment
from tradingviz.quickstart.installation import Installation
from tradingviz.quickstart.processes import Identity, group_members, wait_until
from tradingviz.quickstart.run import stop
from tradingviz.quickstart.throwaway import throwaway_postgres, throwaway_redis
from tradingviz.settings.env import ROOT

EXPECTED = {"manager", "postgres", "redis", "worker", "web"}


def variables(manager: Manager) -> dict[str, str]:
    return environment.read(manager.state / "embedded.env")


def connect(manager: Manager) -> psycopg.Connection[tuple[object, ...]]:
    found = variables(manager)
    return psycopg.connect(
        host=found["DB_HOST"],
        port=found["DB_PORT"],
        user=found["DB_USER"],
        password=found["DB_PASSWORD"],
        dbname=found["DB_NAME"],
    )


def exit_code_of_a_second(manager: Manager, *arguments: str, **variables: str) -> tuple[int, str]:
    finished = subprocess.run(
        [sys.executable, "-m", "tradingviz.quickstart", *arguments],
        cwd=ROOT,
        env=without_user_settings() | {"TRADINGVIZ_STATE": str(manager.state), "PORT": str(manager.port)} | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return finished.returncode, finished.stdout + finished.stderr


def assert_nothing_left(manager: Manager, ran: dict[str, Identity]) -> None:
    assert set(ran) == EXPECTED
    assert not (manager.state / "pids.json").exists()
    assert [name for name, identity in ran.items() if identity.alive] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_well(start_manager: StartManager, number: signal.Signals) -> None:
    manager = start_manager()
    manager.wait_ready()
    ran = manager.children()
    sockets = Path(variables(manager)["DB_HOST"])
    groups = [identity.pid for name, identity in ran.items() if name != "manager"]
    assert manager.end(number) == 0
    assert_nothing_left(manager, ran)
    assert [pid for group in groups for pid in group_members(group)] == []
    assert not sockets.exists()
    assert "stopped; the data is kept" in manager.output


def environment_of(identity: Identity) -> dict[str, str]:
    """Return the variables a process was started with."""
    entries = Path(f"/proc/{identity.pid}/environ").read_bytes().decode().split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


def test_a_replay_asks_no_ticker_service_and_its_processes_count_in_a_folder_emptied_at_the_start(
    start_manager: StartManager,
) -> None:
    left = start_manager()
    left.wait_ready()
    (left.state / "metrics" / "counter_1.db").write_bytes(b"of a former run")
    left.end()
    manager = start_manager(TICKER_SERVICE_URL="http://127.0.0.1:9")
    manager.wait_ready()
    found = environment_of(manager.children()["worker"])
    assert found["TICKER_SERVICE_URL"] == "off"
    assert found["PROMETHEUS_MULTIPROC_DIR"] == str(manager.state / "metrics")
    assert not (manager.state / "metrics" / "counter_1.db").exists()


def test_a_signal_at_any_moment_of_the_start_ends_everything_well(start_manager: StartManager) -> None:
    manager = start_manager()
    assert wait_until(lambda: "starting PostgreSQL" in manager.output, seconds=30)
    assert manager.end() == 0
    assert not (manager.state / "pids.json").exists()


def test_the_data_of_a_killed_manager_is_there_after_the_next_start(start_manager: StartManager) -> None:
    first = start_manager()
    first.wait_ready()
    with connect(first) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS note AS SELECT 'kept' AS text")
    ran = first.children()
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    second = start_manager()
    second.wait_ready()
    assert [name for name, identity in ran.items() if identity.alive] == []
    with connect(second) as connection:
        assert connection.execute("SELECT text FROM note").fetchone() == ("kept",)


def test_stopping_cleans_up_after_a_killed_manager(start_manager: StartManager) -> None:
    manager = start_manager()
    manager.wait_ready()
    ran = manager.children()
    manager.end(signal.SIGKILL)
    code, _ = exit_code_of_a_second(manager, "stop")
    assert code == 0
    assert_nothing_left(manager, ran)


def test_stopping_from_another_terminal_ends_the_manager(start_manager: StartManager) -> None:
    manager = start_manager()
    manager.wait_ready()
    assert stop(manager.state) == "stopped"
    assert manager.process.wait(timeout=10) == 0
    assert stop(manager.state) == "nothing is running"


def test_a_second_manager_is_refused_with_one_line(start_manager: StartManager) -> None:
    manager = start_manager()
    manager.wait_ready()
    code, output = exit_code_of_a_second(manager, "run")
    assert code == 1
    assert output == f"make run: it is running already (pid {manager.process.pid}): `make stop` ends it\n"
    assert set(manager.children()) == EXPECTED


def test_a_second_manager_is_refused_even_without_the_lock_file(start_manager: StartManager) -> None:
    manager = start_manager()
    manager.wait_ready()
    (manager.state / "lock").unlink()
    code, output = exit_code_of_a_second(manager, "run")
    assert (code, "it is running already" in output) == (1, True)


def test_a_port_in_use_is_one_line_before_anything_is_started(start_manager: StartManager) -> None:
    manager = start_manager()
    manager.wait_ready()
    manager.end()
    with socket.create_server(("127.0.0.1", manager.port)):
        code, output = exit_code_of_a_second(manager, "run")
    assert code == 1
    assert output.startswith(f"make run: port {manager.port} is in use")
    assert output.count("\n") == 1
    assert not (manager.state / "pids.json").exists()


def test_a_crashed_server_is_started_again_where_it_was(start_manager: StartManager) -> None:
    manager = start_manager()
    manager.wait_ready()
    before = manager.children()
    for name in ("postgres", "redis"):
        os.kill(before[name].pid, signal.SIGKILL)
    replaced = ("postgres", "redis")
    assert wait_until(lambda: all(manager.children().get(n) not in (None, before[n]) for n in replaced), seconds=30), (
        manager.output
    )
    connect(manager).close()
    with redis.Redis.from_url(variables(manager)["REDIS_URL"]) as client:
        assert client.ping()
    assert manager.children()["web"] == before["web"]


def test_secrets_are_made_once_and_only_the_owner_reads_them(start_manager: StartManager) -> None:
    first = start_manager()
    first.wait_ready()
    made = variables(first)
    first.end()
    second = start_manager()
    second.wait_ready()
    secret = (
        "DB_PASSWORD",
        "REDIS_PASSWORD",
        "JWT_SECRET_KEY",
        "DJANGO_SECRET_KEY",
        "CREDENTIALS_KEY",
        "DEMO_PASSWORD",
    )
    assert [variables(second)[name] for name in secret] == [made[name] for name in secret]
    modes = [path.stat().st_mode for path in (second.state, second.state / "embedded.env")]
    assert [stat.S_IMODE(mode) for mode in modes] == [0o700, 0o600]


def test_data_whose_secrets_were_removed_opens_with_new_ones(start_manager: StartManager) -> None:
    first = start_manager()
    first.wait_ready()
    old = variables(first)["DB_PASSWORD"]
    first.end()
    (first.state / "embedded.env").unlink()
    second = start_manager()
    second.wait_ready()
    assert variables(second)["DB_PASSWORD"] != old
    connect(second).close()


@pytest.fixture
def own_servers(programs: Installation) -> Iterator[dict[str, str]]:
    """A database and a Redis server of the user's own, as the variables which name them."""
    postgres, memory = throwaway_postgres(programs), throwaway_redis(programs)
    try:
        postgres.start()
        memory.start()
        postgres.create_database("mine")
        yield {
            "DB_HOST": "127.0.0.1",
            "DB_PORT": str(postgres.port),
            "DB_USER": postgres.user,
            "DB_PASSWORD": postgres.password,
            "DB_NAME": "mine",
            "REDIS_URL": memory.url(),
        }
    finally:
        memory.stop()
        postgres.stop()


def test_servers_which_the_user_named_are_used_and_none_started(
    start_manager: StartManager, own_servers: dict[str, str]
) -> None:
    manager = start_manager(**own_servers)
    manager.wait_ready()
    ran = manager.children()
    assert set(ran) == EXPECTED - {"postgres", "redis"}
    worker = Path(f"/proc/{ran['worker'].pid}/environ").read_bytes().decode().split("\0")
    assert {f"{name}={value}" for name, value in own_servers.items()} <= set(worker)
    assert not {"DB_PASSWORD", "DB_HOST", "REDIS_URL"} & set(variables(manager))


def test_a_database_which_the_user_named_and_which_refuses_is_one_line(
    start_manager: StartManager, own_servers: dict[str, str]
) -> None:
    manager = start_manager()
    manager.end()
    code, output = exit_code_of_a_second(manager, "run", **(own_servers | {"DB_PASSWORD": "wrong"}))
    assert (code, output.count("\n")) == (1, 1)
    assert output.startswith("make run: the database mine_simulated on 127.0.0.1")
    assert "password authentication failed" in output


def test_a_redis_which_the_user_named_and_which_is_away_is_one_line(start_manager: StartManager) -> None:
    manager = start_manager()
    manager.end()
    code, output = exit_code_of_a_second(manager, "run", REDIS_URL="redis://127.0.0.1:1/0")
    assert code == 1
    assert "make run: the Redis server of your REDIS_URL does not answer" in output
    assert not (manager.state / "pids.json").exists()
