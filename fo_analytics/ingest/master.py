"""The instrument master as ingest needs it: tokens to contracts, underlyings to calendars."""

import time
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from fo_analytics.domain.calendar import Calendar
from fo_analytics.domain.layout import Contract
from fo_analytics.domain.ticks import Ints
from fo_analytics.models import Instrument, MasterImport, Underlying
from fo_analytics.selectors.reference import contracts_of
from fo_analytics.selectors.sessions import calendar_of, sessions_stamp

RETRY_UNKNOWN_S = 10.0
LOOK_AGAIN_S = 10.0
NOBODY = -1


class SessionsChanged(Exception):
    """Staff changed the session table: desks of before have hours that may not hold any more."""


@dataclass(slots=True)
class Listing:
    """An underlying with its contracts, in order of their ids."""

    underlying_id: int
    symbol: str
    exchange: str
    contracts: list[Contract] = field(default_factory=list)

    def alive_on(self, day: date) -> list[Contract]:
        """Return the contracts that have not expired before `day`."""
        return [c for c in self.contracts if c.expiry is None or c.expiry >= day]


class Master:
    """Tokens, listings and calendars from the database.

    Loaded again when an unknown token turns out to be there by now, and when an import changed the master: a token it
    gave to another contract is not unknown. A changed session table is loaded, too, and said.
    """

    def __init__(self) -> None:
        self.listings: dict[int, Listing] = {}
        self.calendars: dict[str, Calendar] = {}
        self.version = 0
        self._tokens: Ints = np.empty(0, np.int64)
        self._owners: Ints = np.empty(0, np.int64)
        self._instruments: Ints = np.empty(0, np.int64)
        self._instrument_owners: Ints = np.empty(0, np.int64)
        self._asked: dict[int, float] = {}
        self._newest_import = 0
        self._sessions: object = None
        self._looked = 0.0
        self.load()

    def load(self) -> None:
        """Read everything anew."""
        # First: what is imported while this reads is noticed at the next look.
        self._newest_import, self._sessions, self._looked = _newest_import(), sessions_stamp(), time.monotonic()
        underlyings = Underlying.objects.all()
        self.listings = {row.pk: Listing(row.pk, row.symbol, row.exchange) for row in underlyings}
        self.calendars = {exchange: calendar_of(exchange=exchange) for exchange in {u.exchange for u in underlyings}}
        tokens: list[int] = []
        owners: list[int] = []
        instruments: list[int] = []
        for underlying_id, contract in contracts_of(Instrument.objects.filter(underlying__in=self.listings)):
            self.listings[underlying_id].contracts.append(contract)
            tokens.append(contract.token)
            owners.append(underlying_id)
            instruments.append(contract.instrument_id)
        order = np.argsort(np.array(tokens, np.int64))
        self._tokens, self._owners = np.array(tokens, np.int64)[order], np.array(owners, np.int64)[order]
        # In order of their keys, as they were read.
        self._instruments, self._instrument_owners = np.array(instruments, np.int64), np.array(owners, np.int64)
        self.version += 1

    def owners_of(self, instruments: Ints) -> Ints:
        """Return the underlying's id (n,) of each instrument's primary key, NOBODY where the master lacks it."""
        return _found(instruments, self._instruments, self._instrument_owners)

    def owners(self, tokens: Ints) -> Ints:
        """Return the underlying's id (n,) of each token, NOBODY where the master lacks it in the database, too.

        Raises SessionsChanged, once for each change.
        """
        now = time.monotonic()
        if now - self._looked >= LOOK_AGAIN_S:
            self._look_again(now)
        owners = self._look_up(tokens)
        unknown = np.unique(tokens[owners == NOBODY]).tolist()
        if unknown and self._are_there_now(unknown, now):
            self.load()
            owners = self._look_up(tokens)
        return owners

    def _look_again(self, now: float) -> None:
        self._looked = now
        sessions = self._sessions
        if (_newest_import(), sessions_stamp()) != (self._newest_import, sessions):
            self.load()
        if self._sessions != sessions:
            raise SessionsChanged

    def _are_there_now(self, unknown: list[int], now: float) -> bool:
        """Ask for each token at most every RETRY_UNKNOWN_S: a feed may carry thousands that we do not follow."""
        self._asked = {token: at for token, at in self._asked.items() if now - at < RETRY_UNKNOWN_S}
        due = [token for token in unknown if token not in self._asked]
        self._asked |= dict.fromkeys(due, now)
        return bool(due) and Instrument.objects.filter(token__in=due).exists()

    def _look_up(self, tokens: Ints) -> Ints:
        return _found(tokens, self._tokens, self._owners)


def _found(wanted: Ints, keys: Ints, values: Ints) -> Ints:
    """Return the value (n,) of each wanted key, NOBODY where there is none; `keys` ascending."""
    if not len(keys):
        return np.full(len(wanted), NOBODY)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], NOBODY)


def _newest_import() -> int:
    return MasterImport.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
