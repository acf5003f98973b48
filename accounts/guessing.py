"""How often an address may try passwords and refresh tokens, counted by django-ratelimit."""

from django_ratelimit.core import get_usage

from accounts import audit
from accounts.audit import AnyRequest, Kind

GUESSES = "10/m"
_UNKNOWN = "unknown"


def count_guess(request: AnyRequest, *, group: str) -> int:
    """Count an attempt of the request's address; return for how many seconds it must wait, 0 where it may go on.

    The first one too many of a window is recorded. Raises redis.RedisError where there is nobody to count.
    """
    usage = get_usage(request, group=group, key=_address, rate=GUESSES, method="POST", increment=True)
    if usage is None or not usage["should_limit"]:
        return 0
    if usage["count"] == usage["limit"] + 1:
        audit.record(Kind.GUESSING_STOPPED, request=request, route=group)
    return max(1, int(usage["time_left"]))


def _address(group: str, request: AnyRequest) -> str:
    return audit.address_of(request) or _UNKNOWN
