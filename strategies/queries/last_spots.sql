-- Of underlyings in spans of time: the last price of the spot, and the open of the newest minute there is of it at all.
SELECT wanted.place, last.close, newest.time
FROM unnest(%(underlyings)s::bigint[], %(opens)s::timestamptz[], %(ends)s::timestamptz[])
    WITH ORDINALITY AS wanted (underlying_id, opens_at, ends_at, place)
JOIN fo_analytics_instrument AS spot ON spot.underlying_id = wanted.underlying_id AND spot.kind = 'SPOT'
CROSS JOIN LATERAL (
    SELECT bar.close FROM bar
    WHERE bar.instrument_id = spot.id AND bar.time >= wanted.opens_at AND bar.time < wanted.ends_at
        AND bar.close IS NOT NULL
    ORDER BY bar.time DESC LIMIT 1
) AS last
CROSS JOIN LATERAL (
    SELECT bar.time FROM bar
    WHERE bar.instrument_id = spot.id AND bar.time >= wanted.opens_at
    ORDER BY bar.time DESC LIMIT 1
) AS newest
