-- Where changed instruments wait for update_instruments.sql, until the end of the transaction.
CREATE TEMPORARY TABLE IF NOT EXISTS staged_instrument ON COMMIT DROP AS
SELECT id, token, tradingsymbol, lot_size, tick_size, valid_from, valid_to
FROM fo_analytics_instrument
WITH NO DATA;
TRUNCATE staged_instrument
