-- The price and quote of instruments at the close of every stored minute of a time.
SELECT bar.instrument_id, bar.time, bar.close, bar.last_at, bar.bid, bar.ask, bar.quote_at, instrument.tick_size
FROM bar
JOIN fo_analytics_instrument AS instrument ON instrument.id = bar.instrument_id
WHERE bar.instrument_id = ANY(%(instruments)s::bigint[]) AND bar.close IS NOT NULL
    AND bar.time >= to_timestamp(%(from)s) AND bar.time < to_timestamp(%(to)s)
