"""The master, kept: contracts that a feed shows and the master lacks."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from hashlib import blake2b

from django.db import transaction

from fo_analytics.freshness import note_everything
from fo_analytics.models import Instrument, InstrumentKind, Underlying
from fo_analytics.replay.recording import ContractKey, lot_size
from tradingviz.core.redis import shared_client

_BSE = frozenset({"SENSEX", "BANKEX", "SENSEX50"})
_INDICES = frozenset({"NIFTY", "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY", "NIFTYNXT50"}) | _BSE
# Brokers' tokens are 32 bits wide: ours can never be one of theirs.
_TOKEN_FLOOR = 1 << 40


@transaction.atomic
def ensure_instruments(*, keys: Iterable[ContractKey], seen_on: date) -> dict[ContractKey, int]:
    """Return the token of each contract; those the master lacks are added, valid from `seen_on`.

    Those it knows only since a later day are valid from then, too. Tokens made here depend on the contract alone.
    Raises UnknownRecording for a lot size nobody knows.
    """
    wanted = list(dict.fromkeys(keys))
    underlyings = {symbol: _underlying(symbol) for symbol in {key.underlying for key in wanted}}
    known = _known(underlyings)
    missing = [_instrument(key, underlyings[key.underlying], seen_on) for key in wanted if key not in known]
    Instrument.objects.bulk_create(missing, batch_size=1000)
    tokens = [known[key].token for key in wanted if key in known and (known[key].valid_from or date.min) > seen_on]
    if tokens:
        Instrument.objects.filter(token__in=tokens).update(valid_from=seen_on)
    if missing or tokens:
        known = _known(underlyings)
        transaction.on_commit(lambda: note_everything(shared_client()))
    return {key: known[key].token for key in wanted}


def _underlying(symbol: str) -> Underlying:
    exchange = "BSE" if symbol in _BSE else "NSE"
    defaults = {"exchange": exchange, "is_index": symbol in _INDICES}
    return Underlying.objects.get_or_create(symbol=symbol, defaults=defaults)[0]


def _known(underlyings: dict[str, Underlying]) -> dict[ContractKey, Instrument]:
    rows = Instrument.objects.filter(underlying__in=underlyings.values()).select_related("underlying")
    return {
        ContractKey(
            row.underlying.symbol, row.kind, row.expiry, float(row.strike) if row.strike is not None else None
        ): row
        for row in rows
    }


def _instrument(key: ContractKey, underlying: Underlying, seen_on: date) -> Instrument:
    strike = None if key.strike is None else Decimal(str(key.strike))
    name = "-".join(str(part) for part in (key.underlying, key.expiry, key.strike, key.kind) if part is not None)
    return Instrument(
        token=_TOKEN_FLOOR + int.from_bytes(blake2b(name.encode(), digest_size=5).digest(), "big"),
        underlying=underlying,
        kind=InstrumentKind(key.kind),
        tradingsymbol=_tradingsymbol(key),
        expiry=key.expiry,
        strike=strike,
        lot_size=1 if key.expiry is None else lot_size(key.underlying, key.expiry),
        valid_from=seen_on,
        valid_to=key.expiry,
    )


def _tradingsymbol(key: ContractKey) -> str:
    if key.expiry is None or key.strike is None:
        return key.underlying
    return f"{key.underlying}{key.expiry:%y%b%d}{key.strike:g}{key.kind}".upper()
