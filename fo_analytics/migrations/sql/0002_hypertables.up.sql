-- A day of minutes is what is read and dropped at once.
SELECT pg_temp.make_hypertable('bar', INTERVAL '1 day');
SELECT pg_temp.make_hypertable('chain_metric', INTERVAL '1 day');
