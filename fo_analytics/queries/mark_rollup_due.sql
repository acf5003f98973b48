-- Mark a day as due from a minute on, unless a mark says so already and stays until this transaction is committed.
INSERT INTO rollup_due (underlying_id, date, since)
SELECT %(underlying_id)s, %(date)s, %(since)s
WHERE NOT EXISTS (
    SELECT FROM rollup_due AS held
    WHERE held.underlying_id = %(underlying_id)s AND held.date = %(date)s AND held.since <= %(since)s
    -- A mark that is being taken away is locked: it is passed over, not waited for.
    FOR KEY SHARE SKIP LOCKED
)
