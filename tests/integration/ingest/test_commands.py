"""`manage.py replay`, `ingest` and `simulate` as a person runs them: child processes, real servers."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from fo_analytics.models import Bar
from tests.rig.data import REPOSITORY
from tests.unit.test_recording import WITH_SPOT, write
from tradingviz.core.redis import sync_client

SUMMARY = re.compile(
    r"replayed ([\d,]+) ticks of ([\d,]+) snapshots up to (\S+ \S+) IST in [\d.]+ s \(([\d,]+) ticks/s\), ([\d,]+) bars"
)


def manage(environment: dict[str, str], *arguments: str, seconds: float = 90) -> subprocess.CompletedProcess[str]:
    """Run a management command to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@pytest.fixture
def ingest(server_environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """An ingest process."""
    child = subprocess.Popen(
        [sys.executable, "manage.py", "ingest"],
        cwd=REPOSITORY,
        env=server_environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert "ingest reads ticks:0" in child.stdout.readline()
        yield child
    finally:
        child.kill()
        child.wait()


def test_a_replay_that_waits_ends_by_itself_with_ticks_bars_and_rate(
    server_environment: dict[str, str], tmp_path: Path
) -> None:
    path = write(tmp_path, "chain.csv", WITH_SPOT)
    done = manage(server_environment, "replay", str(path), "--speed", "max", "--wait")
    assert done.returncode == 0, done.stderr
    assert "no ingest of shard 0 is running" in done.stdout
    summary = SUMMARY.search(done.stdout)
    assert summary is not None
    assert summary.groups()[:3] == ("7", "2", "2026-02-02 10:00:00")
    assert int(summary[5]) == Bar.objects.count() == 6
    again = manage(server_environment, "replay", str(path), "--speed", "max", "--wait")
    assert "no ingest of shard 0 is running" in again.stdout  # the first one took its ingest along
    assert again.returncode == 0, again.stderr


def test_a_running_ingest_is_used(
    server_environment: dict[str, str], ingest: subprocess.Popen[str], tmp_path: Path
) -> None:
    path = write(tmp_path, "chain.csv", WITH_SPOT)
    done = manage(server_environment, "replay", str(path), "--speed", "max", "--wait")
    assert done.returncode == 0, done.stderr
    assert "no ingest is running" not in done.stdout
    assert Bar.objects.count() == 6
    ingest.send_signal(signal.SIGTERM)
    assert ingest.wait(timeout=20) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("missing.csv",), "neither a recording nor a folder of recordings"),
        (("README.md", "--speed", "fast"), "neither a positive number nor max"),
        (("README.md", "--speed", "-3"), "neither a positive number nor max"),
    ],
)
def test_what_cannot_be_replayed_is_one_clear_line(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("replay", *arguments)


def test_a_redis_that_is_away_is_one_clear_line(server_environment: dict[str, str], tmp_path: Path) -> None:
    path = write(tmp_path, "chain.csv", WITH_SPOT)
    away = {**server_environment, "REDIS_URL": "redis://127.0.0.1:1/0"}
    done = manage(away, "replay", str(path), "--speed", "max")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().startswith("CommandError: Redis does not answer at REDIS_URL")


@pytest.mark.django_db
def test_made_up_prices_never_go_into_a_database_of_real_ones(redis_url: str) -> None:
    with pytest.raises(CommandError, match="made-up prices must not mix with real ones"):
        call_command("simulate")
    assert sync_client().xlen("ticks:0") == 0
