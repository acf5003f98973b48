"""Live market data of a tradingviz server over one socket that comes back by itself.

`Client` follows channels and yields whole documents; `Login` gets it tokens. Needs no Django, only `websockets` and
`msgspec`. Every document says how old it is, how it was computed and whether it is stale.
"""

from tradingviz_client.backoff import Backoff
from tradingviz_client.client import Client
from tradingviz_client.credentials import Provider
from tradingviz_client.errors import (
    ClientError,
    ConnectionLost,
    Forbidden,
    Rejected,
    RequestRefused,
    Unauthenticated,
    Unavailable,
)
from tradingviz_client.login import Login
from tradingviz_client.subscription import Staleness, Update

__all__ = [
    "Backoff",
    "Client",
    "ClientError",
    "ConnectionLost",
    "Forbidden",
    "Login",
    "Provider",
    "Rejected",
    "RequestRefused",
    "Staleness",
    "Unauthenticated",
    "Unavailable",
    "Update",
]
