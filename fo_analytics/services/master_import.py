"""The master from a broker's list of instruments: what is new, what changed, what is no longer listed.

A contract is known by underlying, kind, expiry and strike; its token is a label that the broker may give to another
contract later. So contracts are matched by what they are, and a token goes where the newest list has it: a contract of
a recording gets the broker's token in place of its made-up one, and one whose token went elsewhere gets a token that
nobody sends (PARKED and its key). Everything happens in one transaction, in a handful of statements.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q

from fo_analytics.freshness import note_everything
from fo_analytics.master_file import (
    REPORT_EVERY,
    TOKEN_LIMIT,
    BadRow,
    ListedRow,
    MasterFile,
    Progress,
    UnreadableMaster,
    read_master,
    take_spots,
    without_repetitions,
)
from fo_analytics.models import Instrument, MasterImport, Underlying
from fo_analytics.queries import query
from tradingviz.core.redis import shared_client

# Above brokers' tokens (32 bits) and above those made for recordings (41 bits).
PARKED = 1 << 41
BATCH = 5000
_LISTED = ("token", "tradingsymbol", "lot_size", "tick_size", "valid_from", "valid_to")
_NEW = ("underlying_id", "kind", "expiry", "strike", *_LISTED)
_TABLE = "fo_analytics_instrument"

Key = tuple[int, str, date | None, Decimal | None]
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: numbers of instruments; `expired` are no longer listed or lost their token."""

    as_of: date
    added: int
    changed: int
    kept: int
    expired: int
    ignored: int
    bad: tuple[BadRow, ...]


@dataclass(slots=True)
class _Plan:
    """What has to be written: `added` are columns _NEW, `changed` the key and _LISTED, the others keys."""

    as_of: date
    added: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    robbed: list[int] = field(default_factory=list)
    expired: list[int] = field(default_factory=list)
    kept: int = 0

    @property
    def eve(self) -> date:
        """Return the day before the list's."""
        return self.as_of - timedelta(days=1)

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.expired)


def import_master(*, path: Path, today: date, as_of: date | None, progress: Progress) -> Imported:
    """Bring the master to the state of a list (.csv, .csv.gz), of the day `as_of`.

    Without `as_of` the list is of today, or of its first expiry where that is earlier: an old file. `progress` is told
    stage, rows done and rows in all. Raises UnreadableMaster, also for a list older than the last, and OSError.
    """
    found = read_master(path, progress=progress)
    with transaction.atomic():
        # Contracts first: a list may bring an underlying and its spot.
        underlyings = _underlyings(found)
        spots = take_spots(found, {symbol: row.exchange for symbol, row in underlyings.items()})
        contracts, foreign = _by_exchange(found.contracts, underlyings)
        rows, repeated = without_repetitions([*contracts, *spots])
        found.bad += repeated
        day = _day_of(found, {row.market for row in rows}, today, as_of)
        _stop_other_writers()
        plan = _plan(rows, underlyings, {bad.symbol for bad in found.bad}, day)
        _correct_indices(spots, underlyings)
        _write(plan, {row.market for row in rows}, progress)
    bad = tuple(sorted(found.bad + foreign, key=lambda row: row.line))
    return Imported(day, len(plan.added), len(plan.changed), plan.kept, len(plan.expired), found.ignored, bad)


# ---------------------------------------------------------------- underlyings


def _underlyings(found: MasterFile) -> dict[str, Underlying]:
    """Return all underlyings by symbol, those new in the file included."""
    held = {row.symbol: row for row in Underlying.objects.all()}
    # Where both exchanges list contracts of a new one, it follows NSE.
    exchanges = {row.symbol: row.exchange for row in sorted(found.contracts, key=lambda row: row.exchange)}
    new = [
        Underlying(symbol=symbol, exchange=exchange, is_index=_looks_like_an_index(symbol, exchange))
        for symbol, exchange in sorted(exchanges.items())
        if symbol not in held
    ]
    return held | {row.symbol: row for row in Underlying.objects.bulk_create(new)}


def _looks_like_an_index(symbol: str, exchange: str) -> bool:
    """Return a guess, which the list of cash instruments corrects: the list of contracts does not say."""
    return exchange == "BSE" or "NIFTY" in symbol


def _by_exchange(
    contracts: Iterable[ListedRow], underlyings: dict[str, Underlying]
) -> tuple[list[ListedRow], list[BadRow]]:
    """Return the contracts that follow their underlying's sessions, and the others as bad rows."""
    rows: list[ListedRow] = []
    foreign: list[BadRow] = []
    for row in contracts:
        at = underlyings[row.symbol].exchange
        if row.exchange == at:
            rows.append(row)
        else:
            reason = f"{row.symbol} follows the sessions of {at}, not {row.exchange}"
            foreign.append(BadRow(row.line, reason, row.symbol))
    return rows, foreign


def _correct_indices(spots: Iterable[ListedRow], underlyings: dict[str, Underlying]) -> None:
    wrong = [row for row in spots if underlyings[row.symbol].is_index != row.is_index]
    for row in wrong:
        underlyings[row.symbol].is_index = row.is_index
    Underlying.objects.bulk_update([underlyings[row.symbol] for row in wrong], ["is_index"])


# ---------------------------------------------------------------- the day of the list


