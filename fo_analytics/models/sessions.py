"""Trading sessions: the only place that knows when a market is open."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.timezone import localtime

from fo_analytics.domain.calendar import ist_date


class SessionKind(models.TextChoices):
    """Why the session is as it is."""

    REGULAR = "regular"
    WEEKEND = "weekend"
    MUHURAT = "muhurat"
    SPLIT = "split"
    EXTENDED = "extended"
    ASSUMED = "assumed"
    SIMULATED = "simulated"


class TradingSession(models.Model):
    """One exchange's derivatives session of one day, of one or more intervals."""

    exchange = models.CharField(max_length=8)
    segment = models.CharField(max_length=8, default="FO")
    date = models.DateField()
    kind = models.CharField(max_length=16, choices=SessionKind, default=SessionKind.REGULAR)
    expires_at = models.DateTimeField(help_text="when contracts that expire this day stop")
    changed_at = models.DateTimeField(auto_now=True, help_text="tells running processes to read the sessions again")

    class Meta:
        """One session a day."""

        ordering = ("-date", "exchange")
        constraints = (models.UniqueConstraint(fields=("exchange", "segment", "date"), name="session_day"),)

    def __str__(self) -> str:
        return f"{self.exchange} {self.date}"

    def clean(self) -> None:
        """Refuse an expiry instant of another date."""
        day, stops_at = getattr(self, "date", None), getattr(self, "expires_at", None)  # None in a form with junk
        if day and stops_at and ist_date(stops_at) != day:
            raise ValidationError({"expires_at": f"not on {day} (IST)"})


class SessionInterval(models.Model):
    """A time in which the market is open: [opens_at, closes_at)."""

    session = models.ForeignKey(TradingSession, on_delete=models.CASCADE, related_name="intervals")
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()

    class Meta:
        """In time order."""

        ordering = ("opens_at",)
        constraints = (
            models.CheckConstraint(condition=models.Q(closes_at__gt=models.F("opens_at")), name="interval_order"),
        )

    def __str__(self) -> str:
        return f"{localtime(self.opens_at):%H:%M}-{localtime(self.closes_at):%H:%M}"

    def clean(self) -> None:
        """Refuse an interval of parts of minutes: buckets are whole minutes."""
        for name in ("opens_at", "closes_at"):
            instant = getattr(self, name)
            if instant and (instant.second or instant.microsecond):
                raise ValidationError({name: "whole minutes only"})
