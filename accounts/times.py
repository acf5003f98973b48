"""Instants of the exchange's clock. Days are those of the settings' time zone, IST."""

from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    """Return an instant of ms since the Unix epoch, UTC."""
    return _EPOCH + ms * _MS


def to_ms(instant: datetime) -> int:
    """Return ms since the Unix epoch, UTC; what is finer is cut off."""
    return (instant - _EPOCH) // _MS


def day_of(instant: datetime) -> date:
    """Return the exchange's date of an instant."""
    return timezone.localtime(instant).date()


def midnight(day: date) -> datetime:
    """Return the instant at which a date of the exchange begins."""
    return timezone.make_aware(datetime.combine(day, time.min))


def iso(instant: datetime | None) -> str | None:
    """Return an instant as answers have it, with the exchange's offset; None for None."""
    return None if instant is None else timezone.localtime(instant).isoformat()
