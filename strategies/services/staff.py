"""What staff do to strategies of others."""

from collections.abc import Collection
from datetime import datetime

from strategies.models import Leg
from strategies.services.corporate_actions import freeze_legs, unfreeze_legs
from strategies.services.legs import note_outdated
from strategies.services.strategies import first_entry

BY_HAND = "frozen by hand"


def remake_candles(*, strategy_ids: Collection[int]) -> int:
    """Have all candles of strategies made again; return of how many, as those without legs have none."""
    firsts = {pk: first for pk in strategy_ids if (first := first_entry(strategy_id=pk)) is not None}
    for pk, first in firsts.items():
        note_outdated(strategy_id=pk, since=first)
    return len(firsts)


def freeze_strategies(*, strategy_ids: Collection[int], now: datetime) -> int:
    """Freeze the open legs of strategies at their last prices; return how many."""
    return freeze_legs(leg_ids=_legs(strategy_ids), at=now, action=BY_HAND)


def unfreeze_strategies(*, strategy_ids: Collection[int], now: datetime) -> int:
    """Let the frozen legs of strategies go on; return how many."""
    return unfreeze_legs(leg_ids=_legs(strategy_ids), now=now)


def _legs(strategy_ids: Collection[int]) -> list[int]:
    return list(Leg.objects.filter(strategy__in=strategy_ids).values_list("pk", flat=True))
