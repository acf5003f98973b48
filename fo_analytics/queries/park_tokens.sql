-- Take the token off every staged instrument that gets another one.
UPDATE fo_analytics_instrument AS held
SET token = %(parked)s + held.id
FROM staged_instrument AS staged
WHERE held.id = staged.id AND held.token <> staged.token
