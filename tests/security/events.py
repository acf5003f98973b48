"""What was written down, as staff would find it."""

from accounts.models import SecurityEvent


def kinds() -> list[str]:
    """Return the kinds of all events, oldest first."""
    return list(SecurityEvent.objects.order_by("pk").values_list("kind", flat=True))


def event(kind: str) -> SecurityEvent:
    """Return the only event of a kind."""
    return SecurityEvent.objects.get(kind=kind)


def everything_stored() -> str:
    """Return all that the table holds, as one text."""
    return str(list(SecurityEvent.objects.values()))
