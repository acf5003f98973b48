"""The Celery app and its beat schedule: system jobs live in code. What a task logs carries its `task_id`."""

import logging.config
from typing import Any

from celery import Celery, signals
from django.conf import settings

from tradingviz.core.logging.context import bind
from tradingviz.settings.env import choose_settings

choose_settings()

app = Celery("tradingviz")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "refresh-coverage": {
        "task": "fo_analytics.refresh_coverage",
        "schedule": 60.0,
        # A run that waited longer than its period is not worth running.
        "options": {"expires": 55},
    },
    "roll-up-due": {
        "task": "fo_analytics.roll_up_due",
        "schedule": 5.0,
        "options": {"expires": 4},
    },
    "recalculate-m2m": {
        "task": "strategies.recalculate_m2m",
        "schedule": float(settings.M2M_PERIOD_SECONDS),
        "options": {"expires": max(1, settings.M2M_PERIOD_SECONDS - 1)},
    },
    "remake-outdated-candles": {
        "task": "strategies.remake_outdated",
        "schedule": 5.0,
        "options": {"expires": 4},
    },
    "drop-expired-rows": {
        "task": "fo_analytics.drop_expired_rows",
        "schedule": 86_400.0,
        "options": {"expires": 3_600},
    },
    "drop-old-credentials-and-events": {
        "task": "accounts.drop_old",
        "schedule": 86_400.0,
        "options": {"expires": 3_600},
    },
    "reconcile-subscriptions": {
        "task": "fo_analytics.reconcile_subscriptions",
        "schedule": 60.0,
        "options": {"expires": 55},
    },
    "repair-holes": {
        "task": "fo_analytics.repair_holes",
        "schedule": 60.0,
        "options": {"expires": 55},
    },
    "settle-expired-legs": {
        "task": "strategies.settle_expired",
        "schedule": 30.0,
        "options": {"expires": 25},
    },
    "freeze-legs-of-changed-contracts": {
        "task": "strategies.freeze_changed",
        "schedule": 300.0,
        "options": {"expires": 280},
    },
    "drop-old-submissions": {
        "task": "strategies.drop_old_submissions",
        "schedule": 86_400.0,
        "options": {"expires": 3_600},
    },
}

_bound: dict[str, bind] = {}


@signals.setup_logging.connect
def log_like_everybody(**_: Any) -> None:
    """Configure logging as in every other process; Celery leaves it alone then."""
    logging.config.dictConfig(settings.LOGGING)


@signals.task_prerun.connect
def bind_task(task_id: str, **_: Any) -> None:
    """Put the task's id on all lines that follow in its thread."""
    _bound[task_id] = bind(task_id=task_id).__enter__()


@signals.task_postrun.connect
def release_task(task_id: str, **_: Any) -> None:
    """The task is done, also where it failed."""
    if held := _bound.pop(task_id, None):
        held.__exit__()
