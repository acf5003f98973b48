-- Store candles; those that say nothing new are not written.
INSERT INTO strategy_candle AS held (strategy_id, time, open, high, low, close, seconds, partial, from_bars)
SELECT made.strategy_id, to_timestamp(made.time), made.open, made.high, made.low, made.close,
    made.seconds, made.partial = 1, %(from_bars)s
FROM unnest(
    %(strategy_id)s::bigint[], %(time)s::bigint[], %(open)s::bigint[], %(high)s::bigint[], %(low)s::bigint[],
    %(close)s::bigint[], %(seconds)s::smallint[], %(partial)s::smallint[]
) AS made (strategy_id, time, open, high, low, close, seconds, partial)
ON CONFLICT (strategy_id, time) DO UPDATE SET
    open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    seconds = excluded.seconds, partial = excluded.partial, from_bars = excluded.from_bars
WHERE (held.open, held.high, held.low, held.close, held.seconds, held.partial, held.from_bars)
    IS DISTINCT FROM (
        excluded.open, excluded.high, excluded.low, excluded.close, excluded.seconds, excluded.partial,
        excluded.from_bars
    )
