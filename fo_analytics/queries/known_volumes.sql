-- The day's volumes stored around a range of a session: per instrument the last before it, those in it, the first after.
SELECT wanted.instrument_id, (EXTRACT(EPOCH FROM known.time) * 1000)::bigint, known.cumulative_volume
FROM unnest(%(instrument_ids)s::bigint[]) AS wanted (instrument_id)
CROSS JOIN LATERAL (
    (
        SELECT bar.time, bar.cumulative_volume FROM bar
        WHERE bar.instrument_id = wanted.instrument_id AND bar.time >= %(opens)s AND bar.time < %(from)s
            AND bar.cumulative_volume IS NOT NULL
        ORDER BY bar.time DESC LIMIT 1
    )
    UNION ALL
    (
        SELECT bar.time, bar.cumulative_volume FROM bar
        WHERE bar.instrument_id = wanted.instrument_id AND bar.time >= %(from)s AND bar.time < %(to)s
            AND bar.cumulative_volume IS NOT NULL
    )
    UNION ALL
    (
        SELECT bar.time, bar.cumulative_volume FROM bar
        WHERE bar.instrument_id = wanted.instrument_id AND bar.time >= %(to)s AND bar.time < %(closes)s
            AND bar.cumulative_volume IS NOT NULL
        ORDER BY bar.time LIMIT 1
    )
) AS known
ORDER BY 1, 2
