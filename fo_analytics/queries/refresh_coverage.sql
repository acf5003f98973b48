-- Count what is stored of one session of an exchange, per underlying.
INSERT INTO fo_analytics_barcoverage AS held (
    underlying_id, date, instruments, bars, minutes, expected_minutes, first_bar, last_bar
)
SELECT
    instrument.underlying_id, %(date)s, COUNT(DISTINCT bar.instrument_id), COUNT(*), COUNT(DISTINCT bar.time),
    %(minutes)s, MIN(bar.time), MAX(bar.time)
FROM bar
JOIN fo_analytics_instrument AS instrument ON instrument.id = bar.instrument_id
JOIN fo_analytics_underlying AS underlying ON underlying.id = instrument.underlying_id
WHERE bar.time >= %(from)s AND bar.time < %(to)s AND underlying.exchange = %(exchange)s
GROUP BY instrument.underlying_id
ON CONFLICT (underlying_id, date) DO UPDATE SET
    (instruments, bars, minutes, expected_minutes, first_bar, last_bar)
    = ROW (excluded.instruments, excluded.bars, excluded.minutes, excluded.expected_minutes, excluded.first_bar,
     excluded.last_bar)
