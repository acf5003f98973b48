"""Alerts on the value of a strategy: set, armed again, removed. They fire elsewhere."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.shortcuts import get_object_or_404

from strategies.domain.alerts import Condition
from strategies.models import Alert
from strategies.services.trades import writable
from tradingviz.core.errors import InvalidRequest

MOST_ALERTS = 20


@transaction.atomic
def create_alert(*, strategy_id: int, condition: Condition, threshold: Decimal, now: datetime) -> Alert:
    """Set an alert for values from an aware instant on; `threshold` rupees.

    Raises InvalidRequest where the strategy is closed or has too many.
    """
    strategy = writable(strategy_id=strategy_id)
    if strategy.alerts.count() >= MOST_ALERTS:
        raise InvalidRequest(f"at most {MOST_ALERTS} alerts: remove one first", field="condition")
    return Alert.objects.create(strategy=strategy, condition=condition.value, threshold=threshold, since=now)


@transaction.atomic
def rearm_alert(*, strategy_id: int, alert_id: int, now: datetime) -> Alert:
    """Arm an alert again, for values from an aware instant on. Raises InvalidRequest where the strategy is closed."""
    writable(strategy_id=strategy_id)
    alert = get_object_or_404(Alert.objects.select_for_update(), pk=alert_id, strategy=strategy_id)
    alert.since, alert.fired_at, alert.fired_value = now, None, None
    alert.save(update_fields=["since", "fired_at", "fired_value"])
    return alert


def delete_alert(*, strategy_id: int, alert_id: int) -> None:
    """Remove an alert."""
    get_object_or_404(Alert, pk=alert_id, strategy=strategy_id).delete()
