"""Names of the topics this app publishes."""

from datetime import date


def chain_topic(underlying: str, expiry: date | str) -> str:
    """Return the topic of an expiry's chain document."""
    return f"chain:{underlying}:{expiry}"


def underlying_topic(underlying: str) -> str:
    """Return the topic of an underlying: what is live, and as of when."""
    return f"underlying:{underlying}"


def live_counter(underlying: str) -> str:
    """Return the counter that goes up with every publication of anything of an underlying."""
    return f"live:{underlying}"


def bars_topic(underlying: str) -> str:
    """Return the topic of the candles of an underlying that are still being made."""
    return f"bars:{underlying}"


def depth_topic(underlying: str, expiry: date | str) -> str:
    """Return the topic of the order books of an expiry's contracts."""
    return f"depth:{underlying}:{expiry}"


def quotes_topic(underlying: str) -> str:
    """Return the topic of the quotes of what is in no chain: the underlying itself and its futures."""
    return f"quotes:{underlying}"
