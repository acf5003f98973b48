-- Add sessions with their intervals, given as one JSON text: thousands of rows in a fraction of a second.
WITH known AS (
    SELECT * FROM jsonb_to_recordset(%(sessions)s::jsonb)
        AS given (exchange text, date date, kind text, expires_at timestamptz, intervals jsonb)
),
added AS (
    INSERT INTO fo_analytics_tradingsession (exchange, segment, date, kind, expires_at, changed_at)
    SELECT exchange, %(segment)s, date, kind, expires_at, %(now)s FROM known
    RETURNING id, exchange, date
)
INSERT INTO fo_analytics_sessioninterval (session_id, opens_at, closes_at)
SELECT added.id, (pair.hours ->> 0)::timestamptz, (pair.hours ->> 1)::timestamptz
FROM added
JOIN known USING (exchange, date)
CROSS JOIN LATERAL jsonb_array_elements(known.intervals) AS pair (hours)
