-- Merge one minute's measures of one expiry into chain_metric.
INSERT INTO chain_metric AS held (
    underlying_id, expiry, "time", spot, forward, forward_source, atm_strike, atm_iv, straddle, call_oi, put_oi,
    call_volume, put_volume, pcr_oi, pcr_volume, max_pain
)
VALUES (
    %(underlying_id)s, %(expiry)s, %(time)s, %(spot)s, %(forward)s, %(forward_source)s, %(atm_strike)s, %(atm_iv)s,
    %(straddle)s, %(call_oi)s, %(put_oi)s, %(call_volume)s, %(put_volume)s, %(pcr_oi)s, %(pcr_volume)s, %(max_pain)s
)
ON CONFLICT (underlying_id, expiry, "time") DO UPDATE SET (
    spot, forward, forward_source, atm_strike, atm_iv, straddle, call_oi, put_oi, call_volume, put_volume, pcr_oi,
    pcr_volume, max_pain
) = ROW (
    excluded.spot, excluded.forward, excluded.forward_source, excluded.atm_strike, excluded.atm_iv, excluded.straddle,
    excluded.call_oi, excluded.put_oi, excluded.call_volume, excluded.put_volume, excluded.pcr_oi,
    excluded.pcr_volume, excluded.max_pain
)
WHERE (
    held.spot, held.forward, held.forward_source, held.atm_strike, held.atm_iv, held.straddle, held.call_oi,
    held.put_oi, held.call_volume, held.put_volume, held.pcr_oi, held.pcr_volume, held.max_pain
) IS DISTINCT FROM (
    excluded.spot, excluded.forward, excluded.forward_source, excluded.atm_strike, excluded.atm_iv, excluded.straddle,
    excluded.call_oi, excluded.put_oi, excluded.call_volume, excluded.put_volume, excluded.pcr_oi,
    excluded.pcr_volume, excluded.max_pain
)
