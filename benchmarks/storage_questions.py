"""The four questions of benchmarks/storage.py: as the selectors answer them, and as one would write them first."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from benchmarks.option_days import EXPIRIES, STEP, SYMBOL, expiries_alive
from benchmarks.storage import Question, execute
from fo_analytics.domain.calendar import MINUTE_MS, Session, from_ms, to_ms
from fo_analytics.domain.chain import Convention
from fo_analytics.domain.moneyness import level
from fo_analytics.models import Instrument, Underlying
from fo_analytics.selectors.chains import ChainAnswer, chain_at
from fo_analytics.selectors.latest import Latest, latest_states
from fo_analytics.selectors.reference import expiry_table, find_underlying
from fo_analytics.selectors.series import Series, Span, moneyness_series, spans_of

Keys = tuple[str, list[tuple[int, Any]]]
"""The rows of an answer: their table, and instrument and open of each."""

COLUMNS = ("close", "oi", "volume", "forward", "iv", "delta", "gamma", "theta", "vega")
LEVELS = ("ATM", "OTM1", "OTM2", "OTM5", "OTM10", "ITM1", "ITM2", "ITM5")
NEWEST = (
    "SELECT DISTINCT ON (instrument_id) bar.* FROM bar JOIN fo_analytics_instrument AS i ON i.id = instrument_id"
    " WHERE i.underlying_id = %s AND {} AND time >= %s AND time <= %s ORDER BY instrument_id, time DESC"
)
MONEY = (
    "SELECT time, atm_strike FROM chain_metric WHERE underlying_id = %s AND expiry = %s AND time >= %s AND time < %s"
)
TIMEFRAME = "AND timeframe = '5m'"
MASTER = "fo_analytics_instrument AS i ON i.id = b.instrument_id AND i.kind = %s AND i.expiry = %s AND i.strike = %s"


def questions(sessions: Sequence[Session]) -> list[Question]:
    """Return the questions over these sessions; reference data is remembered from the first answer, as in a server."""
    underlying = find_underlying(name=SYMBOL)
    whole = (to_ms(sessions[0].opens_at), to_ms(sessions[-1].closes_at))
    return [
        _chain(underlying, sessions),
        _series(underlying, "a day of a minute series", 100, "1m", lambda random: _bounds(_one(sessions, random))),
        _series(underlying, f"{len(sessions)} sessions of a 5-minute series", 300, "5m", lambda random: whole),
        _latest(underlying, sessions),
    ]


def _chain(underlying: Underlying, sessions: Sequence[Session]) -> Question:
    def ask(parameters: Any) -> ChainAnswer:
        at, _, expiry = parameters
        table = expiry_table(underlying=underlying, as_of_ms=at)
        return chain_at(underlying=underlying, table=table, expiry=expiry, convention=Convention.EXACT)

    def draw(random: np.random.Generator) -> Any:
        session = _one(sessions, random)
        return _instant(session, random), session, expiries_alive(session.date)[random.integers(EXPIRIES)]

    def naive(parameters: Any) -> Any:
        at, session, expiry = parameters
        return execute(NEWEST.format("i.expiry = %s"), [underlying.pk, expiry, session.opens_at, _closed(at)])

    def keys(parameters: Any, _: Any) -> Keys:
        at, _, expiry = parameters
        return "bar", [(pk, _closed(at)) for pk in _contracts(expiry=expiry).values_list("pk", flat=True)]

    return Question("chain as of an instant, valued", 60, draw, ask, "DISTINCT ON, newest first", naive, keys)


def _latest(underlying: Underlying, sessions: Sequence[Session]) -> Question:
    def ask(parameters: Any) -> Latest:
        return latest_states(underlying=underlying, as_of_ms=parameters[0])

    def draw(random: np.random.Generator) -> Any:
        return _instant(sessions[-1], random), sessions[-1]

    def naive(parameters: Any) -> Any:
        at, session = parameters
        return execute(NEWEST.format("i.expiry >= %s"), [underlying.pk, session.date, session.opens_at, _closed(at)])

    def keys(parameters: Any, answer: Any) -> Keys:
        return "bar", [(contract.instrument_id, _closed(parameters[0])) for contract in answer.contracts]

    return Question("latest of everything, the last session", 30, draw, ask, "DISTINCT ON, newest first", naive, keys)


def _series(underlying: Underlying, name: str, target: float, timeframe: str, bounds: Any) -> Question:
    def draw(random: np.random.Generator) -> dict[str, Any]:
        since, until = bounds(random)
        return {
            "underlying": underlying, "side": ("call", "put")[random.integers(2)], "timeframe": timeframe,
            "moneyness": LEVELS[random.integers(len(LEVELS))], "expiry": f"NWeek+{random.integers(4)}",
            "since_ms": since, "until_ms": until, "values": COLUMNS,
        }  # fmt: skip

    def ask(named: dict[str, Any]) -> Series:
        return moneyness_series(**named)

    def naive(named: dict[str, Any]) -> list[Any]:
        spans = spans_of(underlying=underlying, **{name: named[name] for name in ("expiry", "since_ms", "until_ms")})
        return [row for span in spans for row in _strike_by_strike(named, span)]

    def keys(named: dict[str, Any], answer: Any) -> Keys:
        kind = "CE" if named["side"] == "call" else "PE"
        ids = {(row.expiry, float(row.strike or 0)): row.pk for row in _contracts(kind=kind)}
        held = zip(answer.expiry, answer.strike.tolist(), answer.time_ms.tolist(), strict=True)
        table = "bar" if timeframe == "1m" else "bar_rollup"
        return table, [(ids[expiry, strike], from_ms(time)) for expiry, strike, time in held]

    return Question(name, target, draw, ask, "the money, then a query per strike and session", naive, keys)


def _strike_by_strike(named: dict[str, Any], span: Span) -> list[Any]:
    """Return a span's rows as a loop over its strikes gets them."""
    rolled = named["timeframe"] != "1m"
    money = dict(execute(MONEY, [named["underlying"].pk, span.expiry, span.from_at, span.to_at]))
    steps = level(named["moneyness"]) * (1 if named["side"] == "call" else -1)
    wanted: dict[float, set[Any]] = {}
    for time, strike in money.items():
        # The last minute of five has the state at a bucket's end.
        if not rolled or time.minute % 5 == 4:
            wanted.setdefault(strike + steps * STEP, set()).add(time - timedelta(minutes=4 * rolled))
    kind = "CE" if named["side"] == "call" else "PE"
    rows = []
    for strike, times in wanted.items():
        table = f"bar_rollup AS b JOIN {MASTER} {TIMEFRAME}" if rolled else f"bar AS b JOIN {MASTER}"
        parameters = [kind, span.expiry, strike, span.from_at, span.to_at]
        found = execute(
            f"SELECT b.time, {', '.join(COLUMNS)} FROM {table} AND b.time >= %s AND b.time < %s", parameters
        )
        rows += [row for row in found if row[0] in times]
    return rows


