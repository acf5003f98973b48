-- The stored minutes of some instruments in a time range, as ingest needs them to go on.
SELECT
    instrument_id, "time", open, high, low, close, oi, bid, ask, bid_qty, ask_qty, cumulative_volume,
    first_at, last_at, oi_at, quote_at
FROM bar
WHERE instrument_id = ANY(%(instrument_ids)s) AND "time" >= %(from)s AND "time" < %(to)s
ORDER BY "time"
