"""Channels of the socket: what strategies are worth."""

from collections.abc import Mapping
from typing import Any

from channels.db import database_sync_to_async

from strategies.models import LegState
from strategies.selectors.strategies import readable_strategies
from strategies.topics import m2m_topic
from streaming.authentication import Principal
from streaming.protocol import ProtocolError, Withdrawn
from streaming.topics import Handler, Subscription
from tradingviz.core.clock import now_ms

M2M = "m2m"
# An account may be shared no longer: so often it is asked whether it still is.
LOOK_AGAIN_MS = 2_000
Params = Mapping[str, Any]


async def subscribe_m2m(params: Params, principal: Principal) -> Subscription:
    """Follow what a strategy is worth: `strategy`, its id.

    One that they may not see is one that there is not, also once it is not shared any more: then it ends.
    """
    if unknown := sorted(set(params) - {"strategy"}):
        raise ProtocolError("invalid_parameter", f"unknown parameter {unknown[0]!r}")
    strategy = params.get("strategy")
    if type(strategy) is not int or not 0 < strategy < 1 << 63:
        raise ProtocolError("invalid_parameter", "strategy is the id of a strategy, a whole number")
    market = await database_sync_to_async(_market, thread_sensitive=False)(strategy, principal.user_id)
    again = now_ms() + LOOK_AGAIN_MS
    return Subscription(m2m_topic(strategy), market=market, announced=True, rolls_at=again, echo={"strategy": strategy})


CHANNELS: Mapping[str, Handler] = {M2M: subscribe_m2m}
"""By name. Each raises ProtocolError `invalid_parameter` or `not_available`."""


def _market(strategy_id: int, user_id: int) -> str | None:
    """Return whose silence makes the value stale: the underlying of the first leg, None where there is none."""
    if not readable_strategies(user_id=user_id).filter(pk=strategy_id).exists():
        raise Withdrawn("invalid_parameter", f"there is no strategy {strategy_id} for you")
    legs = LegState.objects.filter(strategy=strategy_id, instrument__isnull=False).order_by("leg")
    return legs.values_list("instrument__underlying__symbol", flat=True).first()
