"""Whose address a request comes from. Pure."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
UNKNOWN = "unknown"


def client_address(peer: str | None, forwarded: str, trusted: Sequence[Network]) -> str:
    """Return the nearest address that is not one of our proxies.

    `forwarded` is X-Forwarded-For. Each proxy appends whom it heard from, so it is read from its right end and only for
    as long as the one who wrote it is trusted: what a client writes there itself is never believed.
    """
    address = peer or UNKNOWN
    for hop in reversed([part.strip() for part in forwarded.split(",")] if forwarded else []):
        if not _is_trusted(address, trusted) or _parsed(hop) is None:
            break
        address = hop
    return _network(address)


@lru_cache(maxsize=4_096)
def _network(address: str) -> str:
    """Return an IPv4 address as it is and an IPv6 address's /64: that is what one customer is given."""
    parsed = _parsed(address)
    if not isinstance(parsed, IPv6Address):
        return str(parsed or address)
    return str(ip_network(f"{parsed}/64", strict=False).network_address)


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in trusted)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address, None where it is none; a socket for both versions writes IPv4 as `::ffff:192.0.2.1`."""
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed
