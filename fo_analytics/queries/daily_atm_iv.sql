-- The ATM volatility of one underlying's expiries at the last stored minute of sessions, by place of what is wanted.
SELECT wanted.place, newest.atm_iv
FROM unnest(%(expiries)s::date[], %(opens)s::timestamptz[], %(closes)s::timestamptz[])
    WITH ORDINALITY AS wanted (expiry, opens_at, closes_at, place)
CROSS JOIN LATERAL (
    SELECT atm_iv FROM chain_metric
    WHERE underlying_id = %(underlying_id)s AND expiry = wanted.expiry
        AND "time" >= wanted.opens_at AND "time" < wanted.closes_at
    ORDER BY "time" DESC LIMIT 1
) AS newest
