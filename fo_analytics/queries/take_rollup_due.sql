-- Take a day's marks away; the earliest minute they named, null where there was none.
WITH taken AS (
    DELETE FROM rollup_due WHERE underlying_id = %(underlying_id)s AND date = %(date)s RETURNING since
)
SELECT MIN(since) FROM taken
