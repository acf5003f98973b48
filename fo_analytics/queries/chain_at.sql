-- The newest stored minute of each instrument in a time range, with its newest price where that minute had none.
SELECT
    wanted.instrument_id, COALESCE(newest.close, priced.close), COALESCE(newest.last_at, priced.last_at),
    newest.oi, newest.oi_at, newest.bid, newest.bid_qty, newest.ask, newest.ask_qty, newest.quote_at,
    newest.cumulative_volume, newest.time
FROM unnest(%(instrument_ids)s::bigint[]) AS wanted (instrument_id)
CROSS JOIN LATERAL (
    SELECT * FROM bar
    WHERE bar.instrument_id = wanted.instrument_id AND bar.time >= %(from)s AND bar.time <= %(to)s
    ORDER BY bar.time DESC LIMIT 1
) AS newest
LEFT JOIN LATERAL (
    SELECT bar.close, bar.last_at FROM bar
    WHERE bar.instrument_id = wanted.instrument_id AND bar.time >= %(from)s AND bar.time <= %(to)s
        AND bar.close IS NOT NULL
    ORDER BY bar.time DESC LIMIT 1
) AS priced ON newest.close IS NULL
