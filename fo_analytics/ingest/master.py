"""The instrument master as ingest needs it: tokens to contracts, underlyings to calendars."""

import time
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from fo_analytics.domain.calendar import Calendar
from fo_analytics.domain.layout import Contract
from fo_analytics.domain.ticks import Ints
from fo_analytics.models import Instrument, Underlying
from fo_analytics.selectors.reference import contract_of
from fo_analytics.selectors.sessions import calendar_of

RETRY_UNKNOWN_S = 10.0
NOBODY = -1


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
    """Tokens, listings and calendars, loaded from the database and loaded again when an unknown token shows up."""

    def __init__(self) -> None:
        self.listings: dict[int, Listing] = {}
        self.calendars: dict[str, Calendar] = {}
        self.version = 0
        self._tokens: Ints = np.empty(0, np.int64)
        self._owners: Ints = np.empty(0, np.int64)
        self._asked: dict[int, float] = {}
        self.load()

    def load(self) -> None:
        """Read everything anew."""
        underlyings = Underlying.objects.all()
        self.listings = {row.pk: Listing(row.pk, row.symbol, row.exchange) for row in underlyings}
        self.calendars = {exchange: calendar_of(exchange=exchange) for exchange in {u.exchange for u in underlyings}}
        owners: dict[int, int] = {}
        for row in Instrument.objects.order_by("pk").iterator():
            self.listings[row.underlying_id].contracts.append(contract_of(row))
            owners[row.token] = row.underlying_id
        self._tokens = np.array(sorted(owners), np.int64)
        self._owners = np.array([owners[token] for token in self._tokens.tolist()], np.int64)
        self.version += 1

    def owners(self, tokens: Ints) -> Ints:
        """Return the underlying's id (n,) of each token, NOBODY where the master lacks it even after a reload."""
        owners = self._look_up(tokens)
        unknown = np.unique(tokens[owners == NOBODY]).tolist()
        now = time.monotonic()
        if any(now - self._asked.get(token, -RETRY_UNKNOWN_S) >= RETRY_UNKNOWN_S for token in unknown):
            self.load()
            self._asked = dict.fromkeys(unknown, now)
            owners = self._look_up(tokens)
        return owners

    def _look_up(self, tokens: Ints) -> Ints:
        if not len(self._tokens):
            return np.full(len(tokens), NOBODY)
        place = np.minimum(np.searchsorted(self._tokens, tokens), len(self._tokens) - 1)
        return np.where(self._tokens[place] == tokens, self._owners[place], NOBODY)
