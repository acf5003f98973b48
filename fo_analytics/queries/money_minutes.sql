-- What was at the money of expiries in sessions, minute by minute, in no certain order; minutes that did not know it are
-- left out.
--
-- `wanted` has a row per expiry and session. The bounds of time are constants once more, for the planner to leave out
-- chunks.
SELECT wanted.number, date_part('epoch', metric.time), metric.atm_strike
FROM unnest(%(expiries)s::date[], %(opens)s::bigint[], %(closes)s::bigint[])
    WITH ORDINALITY AS wanted (expiry, opens_s, closes_s, number)
JOIN chain_metric AS metric
    ON metric.underlying_id = %(underlying_id)s AND metric.expiry = wanted.expiry
    AND metric.time >= to_timestamp(wanted.opens_s) AND metric.time < to_timestamp(wanted.closes_s)
WHERE metric.time >= %(from)s AND metric.time < %(until)s AND metric.atm_strike IS NOT NULL
