"""What was done about holes."""

from django.db import models

from fo_analytics.models.master import Underlying


class RepairOutcome(models.TextChoices):
    """What became of the last attempt."""

    ASKED = "asked"  # not answered yet, or the process died over it
    SENT = "sent"  # candles went to ingest
    NOTHING = "nothing"  # the ticker service has no candle of its minutes
    FAILED = "failed"  # the ticker service did not answer, or nobody read the stream: does not count as an attempt


class Repair(models.Model):
    """A hole and the attempts to fill it, so that one which the ticker service cannot fill is not asked for for ever.

    A hole is known by its first minute: it may grow while the feed is silent, and what is filled of it makes the rest
    another hole.
    """

    underlying = models.ForeignKey(Underlying, on_delete=models.CASCADE, related_name="repairs")
    first_minute = models.DateTimeField(help_text="open of the first missing minute")
    last_minute = models.DateTimeField(help_text="open of the last one, as of the last attempt")
    attempts = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="not asked again before, unless by manage.py backfill")
    candles = models.PositiveIntegerField(default=0, help_text="received at the last attempt")
    outcome = models.CharField(max_length=16, choices=RepairOutcome, default=RepairOutcome.ASKED)

    class Meta:
        """One row a hole; newest first."""

        ordering = ("-first_minute", "underlying")
        constraints = (models.UniqueConstraint(fields=("underlying", "first_minute"), name="repair_hole"),)

    def __str__(self) -> str:
        return f"{self.underlying_id} {self.first_minute}"
