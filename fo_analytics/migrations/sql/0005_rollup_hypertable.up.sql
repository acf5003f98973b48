-- A day has a third of the rows that its minutes have, and they are kept for long: a week is a chunk.
SELECT pg_temp.make_hypertable('bar_rollup', INTERVAL '7 days');

-- Minutes stored before there were rollups are due.
INSERT INTO rollup_due (underlying_id, date, since)
SELECT instrument.underlying_id, (bar.time AT TIME ZONE 'Asia/Kolkata')::date, MIN(bar.time)
FROM bar JOIN fo_analytics_instrument AS instrument ON instrument.id = bar.instrument_id
GROUP BY 1, 2;
