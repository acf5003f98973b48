"""Who works on what: a shard has one ingest at a time, and an underlying too.

The claims are advisory locks of the very database connection that commits. A process that dies loses them with its
connection, within moments and without a lease; one whose connection broke cannot commit any more.
"""

from contextlib import suppress

from django.db import Error as DatabaseError
from django.db import connection

_SHARD, _UNDERLYING = 0x7469, 0x7470  # the first of the two keys of our locks


class Ownership:
    """Claims of the thread that uses it."""

    def __init__(self) -> None:
        self._underlyings: dict[int, bool] = {}

    def take_shard(self, shard: int) -> bool:
        """Claim a shard; return whether it is ours. Raises django.db.Error."""
        return _take(_SHARD, shard)

    def owns(self, underlying_id: int) -> bool:
        """Claim an underlying unless that was tried; return whether it is ours. Raises django.db.Error."""
        if underlying_id not in self._underlyings:
            self._underlyings[underlying_id] = _take(_UNDERLYING, underlying_id)
        return self._underlyings[underlying_id]

    def release(self) -> None:
        """Give up every claim. Closing the connection is not enough: it may live on in a pool."""
        self._underlyings.clear()
        with suppress(DatabaseError), connection.cursor() as cursor:  # a broken connection has none
            cursor.execute("SELECT pg_advisory_unlock_all()")


def _take(kind: int, key: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [kind, key])
        return bool(cursor.fetchone()[0])
