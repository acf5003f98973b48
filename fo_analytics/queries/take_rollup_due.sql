-- Take a day's marks of some underlyings away; per underlying the earliest minute they named.
WITH taken AS (
    DELETE FROM rollup_due
    WHERE underlying_id = ANY(%(underlying_ids)s) AND date = %(date)s
    RETURNING underlying_id, since
)
SELECT underlying_id, MIN(since) FROM taken GROUP BY underlying_id
