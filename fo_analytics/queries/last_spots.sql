-- The last price of underlyings in stretches of time, when it was made, and the newest minute since then (ms UTC).
SELECT wanted.underlying_id, wanted.date, bar.close, (EXTRACT(EPOCH FROM bar.last_at) * 1000)::bigint,
    (SELECT (EXTRACT(EPOCH FROM max(later.time)) * 1000)::bigint FROM bar AS later
     WHERE later.instrument_id = spot.id AND later.time >= bar.time)
FROM unnest(%(underlying_ids)s::bigint[], %(dates)s::date[], %(froms)s::timestamptz[], %(tos)s::timestamptz[])
    AS wanted (underlying_id, date, opens, ends)
JOIN fo_analytics_instrument AS spot ON spot.underlying_id = wanted.underlying_id AND spot.kind = 'SPOT'
CROSS JOIN LATERAL (
    SELECT * FROM bar
    WHERE bar.instrument_id = spot.id AND bar.time >= wanted.opens AND bar.time < wanted.ends
        AND bar.close IS NOT NULL
    ORDER BY bar.time DESC LIMIT 1
) AS bar
