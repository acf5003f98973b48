-- Take over what is staged about instruments there are already.
UPDATE fo_analytics_instrument AS held
SET token = staged.token,
    tradingsymbol = staged.tradingsymbol,
    lot_size = staged.lot_size,
    tick_size = staged.tick_size,
    valid_from = staged.valid_from,
    valid_to = staged.valid_to
FROM staged_instrument AS staged
WHERE held.id = staged.id
