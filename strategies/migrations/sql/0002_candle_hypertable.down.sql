SELECT pg_temp.make_plain('strategy_candle');