def read_by_keys(keys: Keys) -> list[Any]:
    """Return the rows of an answer whose keys are known: what no way of finding them can undercut by much."""
    table, rows = keys
    if not rows:
        return []
    ids, times = zip(*rows, strict=True)
    return execute(
        f"SELECT {', '.join(f'held.{name}' for name in COLUMNS)}"
        " FROM unnest(%s::bigint[], %s::timestamptz[]) AS k (id, time)"
        f" JOIN {table} AS held ON held.instrument_id = k.id AND held.time = k.time"
        f" {'' if table == 'bar' else TIMEFRAME} WHERE held.time >= %s AND held.time <= %s",
        [list(ids), list(times), min(times), max(times)],
    )


def write_plans(asked: Sequence[Question], folder: Path) -> None:
    """Write the plan of each question's statement, as its selector sends it, to a file of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for question in asked:
        parameters = question.draw(np.random.default_rng(3))
        question.ask(parameters)
        statements: list[tuple[Any, Any]] = []
        with recorded(statements):
            question.ask(parameters)
        ((sql, given),) = statements
        plan = execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {sql}", given)
        name = "_".join(question.name.replace(",", "").replace("-", " ").split())
        (folder / f"{name}.txt").write_text("\n".join(line for (line,) in plan) + "\n")


@contextmanager
def recorded(statements: list[tuple[Any, Any]]) -> Iterator[None]:
    """Note the statements that are sent meanwhile."""
    execute_one = psycopg.Cursor.execute

    def noted(cursor: Any, sql: Any, given: Any = None, **named: Any) -> Any:
        statements.append((sql, given))
        return execute_one(cursor, sql, given, **named)

    psycopg.Cursor.execute = noted  # type: ignore[method-assign]
    try:
        yield
    finally:
        psycopg.Cursor.execute = execute_one  # type: ignore[method-assign]


def _contracts(**which: Any) -> Any:
    return Instrument.objects.filter(underlying__symbol=SYMBOL, kind__in=("CE", "PE")).filter(**which)


def _one(sessions: Sequence[Session], random: np.random.Generator) -> Session:
    return sessions[random.integers(len(sessions))]


def _bounds(session: Session) -> tuple[int, int]:
    return to_ms(session.opens_at), to_ms(session.closes_at)


def _instant(session: Session, random: np.random.Generator) -> int:
    return to_ms(session.opens_at) + int(random.integers(2 * MINUTE_MS, 370 * MINUTE_MS))


def _closed(at: int) -> Any:
    """Return the open of the newest minute that had closed at an instant."""
    return from_ms(at // MINUTE_MS * MINUTE_MS - MINUTE_MS)
