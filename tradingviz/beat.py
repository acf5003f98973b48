"""Beat's scheduler: schedules stand in the database, where staff edit them; system jobs come from the code."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

Job = Mapping[str, Any]
SYSTEM = "system job, every {seconds:g} s unless it is changed here"
_SYSTEM = re.compile(re.escape(SYSTEM).replace(r"\{seconds:g\}", "(.+)"))


@transaction.atomic
def seed(jobs: Mapping[str, Job]) -> None:
    """Bring the rows of system jobs in step with the code: make, correct, remove them. Safe to repeat.

    A period that staff changed and a job that they switched off stay so; task and expiry are the code's.
    """
    for name, job in jobs.items():
        PeriodicTask.objects.get_or_create(name=name, defaults=_wanted(job))
        _correct(PeriodicTask.objects.select_for_update().get(name=name), job)
    for row in PeriodicTask.objects.exclude(name__in=jobs):
        if _default_of(row) is not None:
            row.delete()


def _wanted(job: Job) -> dict[str, Any]:
    return {
        "task": job["task"],
        "expire_seconds": job["options"]["expires"],
        "interval": _interval(job["schedule"]),
        "description": SYSTEM.format(seconds=job["schedule"]),
    }


def _correct(row: PeriodicTask, job: Job) -> None:
    wanted = _wanted(job)
    default = _default_of(row)
    if default is None or row.interval_id is None or row.interval != _interval(default):
        wanted.pop("interval")  # staff set another period, or another kind of schedule
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        row.save()


def _default_of(row: PeriodicTask) -> float | None:
    """The period that the code gave a system job when its row was last brought in step; None for a job of staff."""
    found = _SYSTEM.fullmatch(row.description)
    return float(found[1]) if found else None


def _interval(seconds: float) -> IntervalSchedule:
    return IntervalSchedule.objects.get_or_create(every=int(seconds), period=IntervalSchedule.SECONDS)[0]


class Scheduler(DatabaseScheduler):  # type: ignore[misc]  # it comes without types
    """Sends what the database says, system jobs from the code among it.

    The file of `--schedule`, of no other use, is touched at every round: its age tells whether beat lives.
    """

    def __init__(self, *args: Any, schedule_filename: str | None = None, **kwargs: Any) -> None:
        self._sign = Path(schedule_filename) if schedule_filename else None
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Seed the system jobs."""
        seed(self.app.conf.beat_schedule)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; return after how many seconds to look again."""
        seconds: float = super().tick(*args, **kwargs)
        if self._sign:
            self._sign.touch()
        return seconds
