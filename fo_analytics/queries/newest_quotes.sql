-- What was last said of instruments in the week before the newest bar there is; stamps are seconds since the Unix epoch.
SELECT
    wanted.instrument_id, COALESCE(newest.close, priced.close),
    date_part('epoch', COALESCE(newest.last_at, priced.last_at)), newest.bid, newest.ask,
    date_part('epoch', newest.quote_at), newest.forward, newest.iv, newest.delta, newest.gamma, newest.theta,
    newest.vega, newest.rho, date_part('epoch', newest.time)
FROM unnest(%(instrument_ids)s::bigint[]) AS wanted (instrument_id)
CROSS JOIN (SELECT MAX(bar.time) - INTERVAL '7 days' AS since FROM bar) AS week
CROSS JOIN LATERAL (
    SELECT * FROM bar
    WHERE bar.instrument_id = wanted.instrument_id AND bar.time >= week.since
    ORDER BY bar.time DESC LIMIT 1
) AS newest
LEFT JOIN LATERAL (
    SELECT bar.close, bar.last_at FROM bar
    WHERE newest.close IS NULL AND bar.instrument_id = wanted.instrument_id AND bar.time >= week.since
        AND bar.close IS NOT NULL
    ORDER BY bar.time DESC LIMIT 1
) AS priced ON TRUE
