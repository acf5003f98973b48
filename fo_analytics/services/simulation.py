"""Makes a database ready for the simulator's market: its sessions, instruments, subscriptions."""

import tempfile
import time
from datetime import timedelta
from pathlib import Path

from fo_analytics.domain.calendar import from_ms, ist_date
from fo_analytics.services.master_import import Imported, import_master
from fo_analytics.services.sessions import ensure_simulated_sessions
from fo_analytics.services.subscriptions import Reconciled, reconcile_subscriptions
from streaming.ticker.client import TickerClient, TickerUnavailable

EXCHANGES = ("NSE", "BSE")
# Beyond the last listed expiry: the instants at which contracts expire are those of sessions.
SESSIONS_AHEAD = timedelta(days=120)
_PAUSE_SECONDS = 0.1


def prepare_simulated_market(*, client: TickerClient, now_ms: int, patience_s: float) -> tuple[Imported, Reconciled]:
    """Make sessions, import the simulator's list, subscribe. Waits `patience_s` seconds for the simulator to be up.

    Raises TickerUnavailable, UnreadableMaster.
    """
    today = ist_date(from_ms(now_ms))
    for exchange in EXCHANGES:
        ensure_simulated_sessions(first=today, last=today + SESSIONS_AHEAD, exchange=exchange)
    listed = _list_of(client, patience_s)
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(listed)
        file.flush()
        imported = import_master(path=Path(file.name), today=today, as_of=today, progress=_silently)
    return imported, reconcile_subscriptions(client=client, now_ms=now_ms)


def _list_of(client: TickerClient, patience_s: float) -> bytes:
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return client.instruments()
        except TickerUnavailable:
            if time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)


def _silently(stage: str, done: int, total: int) -> None:
    """Show no progress: it takes a second."""
