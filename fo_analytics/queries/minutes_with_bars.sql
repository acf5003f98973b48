-- The minutes of a time range in which any instrument of an underlying has a bar.
SELECT DISTINCT bar.time
FROM bar
WHERE bar.time >= %(from)s AND bar.time < %(to)s
    AND bar.instrument_id = ANY (ARRAY(
        SELECT id FROM fo_analytics_instrument
        WHERE underlying_id = %(underlying_id)s AND (expiry IS NULL OR expiry >= %(first)s)
    ))
