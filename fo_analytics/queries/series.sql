-- The bars of the contracts that stood at some moneyness levels of an underlying, bucket by bucket.
--
-- `wanted` has a row per series: a kind, and its steps up the ladder from the money. `spot_id` is an instrument
-- (null: none) whose closes stand under place 0: by themselves they are one read, beside each bucket as many. `bars` is
-- where bars of this length stand; rows come in no certain order.
-- `span` has a row per stretch of a session in which the series means one expiry: the buckets that open in it. The money
-- of a bucket is that of its newest minute which knew one. A level is a step on the ladder of that day's listed strikes,
-- calls and puts alike: beyond the ladder, and where the side is not listed or has no bar, there is no row. The bounds
-- of time are constants once more beside each table, for the planner to leave out chunks.
WITH span AS (
    SELECT *
    FROM unnest(
        %(dates)s::date[], %(opens)s::timestamptz[], %(closes)s::timestamptz[], %(froms)s::timestamptz[],
        %(tos)s::timestamptz[], %(expiries)s::date[]
    ) WITH ORDINALITY AS given (date, opens_at, closes_at, from_at, to_at, expiry, number)
),
wanted AS (
    SELECT * FROM unnest(%(kinds)s::text[], %(steps)s::int[]) WITH ORDINALITY AS given (kind, steps, place)
),
listed AS (
    SELECT
        span.number, instrument.strike::float8 AS strike,
        MAX(instrument.id) FILTER (WHERE instrument.kind = 'CE') AS call_id,
        MAX(instrument.id) FILTER (WHERE instrument.kind = 'PE') AS put_id
    FROM span
    JOIN fo_analytics_instrument AS instrument
        ON instrument.underlying_id = %(underlying_id)s AND instrument.expiry = span.expiry
        AND instrument.kind IN ('CE', 'PE')
        AND COALESCE(instrument.valid_from, '-infinity') <= span.date
        AND COALESCE(instrument.valid_to, 'infinity') >= span.date
    GROUP BY 1, 2
),
-- Each stretch's ladder, a rung per listed strike. As arrays: a rung is found in them by halving, where a join on strikes
-- would try every rung for every bucket.
ladder AS MATERIALIZED (
    SELECT
        number, ARRAY_AGG(strike ORDER BY strike) AS strikes,
        ARRAY_AGG(call_id ORDER BY strike) AS calls, ARRAY_AGG(put_id ORDER BY strike) AS puts
    FROM listed
    GROUP BY number
),
bucket AS MATERIALIZED (
    SELECT span.number, known.time, known.money
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
SELECT wanted.place, date_part('epoch', bucket.time), bucket.number, strikes[rung.money + steps], held.*
FROM bucket
JOIN ladder USING (number)
CROSS JOIN LATERAL (SELECT width_bucket(bucket.money, strikes) AS money) AS rung
CROSS JOIN wanted
CROSS JOIN LATERAL (
    SELECT CASE kind WHEN 'CE' THEN calls[rung.money + steps] ELSE puts[rung.money + steps] END AS id
) AS contract
CROSS JOIN LATERAL (
    SELECT {columns} FROM {bars} AS bar
    WHERE bar.instrument_id = contract.id AND bar.time = bucket.time
        AND bar.time >= %(from)s AND bar.time < %(until)s
) AS held
WHERE strikes[rung.money] = bucket.money
UNION ALL
SELECT 0, date_part('epoch', bar.time), NULL, bar.close, {nothing}
FROM {bars} AS bar
WHERE bar.instrument_id = %(spot_id)s AND bar.time >= %(from)s AND bar.time < %(until)s
