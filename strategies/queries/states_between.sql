-- What the legs of active strategies (or of those named) were in [from, to), Unix seconds; slots as in second marks.
(
    SELECT state.strategy_id,
        COALESCE(state.instrument_id * 2 + (strategy.valuation = 'mid')::int, -1)::bigint AS slot,
        state.units, state.cash, state.since, state.until
    FROM strategies_legstate AS state
    JOIN strategies_strategy AS strategy ON strategy.id = state.strategy_id
    WHERE state.until > %(from)s AND state.since < %(to)s
        AND CASE WHEN %(named)s THEN strategy.id = ANY(%(strategies)s::bigint[]) ELSE strategy.status = 'active' END
) AS state
