-- The stored minutes of some instruments in a time range, as ingest needs them to go on; stamps in ms, 0 for none.
SELECT
    instrument_id, (EXTRACT(EPOCH FROM "time") * 1000)::bigint, open, high, low, close, oi, bid, ask, bid_qty, ask_qty,
    cumulative_volume, first_volume, last_volume, quote_volume, COALESCE((EXTRACT(EPOCH FROM first_at) * 1000)::bigint, 0),
    COALESCE((EXTRACT(EPOCH FROM last_at) * 1000)::bigint, 0), COALESCE((EXTRACT(EPOCH FROM oi_at) * 1000)::bigint, 0),
    COALESCE((EXTRACT(EPOCH FROM quote_at) * 1000)::bigint, 0)
FROM bar
WHERE instrument_id = ANY(%(instrument_ids)s) AND "time" >= %(from)s AND "time" < %(to)s
ORDER BY "time"
