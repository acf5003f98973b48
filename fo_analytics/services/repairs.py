"""The record of attempts to fill holes: who asks for what, and not again too soon."""

from datetime import datetime, timedelta

from django.db.models import F, QuerySet

from fo_analytics.domain.calendar import from_ms
from fo_analytics.domain.holes import Hole
from fo_analytics.models import Repair, RepairOutcome, Underlying

FIRST_PAUSE_MINUTES = 5
LONGEST_PAUSE = timedelta(days=1)


def claim(*, underlying: Underlying, hole: Hole, now: datetime, only_due: bool) -> bool:
    """Note that a hole is being asked for. With `only_due`, return False where it rests or another process took it.

    The minutes of an attempt rest for 5 minutes, then twice as long each time, at most a day. A hole that goes beyond
    the last attempt is due, as the ticker service may know more by now; not so while it grows, or it would be so every
    minute.
    """
    first, last = from_ms(hole.first_ms), from_ms(hole.last_ms)
    earlier = Repair.objects.filter(
        underlying=underlying, first_minute__lte=first, last_minute__gte=first if hole.growing else last
    )
    row = Repair(underlying=underlying, first_minute=first, last_minute=last, asked_at=now, due_at=now)
    row.attempts = max(earlier.values_list("attempts", flat=True), default=0)
    Repair.objects.bulk_create([row], ignore_conflicts=True)
    # Read before looking who rests: of two processes, one sees the other's pause or has read what is not so any more.
    attempts = _row(underlying, hole).values_list("attempts", flat=True).get()
    if only_due and earlier.filter(due_at__gt=now).exists():
        return False
    taken = _row(underlying, hole).filter(attempts=attempts)
    return bool(
        taken.update(
            last_minute=last,
            attempts=attempts + 1,
            asked_at=now,
            due_at=now + pause(attempts),
            outcome=RepairOutcome.ASKED,
        )
    )


def pause(attempts: int) -> timedelta:
    """Return how long a hole rests that was asked for `attempts` times before."""
    return min(timedelta(minutes=FIRST_PAUSE_MINUTES << min(attempts, 16)), LONGEST_PAUSE)


def note_answer(*, underlying: Underlying, hole: Hole, candles: int, filled: int) -> None:
    """Note what the ticker service had: candles, and minutes of the hole among theirs."""
    said = RepairOutcome.SENT if filled else RepairOutcome.NOTHING
    _row(underlying, hole).update(outcome=said, candles=candles)


def note_failure(*, underlying: Underlying, hole: Hole, now: datetime) -> None:
    """Note that the attempt came to nothing: it does not count, and the hole is due."""
    _row(underlying, hole).update(outcome=RepairOutcome.FAILED, attempts=F("attempts") - 1, due_at=now)


def _row(underlying: Underlying, hole: Hole) -> QuerySet[Repair]:
    return Repair.objects.filter(underlying=underlying, first_minute=from_ms(hole.first_ms))
