-- Roll one timeframe of a session up from the next smaller one, of several underlyings, each from a bucket's open on.
--
-- Buckets are counted over wall time from the session's open; the last may be short. Numbers that belong together come
-- from one bar, the newest one that has them: close; open interest; bid and ask; and, for what a bar is worth (forward,
-- IV with its reason, Greeks), the newest with Greeks, else the newest. The day of a spot ends with the official close.
-- The newest bar's numbers are the greatest array that begins with its time. Bars are found by time where `several`
-- underlyings are rolled up, by instrument where it is one.
INSERT INTO bar_rollup AS held (
    instrument_id, timeframe, "time", open, high, low, close, volume, oi, bid, ask, forward, iv, delta, gamma, theta,
    vega, rho, iv_reason, flags, first_at, last_at
)
WITH due AS (
    SELECT instrument.id, instrument.kind, instrument.underlying_id, given.since
    FROM unnest(%(underlying_ids)s::bigint[], %(froms)s::timestamptz[]) AS given (underlying_id, since)
    JOIN fo_analytics_instrument AS instrument USING (underlying_id)
),
part AS (
    SELECT
        instrument_id, "time", open, high, low, close, volume, oi, bid, ask, forward, iv, delta, gamma, theta, vega,
        rho, iv_reason, flags, first_at, last_at
    FROM bar
    WHERE %(source)s = '1m' AND "time" >= %(from)s AND "time" < %(to)s
        AND (%(several)s OR instrument_id = ANY(ARRAY(SELECT id FROM due)))
    UNION ALL
    SELECT
        instrument_id, "time", open, high, low, close, volume, oi, bid, ask, forward, iv, delta, gamma, theta, vega,
        rho, iv_reason, flags, first_at, last_at
    FROM bar_rollup
    WHERE %(source)s <> '1m' AND timeframe = %(source)s AND "time" >= %(from)s AND "time" < %(to)s
        AND (%(several)s OR instrument_id = ANY(ARRAY(SELECT id FROM due)))
),
bucket AS (
    SELECT
        due.id, due.kind, due.underlying_id,
        date_bin(make_interval(mins => %(minutes)s), part.time, %(opens)s) AS opens_at,
        MIN(ARRAY[age, part.open]) FILTER (WHERE part.open IS NOT NULL) AS opening,
        MAX(part.high) AS high,
        MIN(part.low) AS low,
        MAX(ARRAY[age, part.close]) FILTER (WHERE part.close IS NOT NULL) AS closing,
        SUM(part.volume)::bigint AS volume,
        MAX(ARRAY[age, part.oi]) FILTER (WHERE part.oi IS NOT NULL) AS interest,
        MAX(ARRAY[age, part.bid, part.ask]) FILTER (WHERE part.bid IS NOT NULL OR part.ask IS NOT NULL) AS quote,
        MAX(ARRAY[
            (part.delta IS NOT NULL)::int, age, part.forward, part.iv, part.delta, part.gamma, part.theta, part.vega,
            part.rho, part.iv_reason
        ]) AS worth,
        BIT_OR(part.flags) AS flags,
        MIN(part.first_at) AS first_at,
        MAX(part.last_at) AS last_at
    FROM part
    JOIN due ON due.id = part.instrument_id AND part.time >= due.since
    CROSS JOIN LATERAL date_part('epoch', part.time) AS age
    GROUP BY 1, 2, 3, 4
)
SELECT
    bucket.id, %(timeframe)s, bucket.opens_at, opening[2], GREATEST(high, official.price), LEAST(low, official.price),
    COALESCE(official.price, closing[2]), volume, interest[2]::bigint, quote[2], quote[3], worth[3], worth[4], worth[5],
    worth[6], worth[7], worth[8], worth[9], worth[10]::smallint, flags, first_at,
    GREATEST(last_at, official.observed_at)
FROM bucket
LEFT JOIN fo_analytics_officialclose AS official
    ON %(timeframe)s = '1d' AND bucket.kind = 'SPOT'
    AND official.underlying_id = bucket.underlying_id AND official.date = %(date)s
ON CONFLICT (instrument_id, timeframe, "time") DO UPDATE SET (
    open, high, low, close, volume, oi, bid, ask, forward, iv, delta, gamma, theta, vega, rho, iv_reason, flags,
    first_at, last_at
) = ROW (
    excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, excluded.oi, excluded.bid,
    excluded.ask, excluded.forward, excluded.iv, excluded.delta, excluded.gamma, excluded.theta, excluded.vega,
    excluded.rho, excluded.iv_reason, excluded.flags, excluded.first_at, excluded.last_at
)
WHERE (
    held.open, held.high, held.low, held.close, held.volume, held.oi, held.bid, held.ask, held.forward, held.iv,
    held.delta, held.gamma, held.theta, held.vega, held.rho, held.iv_reason, held.flags, held.first_at, held.last_at
) IS DISTINCT FROM (
    excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, excluded.oi, excluded.bid,
    excluded.ask, excluded.forward, excluded.iv, excluded.delta, excluded.gamma, excluded.theta, excluded.vega,
    excluded.rho, excluded.iv_reason, excluded.flags, excluded.first_at, excluded.last_at
)
