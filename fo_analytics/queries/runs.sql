-- Bars that stand one after another, run by run of an instrument, in no certain order.
--
-- `bars` is where bars of this length stand. The bounds of time are constants once more, for the planner to leave out
-- chunks.
SELECT bar.instrument_id, date_part('epoch', bar.time), {columns}
FROM unnest(%(instruments)s::bigint[], %(begins)s::bigint[], %(ends)s::bigint[])
    AS run (instrument_id, begins_s, ends_s)
JOIN {bars} AS bar
    ON bar.instrument_id = run.instrument_id
    AND bar.time >= to_timestamp(run.begins_s) AND bar.time < to_timestamp(run.ends_s)
WHERE bar.time >= %(from)s AND bar.time < %(until)s
