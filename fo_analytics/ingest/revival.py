"""What Redis does not know although the database does: a market that stands still is not published again by itself."""

from collections.abc import Collection
from datetime import date
from datetime import time as clock_time

import redis
from django.db.models import Max

from fo_analytics.domain.calendar import ist_date, ist_instant, to_ms
from fo_analytics.ingest.master import Listing
from fo_analytics.models import ChainMetric
from fo_analytics.topics import underlying_topic
from streaming.state import read_states


def unpublished(client: redis.Redis, listings: Collection[Listing]) -> list[tuple[int, date]]:
    """Return the underlyings of the newest stored day whose live state is missing or older, with that day.

    Raises redis.RedisError, django.db.Error.
    """
    newest = ChainMetric.objects.order_by("-time").values_list("time", flat=True).first()
    if newest is None:
        return []
    day = ist_date(newest)
    metrics = ChainMetric.objects.filter(time__gte=ist_instant(day, clock_time.min))
    stored = dict(metrics.values_list("underlying_id").annotate(Max("time")))
    states = read_states(client, [underlying_topic(listing.symbol) for listing in listings])
    return [
        (listing.underlying_id, day)
        for listing, state in zip(listings, states, strict=True)
        if (time := stored.get(listing.underlying_id)) and (state is None or state.ts_event < to_ms(time))
    ]
