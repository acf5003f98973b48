"""The small rules of the embedded start: pauses, variables, checks before the start, the state folder."""

import os
import socket
from pathlib import Path

import pytest

from tradingviz.quickstart import environment, preflight
from tradingviz.quickstart.backoff import Backoff
from tradingviz.quickstart.errors import QuickstartError
from tradingviz.quickstart.installation import root_folder
from tradingviz.quickstart.reload import SourceWatch
from tradingviz.quickstart.run import Options
from tradingviz.quickstart.state import AlreadyRunning, open_state, write_privately
from tradingviz.quickstart.table import process_table

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")
not_as_root = pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")


def test_pauses_double_up_to_30_seconds_and_then_it_gives_up() -> None:
    backoff = Backoff()
    assert [backoff.after(0.1) for _ in range(7)] == [1, 2, 4, 8, 16, 30, None]


def test_a_minute_of_running_forgets_earlier_failures() -> None:
    backoff = Backoff(failures=6)
    assert backoff.after(60.0) == 1


@pytest.mark.parametrize("text", ["0", "65536", "-1", "80a", "8081 ", "99999999999"])
def test_a_junk_port_is_named(text: str) -> None:
    with pytest.raises(QuickstartError, match="PORT="):
        preflight.web_port(text)


@pytest.mark.parametrize("text", ["fast", "0", "-1", "1e3", "nan", "inf", "1 --wait"])
def test_a_junk_speed_is_named(text: str) -> None:
    with pytest.raises(QuickstartError, match="SPEED="):
        preflight.speed(text)


@pytest.mark.parametrize("text", ["max", "1", "60", "0.5"])
def test_a_speed_is_handed_on(text: str) -> None:
    assert preflight.speed(text) == text


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(QuickstartError, match="there is no such file"):
        preflight.recording(str(tmp_path / "none.csv"))


