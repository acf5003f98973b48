-- What was at the money of expiries in sessions, bucket by bucket: what the newest minute of each said that knew it. In no
-- certain order.
--
-- `wanted` has a row per expiry and session. The bounds of time are constants once more, for the planner to leave out
-- chunks.
SELECT wanted.number, date_part('epoch', known.opened), known.atm_strike
FROM unnest(%(expiries)s::date[], %(opens)s::bigint[], %(closes)s::bigint[])
    WITH ORDINALITY AS wanted (expiry, opens_s, closes_s, number)
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (1)
        date_bin(make_interval(mins => %(minutes)s), metric.time, to_timestamp(wanted.opens_s)) AS opened,
        metric.atm_strike
    FROM chain_metric AS metric
    WHERE metric.underlying_id = %(underlying_id)s AND metric.expiry = wanted.expiry
        AND metric.time >= to_timestamp(wanted.opens_s) AND metric.time < to_timestamp(wanted.closes_s)
        AND metric.time >= %(from)s AND metric.time < %(until)s AND metric.atm_strike IS NOT NULL
    ORDER BY 1, metric.time DESC
) AS known
