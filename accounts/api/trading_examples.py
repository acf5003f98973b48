"""Errors and examples of the endpoints of trading accounts, for the OpenAPI document."""

from accounts.api.descriptions import answered, asked
from tradingviz.core import shapes

_MEANINGS = {
    400: "the request is not valid; `errors` names what",
    401: "no valid credentials",
    403: "it is shared with you, to read; or an API key can not be used for that",
    404: "there is no such account for you",
    429: "too many attempts from this address; `Retry-After` says for how many seconds",
    503: "the database or Redis does not answer",
}
_CONTRACT = {"token": 43712601, "exchange": "NFO", "tradingsymbol": "NIFTY26NOV2426000CE", "product": "NRML"}


def problems(*statuses: int) -> shapes.Problems:
    """Return the described errors of an operation, those of the gate among them."""
    return shapes.GATE_PROBLEMS | shapes.problems({status: _MEANINGS[status] for status in statuses})


NEW_ACCOUNT = asked(
    "an account", {"name": "main", "broker": "zerodha", "client_code": "AB1234", "credentials": {"api_key": "…"}}
)
CREATED_ACCOUNT = answered(
    "a new account",
    {
        "id": 7, "name": "main", "broker": "zerodha", "client_code": "AB1234", "owner": "demo", "is_yours": True,
        "is_active": True, "has_credentials": True, "created_at": "2026-02-03T09:20:00+05:30",
        "postback_secret": "Xy3…",
    },
    201,
)  # fmt: skip
CARRIED = asked("one position", {"positions": [{**_CONTRACT, "quantity": -65, "average_price": "171.40"}]})
HOLDINGS = asked(
    "one holding",
    {"holdings": [{"exchange": "NSE", "tradingsymbol": "INFY", "quantity": 10, "average_price": "1500.05"}]},
)
FUNDS = asked(
    "funds", {"cash": "250000.00", "collateral": "0.00", "used_margin": "100000.50", "available": "149999.50"}
)
SHARE = asked("a colleague", {"username": "teammate"})
SECRET = answered("a secret", {"postback_secret": "Xy3…"}, 201)
UPDATE = asked(
    "half of it is bought",
    {
        **_CONTRACT, "order_id": "2611220448841628", "status": "PARTIAL", "ts": 1795366513250, "side": "BUY",
        "order_type": "LIMIT", "quantity": 130, "filled": 65, "price": 171.4, "average_price": 171.4, "reason": None,
    },
)  # fmt: skip
