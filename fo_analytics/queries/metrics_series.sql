-- What was measured of an expiry, stretch by stretch, bucket by bucket: the row of each bucket's newest minute.
--
-- `span` has a row per stretch of a session in which an expiry is meant: the buckets that open in it. A bucket of its last
-- minutes counts as a whole.
WITH span AS (
    SELECT *
    FROM unnest(
        %(opens)s::timestamptz[], %(closes)s::timestamptz[], %(froms)s::timestamptz[], %(tos)s::timestamptz[],
        %(expiries)s::date[]
    ) WITH ORDINALITY AS given (opens_at, closes_at, from_at, to_at, expiry, number)
)
SELECT date_part('epoch', newest.bucket), span.number, date_part('epoch', newest.time), {columns}
FROM span
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (bucket) held.bucket, metric.*
    FROM chain_metric AS metric
    CROSS JOIN LATERAL (
        SELECT date_bin(make_interval(mins => %(minutes)s), metric.time, span.opens_at) AS bucket
    ) AS held
    WHERE metric.underlying_id = %(underlying_id)s AND metric.expiry = span.expiry AND metric.time >= span.from_at
        AND metric.time < LEAST(span.closes_at, span.to_at + make_interval(mins => %(minutes)s))
        AND metric.time >= %(from)s AND metric.time < %(until)s
        AND held.bucket >= span.from_at AND held.bucket < span.to_at
    ORDER BY bucket, metric.time DESC
) AS newest
ORDER BY newest.bucket
