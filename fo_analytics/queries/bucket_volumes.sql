-- What each of some instruments traded in the minutes of a stretch of time, units; none without a minute in it.
SELECT instrument_id, SUM(volume)
FROM bar
WHERE instrument_id = ANY(%(instrument_ids)s::bigint[]) AND "time" >= %(from)s AND "time" < %(to)s
GROUP BY instrument_id
