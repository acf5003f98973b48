"""Whose address a request comes from."""

from ipaddress import ip_network

import pytest

from accounts.gate.address import client_address

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.7", "", "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),  # who is no proxy is not believed
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),  # what stands further left, the client wrote
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),  # two proxies of ours
        ("10.0.0.1", "10.0.0.9, 10.0.0.2", "10.0.0.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "junk", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, junk", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1,", "10.0.0.1"),
        ("10.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("fd00::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),  # a customer has a /64
        ("2001:db8:1:2:ffff::1", "", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "", "192.0.2.7"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),  # a proxy that reached a socket for both versions
        ("10.0.0.1", "198.51.100.1, ::ffff:10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        (None, "198.51.100.1", "unknown"),
    ],
)
def test_the_address_is_that_of_the_nearest_that_is_no_proxy_of_ours(
    peer: str | None, forwarded: str, address: str
) -> None:
    assert client_address(peer, forwarded, PROXIES) == address


def test_nobody_is_trusted_unless_told() -> None:
    assert client_address("10.0.0.1", "198.51.100.1", []) == "10.0.0.1"