@not_as_root
def test_an_unreadable_recording_is_named(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.touch(mode=0o000)
    with pytest.raises(QuickstartError, match="may not be read"):
        preflight.recording(str(secret))


def test_a_recording_is_found_from_the_present_folder_and_from_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ticks.csv").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert preflight.recording("ticks.csv") == preflight.recording("~/ticks.csv") == tmp_path / "ticks.csv"


def test_a_used_port_is_seen_and_a_preferred_one_is_kept_only_while_it_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        used = int(listener.getsockname()[1])
        assert preflight.free_port(used) != used
        with pytest.raises(QuickstartError, match=f"port {used} is in use"):
            preflight.require_free_port(used)
    assert preflight.free_port(used) == used


def test_a_nearly_full_disk_is_named(tmp_path: Path) -> None:
    with pytest.raises(QuickstartError, match="MB are free on the disk"):
        preflight.require_disk_space(tmp_path, megabytes=10**9)


def test_options_are_read_from_variables_and_empty_ones_count_as_absent() -> None:
    options = Options.read({"REPLAY": "", "SPEED": "max", "PORT": "", "VERBOSE": "0"}, develop=True)
    assert options == Options(recording=None, speed="max", port=8081, verbose=False, develop=True)


def test_the_process_comes_before_the_file_and_empty_values_count_as_absent(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DB_HOST=file\nDB_NAME='mine'\nDB_PASSWORD=\nREDIS_URL=\n")
    found = environment.user_settings({"DB_HOST": "process", "DB_NAME": ""}, tmp_path)
    assert found == {"DB_HOST": "process", "DB_NAME": "mine"}
    assert environment.uses_own_database(found)


@pytest.mark.parametrize(
    ("user", "recorded", "generated"),
    [
        ({}, "stocksblitz_unified", "stocksblitz_simulated"),
        ({"DB_NAME": "mine"}, "mine", "mine_simulated"),
    ],
)
def test_generated_prices_never_share_a_database_with_recorded_ones(
    user: dict[str, str], recorded: str, generated: str
) -> None:
    assert environment.database_name(user, replays=True) == recorded
    assert environment.database_name(user, replays=False) == generated


def test_known_secrets_are_kept_and_missing_ones_made() -> None:
    first = environment.generated_secrets({})
    assert environment.generated_secrets(first) == first
    again = environment.generated_secrets({**first, "DEMO_PASSWORD": ""})
    assert {name for name in first if first[name] != again[name]} == {"DEMO_PASSWORD"}
    assert len(first["JWT_SECRET_KEY"].encode()) >= 32


def test_the_generated_file_reads_back_and_is_private_from_the_first_moment(tmp_path: Path) -> None:
    path = tmp_path / "embedded.env"
    values = {**environment.generated_secrets({}), "DB_HOST": "/srv/a b"}
    environment.write(path, values)
    assert environment.read(path) == values
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "embedded.env"
    write_privately(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_privately(path, "\ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_state_folder_is_made_private(tmp_path: Path) -> None:
    state = open_state(tmp_path / "state")
    assert [path.stat().st_mode & 0o777 for path in (state.folder, state.logs)] == [0o700, 0o700]


def test_a_folder_open_to_others_is_refused_and_its_mode_stays(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(QuickstartError, match="chmod 700"):
        open_state(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755


@as_root
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, 65534)
    with pytest.raises(QuickstartError, match="belongs to another user"):
        open_state(folder)


def test_a_state_folder_where_none_can_be_made_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(QuickstartError, match="cannot be used: No such file"):
        open_state(tmp_path / "none" / "state")


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    state = open_state(tmp_path / "state")
    with state.lock(), pytest.raises(AlreadyRunning), state.lock():
        pass
    with state.lock():
        pass


def test_the_socket_folder_is_private_short_and_the_same_until_it_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("x" * 90)))
    state = open_state(tmp_path / "state")
    folder = state.socket_folder(None)
    assert len(os.fsencode(folder / ".s.PGSQL.65535.lock")) <= 107
    assert folder.stat().st_mode & 0o777 == 0o700
    assert state.socket_folder(None) == folder
    state.drop_socket_folder()
    assert not folder.exists()


def test_a_socket_folder_whose_name_somebody_else_took_is_not_used(tmp_path: Path) -> None:
    state = open_state(tmp_path / "state")
    folder = state.socket_folder(None)
    folder.rmdir()
    folder.symlink_to(tmp_path)
    other = state.socket_folder(None)
    assert other != folder
    folder.unlink()
    state.drop_socket_folder()


def test_a_folder_open_to_others_is_not_taken_for_roots(tmp_path: Path) -> None:
    found = root_folder(tmp_path / "state", [Path("/tmp")])
    found.chmod(0o777)
    with pytest.raises(QuickstartError, match="is not root's own folder"):
        root_folder(tmp_path / "state", [Path("/tmp")])
    found.rmdir()


def test_a_place_nobody_can_reach_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(QuickstartError, match="no unprivileged user can reach"):
        root_folder(tmp_path / "state", [tmp_path])


def test_a_changed_a_new_and_a_removed_source_file_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "streaming"
    package.mkdir()
    source = package / "hub.py"
    source.write_text("one")
    watch = SourceWatch(tmp_path)
    later = iter(range(10, 1000, 10))
    monkeypatch.setattr("time.monotonic", lambda: float(10**9 + next(later)))
    (package / "notes.txt").write_text("no source")
    assert watch.changed() is None
    os.utime(source, ns=(1, 1))
    assert watch.changed() == source
    assert watch.changed() is None
    source.unlink()
    assert watch.changed() == source


def test_a_machine_without_proc_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradingviz.quickstart.processes.PROC", tmp_path)
    with pytest.raises(QuickstartError, match="mount -t proc"):
        preflight.require_proc()


def test_a_recording_is_replayed_at_its_speed_whatever_its_name_looks_like(tmp_path: Path) -> None:
    feed = process_table(port=1, state=tmp_path, recording=Path("/-odd name"), speed="60").feed
    assert feed is not None
    assert feed.argv[1:] == ("manage.py", "replay", "--speed", "60", "--", "/-odd name")
    assert feed.finishes


@pytest.mark.parametrize("recording", [None, Path("/a")])
def test_the_simulator_runs_where_nothing_is_replayed(tmp_path: Path, recording: Path | None) -> None:
    table = process_table(port=1, state=tmp_path, recording=recording, speed=None)
    started = {process.name for process in (*table.services, *table.alongside)}
    assert {"simulator", "market"} & started == ({"simulator", "market"} if recording is None else set())
    assert (table.feed is None) == (recording is None)


@pytest.mark.parametrize("text", ["0", "65536", "x", "-1"])
def test_a_junk_port_of_the_simulator_is_named(text: str) -> None:
    with pytest.raises(QuickstartError, match=f"SIMULATOR_PORT='{text}' is not a port number"):
        preflight.simulator_port(text)


def test_the_simulators_port_is_another_where_nobody_named_the_one_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(QuickstartError, match=f"SIMULATOR_PORT={port} is in use"):
            preflight.simulator_port(str(port))
    assert preflight.simulator_port(str(port)) == port
    assert preflight.simulator_port(None) > 0


def test_the_application_asks_the_simulator_whatever_ticker_service_the_user_has() -> None:
    values = environment.simulator_settings(8123)
    assert environment.connection_facts(values) == {
        "SIMULATOR_PORT": "8123",
        "TICKER_SERVICE_URL": "http://127.0.0.1:8123",
    }


def test_every_process_has_a_name_and_a_log_of_its_own(tmp_path: Path) -> None:
    table = process_table(port=1, state=tmp_path, recording=None, speed=None)
    names = [process.name for process in (*table.preparing, *table.services, *table.alongside)]
    assert len(set(names)) == len(names)
    assert not {"postgres", "redis", "manager"} & set(names)
