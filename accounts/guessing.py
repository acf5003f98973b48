"""How often an address may try passwords and refresh tokens, counted by django-ratelimit."""

from django_ratelimit.core import get_usage

from accounts import audit
from accounts.audit import AnyRequest, Kind

GUESSES = "10/m"
# Signed postbacks of one account: the stream that they go to is everybody's.
SIGNED = "1200/m"
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


def stopped_for(request: AnyRequest, *, group: str) -> int:
    """Return for how many seconds a request's address must wait, without counting it. Raises redis.RedisError."""
    usage = get_usage(request, group=group, key=_address, rate=GUESSES, method="POST", increment=False)
    return max(1, int(usage["time_left"])) if usage and usage["should_limit"] else 0


def count_signed(request: AnyRequest, *, account_id: int) -> int:
    """Count a signed postback; return for how many seconds its account must wait. Raises redis.RedisError."""
    usage = get_usage(
        request, group="postback-signed", key=lambda *_: str(account_id), rate=SIGNED, method="POST", increment=True
    )
    return max(1, int(usage["time_left"])) if usage and usage["should_limit"] else 0


def _address(group: str, request: AnyRequest) -> str:
    return audit.address_of(request) or _UNKNOWN
