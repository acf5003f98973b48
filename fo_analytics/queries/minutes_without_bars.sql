-- Of some minutes, those in which no instrument of an underlying has a bar.
SELECT minute
FROM unnest(%(minutes)s::timestamptz[]) AS minute
LEFT JOIN LATERAL (
    SELECT true AS held
    FROM bar
    WHERE bar.time = minute
        AND bar.instrument_id = ANY (ARRAY(
            SELECT id FROM fo_analytics_instrument
            WHERE underlying_id = %(underlying_id)s AND (expiry IS NULL OR expiry >= %(first)s)
        ))
    LIMIT 1
) AS found ON true
WHERE found.held IS NULL
