"""Alerts on the value of a strategy."""

from typing import ClassVar

from django.db import models

from strategies.domain.alerts import Condition
from strategies.models.strategy import Strategy


class Alert(models.Model):
    """Fires once, on fresh data (strategies.domain.alerts). Whoever sets `fired_at` from null has fired it."""

    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, related_name="alerts")
    condition = models.CharField(max_length=8, choices=[(item.value, item.value) for item in Condition])
    threshold = models.DecimalField(max_digits=20, decimal_places=2, help_text="rupees")
    since = models.DateTimeField(help_text="only values made after this count")
    fired_at = models.DateTimeField(null=True, blank=True, editable=False)
    fired_value = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True, editable=False)

    class Meta:
        """Those that wait are looked at all day."""

        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["strategy"], condition=models.Q(fired_at=None), name="alert_waiting")]

    def __str__(self) -> str:
        return f"{self.condition} {self.threshold}"
