"""Schedules stand in the database: system jobs come from the code, and what staff changed stays."""

import subprocess
import sys
from pathlib import Path
from signal import SIGTERM
from typing import Any

import pytest
import redis
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from tests.rig.asgi import REPOSITORY
from tradingviz.beat import seed
from tradingviz.quickstart.processes import end_child, wait_until

JOBS: dict[str, dict[str, Any]] = {
    "often": {"task": "strategies.settle_expired", "schedule": 30.0, "options": {"expires": 25}},
    "daily": {"task": "accounts.drop_old", "schedule": 86_400.0, "options": {"expires": 3_600}},
}
pytestmark = pytest.mark.django_db


def rows() -> dict[str, tuple[str, int, int, bool]]:
    """Return task, period in seconds, expiry and whether it is on, by the job's name."""
    found = PeriodicTask.objects.select_related("interval")
    return {row.name: (row.task, row.interval.every, row.expire_seconds, row.enabled) for row in found}


def every(seconds: int) -> IntervalSchedule:
    """Return a period."""
    return IntervalSchedule.objects.get_or_create(every=seconds, period="seconds")[0]


def test_system_jobs_are_made_as_the_code_says_and_stay_so() -> None:
    for _ in range(2):
        seed(JOBS)
        assert rows() == {
            "often": ("strategies.settle_expired", 30, 25, True),
            "daily": ("accounts.drop_old", 86_400, 3_600, True),
        }


def test_what_staff_changed_stays_and_the_rest_follows_the_code() -> None:
    seed(JOBS)
    PeriodicTask.objects.filter(name="often").update(interval=every(10), task="spoilt")
    PeriodicTask.objects.filter(name="daily").update(enabled=False)
    seed(JOBS)
    assert rows()["often"] == ("strategies.settle_expired", 10, 25, True)
    assert rows()["daily"][3] is False


def test_another_period_in_the_code_reaches_those_that_staff_left_alone() -> None:
    seed(JOBS)
    PeriodicTask.objects.filter(name="daily").update(interval=every(7))
    seed({name: job | {"schedule": 60.0} for name, job in JOBS.items()})
    assert (rows()["often"][1], rows()["daily"][1]) == (60, 7)


def test_a_job_that_the_code_has_no_more_goes_and_one_of_staff_stays() -> None:
    seed(JOBS)
    PeriodicTask.objects.create(name="ours", task="fo_analytics.roll_up_due", interval=every(5), expire_seconds=4)
    seed({"often": JOBS["often"]})
    assert set(rows()) == {"often", "ours"}


@pytest.mark.django_db(transaction=True)
def test_a_real_beat_sends_system_jobs_and_those_of_staff_and_shows_that_it_lives(
    server_environment: dict[str, str], redis_url: str, tmp_path: Path
) -> None:
    PeriodicTask.objects.create(name="ours", task="fo_analytics.roll_up_due", interval=every(1), queue="staff")
    sign, log = tmp_path / "beat-schedule", tmp_path / "beat.log"
    command = [sys.executable, "-m", "celery", "-A", "tradingviz", "beat", "--pidfile", "", "--loglevel", "INFO"]
    with log.open("wb") as output:
        child = subprocess.Popen(
            [*command, "--schedule", str(sign)], cwd=REPOSITORY, env=server_environment, stdout=output, stderr=output
        )
    try:
        with redis.Redis.from_url(redis_url) as client:
            sent = [f"celery:{queue}" for queue in ("staff", "default")]
            assert wait_until(lambda: all(client.llen(queue) for queue in sent), seconds=60, pause=0.2), log.read_text()
        assert sign.exists()
        assert set(rows()) > {"ours", "settle-expired-legs"}
    finally:
        end_child(child, polite=SIGTERM, seconds=15)
