-- Merge staged minutes into bar; a row that says nothing new is not written.
INSERT INTO bar AS held (
    instrument_id, "time", open, high, low, close, volume, oi, bid, ask, forward, iv, delta, gamma, theta, vega, rho,
    iv_reason, flags, first_at, last_at, cumulative_volume, oi_at, bid_qty, ask_qty, quote_at, first_volume,
    last_volume, quote_volume
)
SELECT
    instrument_id, time_ms, NULLIF(open, 'NaN'), NULLIF(high, 'NaN'), NULLIF(low, 'NaN'), NULLIF(close, 'NaN'),
    NULLIF(volume, 'NaN')::bigint, NULLIF(oi, 'NaN')::bigint, NULLIF(bid, 'NaN'), NULLIF(ask, 'NaN'),
    NULLIF(forward, 'NaN'), NULLIF(iv, 'NaN'), NULLIF(delta, 'NaN'), NULLIF(gamma, 'NaN'), NULLIF(theta, 'NaN'),
    NULLIF(vega, 'NaN'), NULLIF(rho, 'NaN'), iv_reason, flags, NULLIF(first_ts, '-infinity'),
    NULLIF(last_ts, '-infinity'), NULLIF(cumulative, 'NaN')::bigint, NULLIF(oi_ts, '-infinity'),
    NULLIF(bid_qty, 'NaN')::bigint, NULLIF(ask_qty, 'NaN')::bigint, NULLIF(quote_ts, '-infinity'),
    NULLIF(first_volume, 'NaN')::bigint, NULLIF(last_volume, 'NaN')::bigint, NULLIF(quote_volume, 'NaN')::bigint
FROM staged_bar
ON CONFLICT (instrument_id, "time") DO UPDATE SET (
    open, high, low, close, volume, oi, bid, ask, forward, iv, delta, gamma, theta, vega, rho, iv_reason, flags,
    first_at, last_at, cumulative_volume, oi_at, bid_qty, ask_qty, quote_at, first_volume, last_volume, quote_volume
) = ROW (
    excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, excluded.oi, excluded.bid,
    excluded.ask, excluded.forward, excluded.iv, excluded.delta, excluded.gamma, excluded.theta, excluded.vega,
    excluded.rho, excluded.iv_reason, excluded.flags, excluded.first_at, excluded.last_at, excluded.cumulative_volume,
    excluded.oi_at, excluded.bid_qty, excluded.ask_qty, excluded.quote_at, excluded.first_volume, excluded.last_volume,
    excluded.quote_volume
)
WHERE (
    held.open, held.high, held.low, held.close, held.volume, held.oi, held.bid, held.ask, held.forward, held.iv,
    held.delta, held.gamma, held.theta, held.vega, held.rho, held.iv_reason, held.flags, held.first_at, held.last_at,
    held.cumulative_volume, held.oi_at, held.bid_qty, held.ask_qty, held.quote_at, held.first_volume, held.last_volume,
    held.quote_volume
) IS DISTINCT FROM (
    excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, excluded.oi, excluded.bid,
    excluded.ask, excluded.forward, excluded.iv, excluded.delta, excluded.gamma, excluded.theta, excluded.vega,
    excluded.rho, excluded.iv_reason, excluded.flags, excluded.first_at, excluded.last_at, excluded.cumulative_volume,
    excluded.oi_at, excluded.bid_qty, excluded.ask_qty, excluded.quote_at, excluded.first_volume, excluded.last_volume,
    excluded.quote_volume
)
