"""Saying that what strategies hold has changed."""

from django.db import transaction

from fo_analytics.held import note_held_changed
from tradingviz.core.redis import shared_client


def note_held() -> None:
    """Have ingest ask again what is held, once the transaction under way is committed: after any change of what is
    open, of a strategy's status or of its valuation."""
    transaction.on_commit(lambda: note_held_changed(shared_client()))
