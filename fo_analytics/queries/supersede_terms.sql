-- Keep lot and tick where a staged instrument has others; those that began on the list's day never held before it.
INSERT INTO fo_analytics_supersededterms (instrument_id, valid_to, lot_size, tick_size)
SELECT held.id, %(eve)s, held.lot_size, held.tick_size
FROM staged_instrument AS staged
JOIN fo_analytics_instrument AS held USING (id)
WHERE (held.lot_size, held.tick_size) IS DISTINCT FROM (staged.lot_size, staged.tick_size)
    AND coalesce(held.valid_from, '-infinity') < %(as_of)s
ON CONFLICT (instrument_id, valid_to) DO NOTHING
