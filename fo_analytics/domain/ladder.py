"""The ladder of an expiry: the strikes that were listed on a day, and the contracts at each of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from fo_analytics.domain.layout import Contract
from fo_analytics.domain.moneyness import Side

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
        held = self.calls if side == "call" else self.puts
        beyond = (NOBODY,) * min(abs(steps), len(held))
        return held[steps:] + beyond if steps >= 0 else beyond + held[:steps]

    def strike_of(self) -> dict[int, float]:
        """Return the strike of each instrument, rupees."""
        both = (*zip(self.calls, self.strikes, strict=True), *zip(self.puts, self.strikes, strict=True))
        return {instrument_id: strike for instrument_id, strike in both if instrument_id != NOBODY}


def ladder_on(expiry: date, contracts: Iterable[Contract], day: date) -> Ladder:
    """Return the ladder of an expiry on a day; `contracts` are those of that expiry."""
    rungs: dict[float, dict[str, int]] = {}
    for contract in contracts:
        if contract.kind in ("CE", "PE") and contract.is_listed(day):
            rungs.setdefault(contract.strike, {})[contract.kind] = contract.instrument_id
    strikes = tuple(sorted(rungs))
    calls, puts = (tuple(rungs[strike].get(kind, NOBODY) for strike in strikes) for kind in ("CE", "PE"))
    return Ladder(expiry, strikes, calls, puts)
