-- The bars of some instruments that open in a time range, in one timeframe.
SELECT instrument_id, date_part('epoch', "time"), {columns}
FROM bar
WHERE %(timeframe)s = '1m' AND instrument_id = ANY(%(instrument_ids)s) AND "time" >= %(from)s AND "time" < %(to)s
UNION ALL
SELECT instrument_id, date_part('epoch', "time"), {columns}
FROM bar_rollup
WHERE %(timeframe)s <> '1m' AND instrument_id = ANY(%(instrument_ids)s) AND timeframe = %(timeframe)s
    AND "time" >= %(from)s AND "time" < %(to)s
ORDER BY 1, 2
