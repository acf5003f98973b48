-- The newest stored price and quote of instruments before an instant each; nothing older than a week.
SELECT wanted.place, found.close, found.last_at, found.bid, found.ask, found.quote_at, instrument.tick_size
FROM unnest(%(instruments)s::bigint[], %(before)s::bigint[]) WITH ORDINALITY AS wanted (instrument_id, before, place)
JOIN fo_analytics_instrument AS instrument ON instrument.id = wanted.instrument_id
CROSS JOIN LATERAL (
    SELECT bar.close, bar.last_at, bar.bid, bar.ask, bar.quote_at
    FROM bar
    WHERE bar.instrument_id = wanted.instrument_id AND bar.close IS NOT NULL
        AND bar.time < to_timestamp(wanted.before) AND bar.time >= to_timestamp(wanted.before) - INTERVAL '7 days'
    ORDER BY bar.time DESC
    LIMIT 1
) AS found
