-- Remove rolled-up bars that are none of a session's buckets: those of a session that was edited since.
DELETE FROM bar_rollup AS held
USING fo_analytics_instrument AS instrument, unnest(%(timeframes)s::text[], %(minutes)s::int[]) AS given (label, minutes)
WHERE instrument.id = held.instrument_id AND instrument.underlying_id = %(underlying_id)s
    AND held.timeframe = given.label AND held.time >= %(from)s AND held.time < %(to)s
    AND (
        held.time < %(opens)s OR held.time >= %(closes)s
        OR held.time <> date_bin(make_interval(mins => given.minutes), held.time, %(opens)s)
    )
