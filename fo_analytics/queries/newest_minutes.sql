-- The end of the newest stored minute of each underlying: of its spot's bars and of its expiries' measures.
SELECT
    given.id,
    GREATEST(
        (
            SELECT MAX(newest.time)
            FROM fo_analytics_instrument AS instrument
            CROSS JOIN LATERAL (
                SELECT bar.time FROM bar WHERE bar.instrument_id = instrument.id ORDER BY bar.time DESC LIMIT 1
            ) AS newest
            WHERE instrument.underlying_id = given.id AND instrument.kind = 'SPOT'
        ),
        (
            SELECT MAX(newest.time)
            FROM (
                SELECT DISTINCT instrument.expiry FROM fo_analytics_instrument AS instrument
                WHERE instrument.underlying_id = given.id AND instrument.kind IN ('CE', 'PE')
            ) AS listed
            CROSS JOIN LATERAL (
                SELECT metric.time FROM chain_metric AS metric
                WHERE metric.underlying_id = given.id AND metric.expiry = listed.expiry
                ORDER BY metric.time DESC LIMIT 1
            ) AS newest
        )
    ) + INTERVAL '1 minute'
FROM unnest(%(underlying_ids)s::bigint[]) AS given (id)
