-- Keep the newest official close of a day.
INSERT INTO fo_analytics_officialclose AS held (underlying_id, date, price, observed_at)
VALUES (%(underlying_id)s, %(date)s, %(price)s, %(observed_at)s)
ON CONFLICT (underlying_id, date) DO UPDATE SET price = excluded.price, observed_at = excluded.observed_at
WHERE (held.observed_at, held.price) < (excluded.observed_at, excluded.price)
