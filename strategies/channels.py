"""Channels of the socket: what strategies are worth."""

import logging
from collections.abc import Mapping
from typing import Any

import redis
from channels.db import database_sync_to_async
from django.db import Error as DatabaseError

from strategies.models import LegState
from strategies.selectors.strategies import readable_strategies
from strategies.services.live import show_first
from strategies.topics import m2m_topic
from streaming.authentication import Principal
from streaming.protocol import ProtocolError, Withdrawn
from streaming.topics import Handler, Subscription
from tradingviz.core.clock import now_ms
from tradingviz.core.redis import shared_client

logger = logging.getLogger(__name__)

M2M = "m2m"
Params = Mapping[str, Any]
# A share may be taken back: so often it is asked whether there still is one.
LOOK_AGAIN_MS = 2_000


async def subscribe_m2m(params: Params, principal: Principal) -> Subscription:
    """Follow what a strategy is worth: `strategy`, its id. One that they may not see is one that there is not.

    Raises ProtocolError `invalid_parameter`, the same for a strategy of others and for none, or `not_available`.
    """
    if unknown := sorted(set(params) - {"strategy"}):
        raise ProtocolError("invalid_parameter", f"unknown parameter {unknown[0]!r}")
    strategy = params.get("strategy")
    if type(strategy) is not int or not 0 < strategy < 1 << 63:
        raise ProtocolError("invalid_parameter", "strategy is the id of a strategy, a whole number")
    try:
        market = await database_sync_to_async(_market, thread_sensitive=False)(strategy, principal.user_id)
    except DatabaseError as error:
        raise ProtocolError("not_available", "the database does not answer") from error
    return Subscription(
        m2m_topic(strategy), market=market, announced=True, rolls_at=now_ms() + LOOK_AGAIN_MS,
        echo={"strategy": strategy},
    )  # fmt: skip


CHANNELS: Mapping[str, Handler] = {M2M: subscribe_m2m}
"""By name. Each raises ProtocolError `invalid_parameter` or `not_available`."""


def _market(strategy_id: int, user_id: int) -> str | None:
    """Return whose silence makes the value stale: the underlying of the first leg, None where there is none.

    Who begins to watch a strategy sees what it is worth at once. Raises Withdrawn, django.db.Error.
    """
    if not readable_strategies(user_id=user_id).filter(pk=strategy_id).exists():
        raise Withdrawn("invalid_parameter", f"there is no strategy {strategy_id} for you")
    try:
        show_first(shared_client(), strategy_id=strategy_id, now_ms=now_ms())
    except redis.RedisError as error:
        logger.warning("a strategy is first shown by the next pass: %s", error)
    legs = LegState.objects.filter(strategy=strategy_id, instrument__isnull=False).order_by("leg")
    return legs.values_list("instrument__underlying__symbol", flat=True).first()
