-- Bars that stand one after another, run by run of an instrument, in no certain order.
--
-- `bars` is where bars of this length stand. OFFSET 0 keeps the search for each run apart: joined as a whole, all bars of
-- the time were read. The bounds of time are constants once more, for the planner to leave out chunks.
SELECT held.*
FROM unnest(%(instruments)s::bigint[], %(begins)s::bigint[], %(ends)s::bigint[])
    AS run (instrument_id, begins_s, ends_s)
CROSS JOIN LATERAL (
    SELECT bar.instrument_id, date_part('epoch', bar.time), {columns}
    FROM {bars} AS bar
    WHERE bar.instrument_id = run.instrument_id
        AND bar.time >= to_timestamp(run.begins_s) AND bar.time < to_timestamp(run.ends_s)
        AND bar.time >= %(from)s AND bar.time < %(until)s
    OFFSET 0
) AS held
