-- The newest stored price of instruments by their tokens, of bars since an instant, and when each expires.
SELECT instrument.token, instrument.expiry, newest.close, newest.last_at
FROM fo_analytics_instrument AS instrument
LEFT JOIN LATERAL (
    SELECT bar.close, COALESCE(bar.last_at, bar.time) AS last_at FROM bar
    WHERE bar.instrument_id = instrument.id AND bar.time >= %(since)s AND bar.close IS NOT NULL
    ORDER BY bar.time DESC LIMIT 1
) AS newest ON TRUE
WHERE instrument.token = ANY(%(tokens)s)
