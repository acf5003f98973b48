-- The bars of one minute that have a price, as queries/chain_at.sql gives them.
SELECT
    instrument_id, close, date_part('epoch', last_at), oi, date_part('epoch', oi_at), bid, bid_qty, ask, ask_qty,
    date_part('epoch', quote_at), cumulative_volume, date_part('epoch', "time"), volume, forward, iv, iv_reason, delta,
    gamma, theta, vega, rho
FROM bar
WHERE "time" = %(time)s AND instrument_id = ANY(%(instrument_ids)s) AND close IS NOT NULL
