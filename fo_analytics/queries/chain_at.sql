-- The newest stored minute of each instrument, with its newest price where that minute had none.
--
-- `newest` is the newest minute there may be. Most instruments have a bar of it: in a market of few instruments those are
-- found together by their time, in one of many by their keys. The others are looked for one by one. Stamps are seconds
-- since the Unix epoch: that costs a reader of thousands of rows the least.
WITH fresh AS MATERIALIZED (
    SELECT * FROM bar
    WHERE bar.time = %(newest)s AND bar.time >= %(from)s AND bar.instrument_id = ANY(%(instrument_ids)s::bigint[])
        AND bar.close IS NOT NULL
),
state AS (
    SELECT * FROM fresh
    UNION ALL
    SELECT earlier.*
    FROM unnest(%(instrument_ids)s::bigint[]) AS wanted (instrument_id)
    CROSS JOIN LATERAL (
        SELECT * FROM bar
        WHERE bar.instrument_id = wanted.instrument_id AND bar.time >= %(from)s AND bar.time <= %(newest)s
        ORDER BY bar.time DESC LIMIT 1
    ) AS earlier
    WHERE NOT EXISTS (SELECT FROM fresh WHERE fresh.instrument_id = wanted.instrument_id)
)
SELECT
    state.instrument_id, COALESCE(state.close, priced.close),
    date_part('epoch', COALESCE(state.last_at, priced.last_at)), state.oi, date_part('epoch', state.oi_at),
    state.bid, state.bid_qty, state.ask, state.ask_qty, date_part('epoch', state.quote_at),
    state.cumulative_volume, date_part('epoch', state.time), state.volume, state.forward, state.iv,
    state.iv_reason, state.delta, state.gamma, state.theta, state.vega, state.rho
FROM state
LEFT JOIN LATERAL (
    SELECT bar.close, bar.last_at FROM bar
    WHERE state.close IS NULL
        AND bar.instrument_id = state.instrument_id AND bar.time >= %(from)s AND bar.time <= %(newest)s
        AND bar.close IS NOT NULL
    ORDER BY bar.time DESC LIMIT 1
) AS priced ON TRUE
