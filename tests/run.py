"""The whole suite (`make test`): every test on the embedded servers, what stands on hypertables on TimescaleDB, too.

Then one line of counts. REDIS_SERVER_BINARY is the Redis that goes with TimescaleDB.

Each run has servers of its own, so several go on side by side; what they print comes when they end. Arguments go on to
pytest. REQUIRE_TIMESCALEDB=1 makes a missing TimescaleDB a failure.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.rig.timescaledb import Unavailable, root_folder, running_server

REPOSITORY = Path(__file__).resolve().parents[1]
# Two processors, and every run waits for its servers now and then.
SIDE_BY_SIDE = 3
# What stands on hypertables, or on what a Redis of today does otherwise than the embedded one: all of this runs on
# production's servers, too. A query on a hypertable that is not among it fails the run.
ON_PRODUCTION_SERVERS = (
    "tests/migrations", "tests/integration/series", "tests/integration/streaming", "tests/integration/core",
    *(f"tests/integration/ingest/test_{name}.py" for name in (
        "expiry_day", "restart", "rollup_marks", "rollup_sessions", "rollups", "two_days",
    )),
    *(f"tests/integration/backfill/test_{name}.py" for name in ("holes", "repair")),
    *(f"tests/integration/strategies/test_{name}.py" for name in ("at_once", "recomputing", "recorded_days")),
    *(f"tests/integration/test_{name}.py" for name in ("held", "quotes", "retention", "tasks")),
    "tests/integration/accounts/test_snapshots.py", "tests/rig",
    *(f"tests/api/test_{name}.py" for name in (
        "accounts", "chain_changes", "health", "iv_rank", "metrics_series", "moneyness_series", "oi_change", "past",
        "recorded_series", "reference", "straddle_series", "strategy_days", "strategy_m2m", "strike_history",
        "timeframe",
    )),
)  # fmt: skip
EMBEDDED = {"TIMESCALEDB_URL": "", "REDIS_SERVER_BINARY": ""}
ON_EMBEDDED_SERVERS = {
    "ingest": ("tests/integration/ingest", "tests/integration/backfill", "tests/migrations"),
    "security": ("tests/security", "tests/websocket", "tests/client"),
    "API": ("tests/api", "tests/rig"),
}
REQUIRED = os.environ.get("REQUIRE_TIMESCALEDB") == "1"
TESTING = {"ENVIRONMENT": "test", "DJANGO_SETTINGS_MODULE": "tradingviz.settings.test"}
NOTHING_SELECTED = 5  # pytest's exit code when no test was left to run


def main(arguments: Sequence[str]) -> int:
    """Run everything, some runs side by side, print the counts, return the exit code."""
    total: Counter[str] = Counter()
    subprocess.run([sys.executable, "manage.py", "warm"], cwd=REPOSITORY, env=os.environ | TESTING, check=True)
    with timescaledb() as url, ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
        total["failed"] += int(REQUIRED and url is None)
        runs = all_runs(url, {} if arguments else {"TOUCH_EVERY_HYPERTABLE_QUERY": "1"})
        for run, (counts, output) in zip(runs, pool.map(lambda run: run.work(arguments), runs), strict=True):
            banner(run.title)
            print(output, flush=True)
            total += counts
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped", flush=True)
    return 1 if total["failed"] else 0


def all_runs(timescaledb_url: str | None, on_timescaledb: Mapping[str, str]) -> list["Run"]:
    """Return what is to be run: together every test once, and what matters there on production's servers, too."""
    on_timescaledb = {"TIMESCALEDB_URL": timescaledb_url or "", **on_timescaledb}
    others = [f"--ignore={folder}" for folders in ON_EMBEDDED_SERVERS.values() for folder in folders]
    embedded = [
        Run(f"database tests, embedded servers: {name}", "database and not faults", EMBEDDED, folders)
        for name, folders in {**ON_EMBEDDED_SERVERS, "the rest": others}.items()
    ]
    production = "database and Redis tests, production's servers"
    runs = [  # the longest first
        Run("tests without a database", "not database and not faults", EMBEDDED),
        Run(production, "(database or redis) and not faults", on_timescaledb, ON_PRODUCTION_SERVERS),
        Run("faults", "faults", EMBEDDED),
        *embedded,
    ]
    return [run for run in runs if timescaledb_url or run.title != production]


@contextmanager
def timescaledb() -> Iterator[str | None]:
    """Give the URL of a real TimescaleDB: TIMESCALEDB_URL, else a server out of the provisioned root; None loudly."""
    given = os.environ.get("TIMESCALEDB_URL")
    with ExitStack() as stack:
        try:
            url = given or stack.enter_context(running_server(root_folder()))
        except Unavailable as reason:
            banner(f"{'FAILED' if REQUIRED else 'SKIPPED'}: database tests on TimescaleDB: {reason}")
            url = None
        yield url


@dataclass(frozen=True, slots=True)
class Run:
    """One pytest process: what it is called, the marks it selects, what is special in its environment."""

    title: str
    marks: str
    environment: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[str] = ()

    def work(self, arguments: Sequence[str]) -> tuple[Counter[str], str]:
        """Return what was counted and printed; a run that broke off is a failure."""
        with tempfile.TemporaryDirectory() as folder:
            counts_file = Path(folder) / "counts.json"
            command = [sys.executable, "-m", "pytest", f"--counts-file={counts_file}", "-m", self.marks, *self.options]
            command += arguments
            done = subprocess.run(
                command, cwd=REPOSITORY, env={**os.environ, **self.environment}, check=False, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            return judge(done.returncode, read_counts(counts_file)), done.stdout


def judge(code: int, counts: Counter[str]) -> Counter[str]:
    """Return the counts, with a failure added where only pytest's exit code tells of one."""
    if code not in {0, NOTHING_SELECTED} and not counts["failed"]:
        counts["failed"] = 1
    return counts


def read_counts(path: Path) -> Counter[str]:
    """Return a run's counts; none where it ended before it wrote them."""
    if not path.exists():
        return Counter()
    found: Mapping[str, int] = json.loads(path.read_text(encoding="utf-8"))
    return Counter(dict(found))


def banner(text: str) -> None:
    """Print a line that is seen."""
    print(f"\n{'=' * 100}\n== {text}\n{'=' * 100}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
