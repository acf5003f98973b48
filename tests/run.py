"""The whole suite (`make test`): pure tests and faults once, database tests on both databases, then one line of counts.

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
# What comes near no hypertable is run on the embedded PostgreSQL only.
NEAR_NO_HYPERTABLE = (
    "tests/client", "tests/security", "tests/websocket", "tests/integration/admin", "tests/integration/core",
    "tests/integration/quickstart", "tests/integration/streaming",
)  # fmt: skip
REQUIRED = os.environ.get("REQUIRE_TIMESCALEDB") == "1"
NOTHING_SELECTED = 5  # pytest's exit code when no test was left to run


def main(arguments: Sequence[str]) -> int:
    """Run everything, some runs side by side, print the counts, return the exit code."""
    total: Counter[str] = Counter()
    with timescaledb() as url, ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
        embedded, left_out = {"TIMESCALEDB_URL": ""}, [f"--ignore={folder}" for folder in NEAR_NO_HYPERTABLE]
        # The longest first.
        runs = [Run("database tests, embedded PostgreSQL", "database", embedded, left_out)]
        if url is None:
            total["failed"] += int(REQUIRED)
        else:
            runs.append(Run("database tests, TimescaleDB", "database", {"TIMESCALEDB_URL": url}, left_out))
        runs += [
            Run("database tests near no hypertable, embedded PostgreSQL", "database", embedded, NEAR_NO_HYPERTABLE),
            Run("faults", "faults"),
            Run("tests without a database", "not database and not faults"),
        ]
        for run, (counts, output) in zip(runs, pool.map(lambda run: run.work(arguments), runs), strict=True):
            banner(run.title)
            print(output, flush=True)
            total += counts
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped", flush=True)
    return 1 if total["failed"] else 0


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
