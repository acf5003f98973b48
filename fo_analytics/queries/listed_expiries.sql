-- The option expiries of every underlying of an exchange, since when each is listed (null: not known), and the last day
-- of those whose contracts were all withdrawn before it (null: of all others).
-- Two steps through index instrument_listing per expiry, however many contracts there are.
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
SELECT
    symbol, expiry, valid_from,
    CASE WHEN (  -- no EXISTS: that would read all contracts at once
        SELECT 1
        FROM fo_analytics_instrument AS held
        WHERE held.underlying_id = listed.id AND held.kind IN ('CE', 'PE') AND held.expiry = listed.expiry
            AND (held.valid_to IS NULL OR held.valid_to >= held.expiry)
        LIMIT 1
    ) IS NULL THEN (
        SELECT MAX(gone.valid_to)
        FROM fo_analytics_instrument AS gone
        WHERE gone.underlying_id = listed.id AND gone.kind IN ('CE', 'PE') AND gone.expiry = listed.expiry
    ) END
FROM listed
ORDER BY symbol, expiry
