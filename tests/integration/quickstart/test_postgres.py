"""EmbeddedPostgres with the real server: stops, crashes and whatever a crash leaves behind."""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tradingviz.quickstart.errors import QuickstartError
from tradingviz.quickstart.installation import Installation, private_folder
from tradingviz.quickstart.postgres import EmbeddedPostgres
from tradingviz.quickstart.processes import identify, wait_until
from tradingviz.quickstart.throwaway import throwaway_postgres


@pytest.fixture(scope="module")
def shared_server(programs: Installation) -> Iterator[EmbeddedPostgres]:
    server = replace(throwaway_postgres(programs), durable=True)
    yield server
    server.stop()


@pytest.fixture
def server(shared_server: EmbeddedPostgres) -> EmbeddedPostgres:
    """A running server; tests may stop and kill it."""
    if not shared_server.running:
        shared_server.start()
    return shared_server


def pid_of(server: EmbeddedPostgres) -> int:
    assert server.child is not None
    return server.child.pid


def write_note(server: EmbeddedPostgres, text: str) -> None:
    with psycopg.connect(server.dsn("postgres")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS note (text text)")
        connection.execute("INSERT INTO note VALUES (%s)", [text])


def notes(server: EmbeddedPostgres) -> set[str]:
    with psycopg.connect(server.dsn("postgres")) as connection:
        return {str(row[0]) for row in connection.execute("SELECT text FROM note")}


def test_rows_survive_a_stop_and_a_start(server: EmbeddedPostgres) -> None:
    write_note(server, "before the stop")
    server.stop()
    assert not server.running
    assert not server.ready()
    server.start()
    assert "before the stop" in notes(server)


def test_committed_rows_survive_a_killed_server(server: EmbeddedPostgres) -> None:
    write_note(server, "before the crash")
    os.kill(pid_of(server), signal.SIGKILL)
    assert wait_until(lambda: not server.running, seconds=10)
    server.start()
    assert "before the crash" in notes(server)


def test_the_next_start_ends_a_server_which_was_left_on_the_data(server: EmbeddedPostgres) -> None:
    left = identify(pid_of(server))
    assert left is not None
    successor = replace(server, port=server.port)
    successor.start()
    try:
        assert not left.alive
        assert successor.ready()
    finally:
        successor.stop()


def test_a_lock_file_naming_a_strangers_pid_is_dropped_and_the_stranger_lives(
    server: EmbeddedPostgres,
) -> None:
    server.stop()
    account = server.account
    with subprocess.Popen(["sleep", "60"], user=account.uid if account else None) as stranger:
        (server.data / "postmaster.pid").write_text(f"{stranger.pid}\n{server.data}\n")
        server.start()
        assert server.ready()
        assert stranger.poll() is None
        stranger.kill()


def test_a_new_password_is_taken_over_and_the_old_one_refused(server: EmbeddedPostgres) -> None:
    old = server.dsn("postgres")
    server.stop()
    server.password = "quite another password"
    server.start()
    psycopg.connect(server.dsn("postgres")).close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(old)


def test_no_password_no_entry_on_either_way_in(server: EmbeddedPostgres) -> None:
    for host in (str(server.socket_dir), "127.0.0.1"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host=host, port=server.port, user=server.user, dbname="postgres", passfile="/dev/null")


def test_the_password_opens_the_tcp_port_too(server: EmbeddedPostgres) -> None:
    psycopg.connect(server.dsn("postgres"), host="127.0.0.1").close()


def test_a_database_is_made_once(server: EmbeddedPostgres) -> None:
    server.create_database("twice")
    server.create_database("twice")
    psycopg.connect(server.dsn("twice")).close()


def test_a_database_can_be_copied_from_a_template(server: EmbeddedPostgres) -> None:
    server.create_database("pattern")
    with psycopg.connect(server.dsn("pattern")) as connection:
        connection.execute("CREATE TABLE mark ()")
    server.create_database("copy", template="pattern")
    with psycopg.connect(server.dsn("copy")) as connection:
        assert connection.execute("SELECT to_regclass('mark')").fetchone() == ("mark",)


def test_the_server_never_runs_as_root(server: EmbeddedPostgres) -> None:
    owner = Path(f"/proc/{pid_of(server)}").stat().st_uid
    assert owner != 0
    assert server.data.stat().st_uid == owner


def test_a_commit_waits_for_the_disk(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.dsn("postgres")) as connection:
        found = [connection.execute(f"SHOW {name}").fetchone() for name in ("fsync", "synchronous_commit")]
    assert found == [("on",), ("on",)]


def test_a_taken_port_is_one_line_and_leaves_nothing_running(server: EmbeddedPostgres, programs: Installation) -> None:
    second = throwaway_postgres(programs)
    second.port = server.port
    with pytest.raises(QuickstartError, match=r"PostgreSQL did not start: .*Address already in use") as caught:
        second.start()
    assert "\n" not in str(caught.value)
    assert not second.running


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_one_line(programs: Installation) -> None:
    folder = programs.own_folder("small-disk")
    options = f"size=8m,mode=0700,uid={folder.stat().st_uid}"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"mount is not allowed here: {mounted.stderr.decode().strip()}")
    try:
        server = throwaway_postgres(replace(programs, folder=folder))
        with pytest.raises(QuickstartError, match="No space left on device") as caught:
            server.start()
        assert "\n" not in str(caught.value)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_deep_data_folder_does_not_matter_to_the_socket(programs: Installation) -> None:
    server = throwaway_postgres(programs)
    deep = server.data.parent
    for _ in range(5):
        deep = private_folder(deep / ("x" * 40), programs.account)
    server.data = deep / "data"
    server.start()
    server.stop()
