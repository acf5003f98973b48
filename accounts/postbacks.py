"""Who may tell us of an account's orders: whoever signs with its secret, now.

The signature is HMAC-SHA256 over `<timestamp>.<body>`, in lower-case hexadecimal digits; the timestamp is in Unix
seconds.
"""

import hmac
from hashlib import sha256

from accounts.encryption import decrypt
from accounts.models import TradingAccount

# How far a signature's time may be from ours.
TOLERANCE_S = 300
_NOBODYS = "whoever has no secret is as long in being refused"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a body."""
    return hmac.new(secret.encode(), timestamp.encode(errors="replace") + b"." + body, sha256).hexdigest()


def is_signed(*, account_id: int, timestamp: str, signature: str, body: bytes, now_s: float) -> bool:
    """Return whether a body is signed with the secret of an active account, not long ago. Raises Unreadable."""
    stored = TradingAccount.objects.filter(pk=account_id, is_active=True).values_list("postback_secret", flat=True)
    closed = stored.first()
    expected = sign(decrypt(closed) if closed else _NOBODYS, timestamp, body)
    genuine = hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))
    fresh = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12
    return bool(closed) and genuine and fresh and abs(now_s - int(timestamp)) <= TOLERANCE_S
