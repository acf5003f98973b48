"""Examples of bodies and answers, for the OpenAPI document."""

from typing import Any

from accounts.api.descriptions import answered, asked

_CONTRACT = {
    "token": 13401602, "tradingsymbol": "NIFTY26FEB0325700CE", "underlying": "NIFTY", "kind": "CE",
    "expiry": "2026-02-03", "strike": "25700.00",
}  # fmt: skip
_FILL = {"direction": "entry", "lots": 2, "price": "140.50", "at": "2026-02-02T09:30:00+05:30"}
_LEG: dict[str, Any] = {
    "id": 41, "instrument": _CONTRACT, "side": "SELL", "lot_size": 65, "open_lots": 2, "units": -130,
    "average_price": "140.50", "realised": "0.00", "fills": [_FILL], "settlement": None, "frozen": None,
}  # fmt: skip
_ROW: dict[str, Any] = {
    "id": 7, "account": 3, "name": "short straddle", "description": "", "tags": ["weekly"], "status": "active",
    "valuation": "last", "underlyings": ["NIFTY"], "leg_count": 1, "open_legs": 1, "may_write": True,
    "created_at": "2026-02-02T09:30:00+05:30", "updated_at": "2026-02-02T09:30:00+05:30", "paused_at": None,
    "closed_at": None, "outdated_since": None,
}  # fmt: skip
_NAMED = {"underlying": "NIFTY", "kind": "CE", "expiry": "NWeek+0", "strike": "25700"}
_NEW_LEG = {**_NAMED, "side": "SELL", "lots": 2, "price": "140.50", "at": "2026-02-02T09:30:00+05:30"}

STRATEGY = answered("with its legs", {**_ROW, "legs": [_LEG]})
MADE = answered("with its legs", {**_ROW, "legs": [_LEG]}, 201)
NEW = asked("a call sold", {"account": 3, "name": "short straddle", "status": "active", "legs": [_NEW_LEG]})
CHANGED = asked("closed at a price", {"status": "closed", "exits": [{"leg": 41, "lots": 2, "price": "120.25"}]})
NEW_LEG = asked("by what it is", _NEW_LEG)
LEG = answered("a leg", _LEG)
LEG_MADE = answered("a leg", _LEG, 201)
LEGS = answered("one leg", {"instruments": [_LEG]})
TRADED = asked("one lot", {"lots": 1, "price": "120.25"})
