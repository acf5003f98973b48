-- The minutes of a call and its put, side by side; null where a minute of one is missing.
SELECT
    date_part('epoch', "time"), MAX(bid) FILTER (WHERE instrument_id = %(call_id)s),
    MAX(ask) FILTER (WHERE instrument_id = %(call_id)s), MAX(close) FILTER (WHERE instrument_id = %(call_id)s),
    MAX(bid) FILTER (WHERE instrument_id = %(put_id)s), MAX(ask) FILTER (WHERE instrument_id = %(put_id)s),
    MAX(close) FILTER (WHERE instrument_id = %(put_id)s)
FROM bar
WHERE instrument_id IN (%(call_id)s, %(put_id)s) AND "time" >= %(from)s AND "time" < %(to)s
GROUP BY "time"
ORDER BY "time"
