-- One value of a strategy a minute: a week is a chunk.
SELECT pg_temp.make_hypertable('strategy_candle', INTERVAL '7 days');