def _day_of(found: MasterFile, markets: set[str], today: date, as_of: date | None) -> date:
    first = found.first_expiry
    day = as_of or min(today, first.expiry if first and first.expiry else today)
    same = Q(pk=None)
    for market in markets:
        same |= Q(markets__contains=market)
    newest = MasterImport.objects.filter(same).order_by("-as_of").first()
    if newest is not None and day < newest.as_of:
        hint = f" (first expiry on line {first.line})" if first and as_of is None else ""
        raise UnreadableMaster(f"the list is of {day}{hint}, the master is as of {newest.as_of} already")
    return day


# ---------------------------------------------------------------- what has to change


def _stop_other_writers() -> None:
    """Keep others from adding instruments until the end of the transaction; readers go on."""
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {_TABLE} IN SHARE ROW EXCLUSIVE MODE")


def _plan(rows: list[ListedRow], underlyings: dict[str, Underlying], spoilt: set[str], as_of: date) -> _Plan:
    plan = _Plan(as_of)
    held = _held(rows, underlyings)
    listed: set[Key] = set()
    for row in rows:
        key = (underlyings[row.symbol].pk, row.kind, row.expiry, row.strike)
        listed.add(key)
        instrument = held.get(key)
        if instrument is None:
            plan.added.append((*key, *_listed(row, min(as_of, row.expiry or as_of))))
        else:
            _compare(plan, instrument, row)
    absent = [instrument for key, instrument in held.items() if key not in listed]
    _expire(plan, absent, {row.token for row in rows}, _complete(rows, underlyings, spoilt))
    return plan


def _held(rows: list[ListedRow], underlyings: dict[str, Underlying]) -> dict[Key, Instrument]:
    """Return the instruments that the list may touch: those of its underlyings, and those that have its tokens."""
    first = min((row.expiry for row in rows if row.expiry), default=date.max)
    ours = Q(underlying__in={underlyings[row.symbol].pk for row in rows}) & (Q(expiry=None) | Q(expiry__gte=first))
    held = {_key(instrument): instrument for instrument in Instrument.objects.filter(ours).order_by().iterator()}
    elsewhere = {row.token for row in rows} - {instrument.token for instrument in held.values()}
    for instrument in Instrument.objects.filter(token__in=elsewhere).order_by():
        held[_key(instrument)] = instrument
    return held


def _key(instrument: Instrument) -> Key:
    return instrument.underlying_id, instrument.kind, instrument.expiry, instrument.strike


def _listed(row: ListedRow, since: date | None) -> Row:
    """Return the columns _LISTED as the list has them."""
    return row.token, row.tradingsymbol, row.lot_size, row.tick_size, since, row.expiry


def _compare(plan: _Plan, instrument: Instrument, row: ListedRow) -> None:
    """Note what the list says otherwise of an instrument."""
    since = instrument.valid_from
    wanted = _listed(row, min(since, plan.as_of) if since else None)
    if wanted == tuple(getattr(instrument, name) for name in _LISTED):
        plan.kept += 1
    else:
        plan.changed.append((instrument.pk, *wanted))


def _complete(rows: list[ListedRow], underlyings: dict[str, Underlying], spoilt: set[str]) -> set[int]:
    """Return the underlyings of which the list has every contract: not those with a row that could not be read."""
    symbols = {row.symbol for row in rows if row.kind != "SPOT"} - spoilt
    return set() if "" in spoilt else {underlyings[symbol].pk for symbol in symbols}


def _expire(plan: _Plan, absent: Iterable[Instrument], tokens: set[int], complete: set[int]) -> None:
    """Note instruments that the list does not have: those that lost their token, and those withdrawn before expiry."""
    for instrument in absent:
        ends = instrument.valid_to
        lost = instrument.token in tokens
        alive = ends is None or ends > plan.eve
        # A contract of a recording was never on a broker's list: that it is not there says nothing.
        withdrawn = instrument.expiry and instrument.token < TOKEN_LIMIT and instrument.underlying_id in complete
        if lost:
            plan.robbed.append(instrument.pk)
        if lost or (withdrawn and alive):
            plan.expired.append(instrument.pk)


# ---------------------------------------------------------------- writing


def _write(plan: _Plan, markets: set[str], progress: Progress) -> None:
    if not plan:
        return
    Instrument.objects.filter(pk__in=plan.robbed).update(token=PARKED + F("pk"))
    still = Q(valid_to=None) | Q(valid_to__gt=plan.eve)
    Instrument.objects.filter(still, pk__in=plan.expired).update(valid_to=plan.eve)
    with connection.cursor() as cursor:
        cursor.execute(query("stage_instruments"))
        _copy(cursor, "staged_instrument", ("id", *_LISTED), plan.changed, progress, "changing")
        cursor.execute(query("supersede_terms"), {"as_of": plan.as_of, "eve": plan.eve})
        # Tokens may go round in a circle: all that move are taken off before any is given.
        cursor.execute(query("park_tokens"), {"parked": PARKED})
        cursor.execute(query("update_instruments"))
        _copy(cursor, _TABLE, _NEW, plan.added, progress, "adding")
    transaction.on_commit(lambda: note_everything(shared_client()))
    MasterImport.objects.create(
        as_of=plan.as_of,
        markets=" ".join(sorted(markets)),
        added=len(plan.added),
        changed=len(plan.changed),
        expired=len(plan.expired),
    )


def _copy(cursor: Any, table: str, columns: Iterable[str], rows: list[Row], progress: Progress, stage: str) -> None:
    with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for done, row in enumerate(rows):
            if done % REPORT_EVERY == 0:
                progress(stage, done, len(rows))
            copy.write_row(row)
    if rows:
        progress(stage, len(rows), len(rows))
