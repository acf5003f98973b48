-- The bars of the contracts that stood at some moneyness levels of an underlying, bucket by bucket.
--
-- `span` has a row per stretch of a session in which the series means one expiry: the buckets that open in it, and the
-- number of that day's ladder. The money of a bucket is that of its newest minute which knew one.
-- `wanted` has a row per ladder and series: the strikes, ascending, and at the place of each the contract that has the
-- series' level while the money is there; 0 where none is listed. As arrays: the money is found in them by halving,
-- where a join on strikes would try every one for every bucket. Materialised, or each bucket would read the texts.
-- `spot_id` is an instrument (null: none) whose closes stand under place 0: by themselves they are one read, beside each
-- bucket as many. `bars` is where bars of this length stand; rows come in no certain order. The bounds of time are
-- constants once more beside each table, for the planner to leave out chunks.
WITH span AS (
    SELECT *
    FROM unnest(
        %(opens)s::timestamptz[], %(closes)s::timestamptz[], %(froms)s::timestamptz[], %(tos)s::timestamptz[],
        %(expiries)s::date[], %(ladders)s::int[]
    ) AS given (opens_at, closes_at, from_at, to_at, expiry, ladder)
),
wanted AS MATERIALIZED (
    SELECT ladder, place, strikes::float8[], contracts::bigint[]
    FROM unnest(%(of_ladders)s::int[], %(places)s::int[], %(strikes)s::text[], %(contracts)s::text[])
        AS given (ladder, place, strikes, contracts)
),
bucket AS MATERIALIZED (
    SELECT span.ladder, known.time, known.money
    FROM span
    CROSS JOIN LATERAL (
        SELECT DISTINCT ON (1)
            date_bin(make_interval(mins => %(minutes)s), metric.time, span.opens_at) AS "time",
            metric.atm_strike AS money
        FROM chain_metric AS metric
        WHERE metric.underlying_id = %(underlying_id)s AND metric.expiry = span.expiry AND metric.time >= span.from_at
            AND metric.time < LEAST(span.closes_at, span.to_at + make_interval(mins => %(minutes)s))
            AND metric.time >= %(from)s AND metric.time < %(until)s AND metric.atm_strike IS NOT NULL
        ORDER BY 1, metric.time DESC
    ) AS known
    WHERE known.time >= span.from_at AND known.time < span.to_at
)
SELECT wanted.place, date_part('epoch', bucket.time), held.*
FROM bucket
JOIN wanted ON wanted.ladder = bucket.ladder
CROSS JOIN LATERAL (SELECT width_bucket(bucket.money, wanted.strikes) AS rung) AS money
CROSS JOIN LATERAL (
    SELECT bar.instrument_id, {columns} FROM {bars} AS bar
    WHERE bar.instrument_id = wanted.contracts[money.rung] AND bar.time = bucket.time
        AND bar.time >= %(from)s AND bar.time < %(until)s
) AS held
WHERE wanted.strikes[money.rung] = bucket.money
UNION ALL
SELECT 0, date_part('epoch', bar.time), bar.close, {nothing}
FROM {bars} AS bar
WHERE bar.instrument_id = %(spot_id)s AND bar.time >= %(from)s AND bar.time < %(until)s
