"""The Celery app and its beat schedule: system jobs live in code."""

from celery import Celery

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
    "drop-expired-rows": {
        "task": "fo_analytics.drop_expired_rows",
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
}
