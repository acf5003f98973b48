"""Canonical symbols and the other names people give them; the one place that knows aliases."""

import re

_ALIASES = {
    "NIFTY": ("NIFTY50", "NIFTY 50", "^NSEI"),
    "BANKNIFTY": ("NIFTY BANK", "NIFTYBANK", "BANK NIFTY", "^NSEBANK"),
    "FINNIFTY": ("NIFTY FIN SERVICE", "NIFTY FINANCIAL SERVICES"),
    "MIDCPNIFTY": ("NIFTY MID SELECT", "NIFTY MIDCAP SELECT"),
    "NIFTYNXT50": ("NIFTY NEXT 50",),
    "SENSEX": ("BSE SENSEX", "^BSESN"),
}
_CANONICAL = {alias: symbol for symbol, aliases in _ALIASES.items() for alias in aliases}
_EXCHANGE = re.compile(r"^(NSE|BSE|NFO|BFO):")


def canonical(name: str) -> str:
    """Return the canonical symbol of a name, whatever its case, spacing or prefix; unknown names as they are."""
    text = _EXCHANGE.sub("", " ".join(name.upper().split()))
    return _CANONICAL.get(text, text)


def aliases_of(symbol: str) -> tuple[str, ...]:
    """Return the other names of a canonical symbol; case, spacing and an exchange's prefix do not matter besides."""
    return _ALIASES.get(symbol, ())
