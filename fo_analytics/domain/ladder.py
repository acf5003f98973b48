"""The ladder of an expiry: the strikes that were listed on a day, and the contracts at each of them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from fo_analytics.domain.layout import Contract
from fo_analytics.domain.moneyness import Side

T = TypeVar("T")

NOBODY = 0
"""No instrument has this key."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """Strikes (k,) ascending, rupees; `calls` and `puts` (k,) are the instruments there, NOBODY where not listed."""

    expiry: date
    strikes: tuple[float, ...]
    calls: tuple[int, ...]
    puts: tuple[int, ...]

    def away(self, side: Side, steps: int) -> tuple[int, ...]:
        """Return the instrument of a side so many rungs above each strike (k,), NOBODY where there is none."""
        return _shifted(self.calls if side == "call" else self.puts, steps, NOBODY)

    def strikes_away(self, steps: int) -> tuple[float, ...]:
        """Return the strike so many rungs above each (k,), NaN beyond the ladder."""
        return _shifted(self.strikes, steps, math.nan)


def _shifted(held: tuple[T, ...], steps: int, beyond: T) -> tuple[T, ...]:
    """Return what is so many places behind each, `beyond` where that is none."""
    outside = (beyond,) * min(abs(steps), len(held))
    return held[steps:] + outside if steps >= 0 else outside + held[:steps]


def ladder_on(expiry: date, contracts: Iterable[Contract], day: date) -> Ladder:
    """Return the ladder of an expiry on a day; `contracts` are those of that expiry."""
    rungs: dict[float, dict[str, int]] = {}
    for contract in contracts:
        if contract.kind in ("CE", "PE") and contract.is_listed(day):
            rungs.setdefault(contract.strike, {})[contract.kind] = contract.instrument_id
    strikes = tuple(sorted(rungs))
    calls, puts = (tuple(rungs[strike].get(kind, NOBODY) for strike in strikes) for kind in ("CE", "PE"))
    return Ladder(expiry, strikes, calls, puts)
