-- The option expiries of every underlying of an exchange, and since when each is listed (null: not known).
-- One step through index instrument_listing per expiry, however many contracts there are.
WITH RECURSIVE listed AS (
    SELECT underlying.id, underlying.symbol, first.expiry, first.valid_from
    FROM fo_analytics_underlying AS underlying
    CROSS JOIN LATERAL (
        SELECT expiry, valid_from
        FROM fo_analytics_instrument
        WHERE underlying_id = underlying.id AND kind IN ('CE', 'PE')
        ORDER BY expiry, valid_from
        LIMIT 1
    ) AS first
    WHERE underlying.exchange = %(exchange)s
    UNION ALL
    SELECT listed.id, listed.symbol, next.expiry, next.valid_from
    FROM listed
    CROSS JOIN LATERAL (
        SELECT expiry, valid_from
        FROM fo_analytics_instrument
        WHERE underlying_id = listed.id AND kind IN ('CE', 'PE') AND expiry > listed.expiry
        ORDER BY expiry, valid_from
        LIMIT 1
    ) AS next
)
SELECT symbol, expiry, valid_from FROM listed ORDER BY symbol, expiry
