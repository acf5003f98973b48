-- Candles of longer buckets, counted from each session's open; high and low are known where they are of every minute.
SELECT EXTRACT(EPOCH FROM bucket.opens)::bigint AS time,
    (ARRAY_AGG(candle.open ORDER BY candle.time))[1] AS open,
    CASE WHEN bool_and(candle.high IS NOT NULL) THEN MAX(candle.high) END AS high,
    CASE WHEN bool_and(candle.low IS NOT NULL) THEN MIN(candle.low) END AS low,
    (ARRAY_AGG(candle.close ORDER BY candle.time DESC))[1] AS close,
    SUM(candle.seconds) AS seconds,
    bool_or(candle.partial) AS partial,
    bool_or(candle.from_bars) AS from_bars
FROM strategy_candle AS candle
JOIN unnest(%(opens)s::timestamptz[], %(closes)s::timestamptz[]) AS session (opens, closes)
    ON candle.time >= session.opens AND candle.time < session.closes
CROSS JOIN LATERAL (
    SELECT date_bin(make_interval(mins => %(minutes)s), candle.time, session.opens) AS opens
) AS bucket
WHERE candle.strategy_id = %(strategy)s AND candle.time >= %(from)s AND candle.time < %(to)s
GROUP BY bucket.opens
ORDER BY bucket.opens
