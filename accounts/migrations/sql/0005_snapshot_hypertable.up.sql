-- One row of an account a day: a year is a chunk.
SELECT pg_temp.make_hypertable('account_snapshot', INTERVAL '365 days');
