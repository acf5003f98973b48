"""The whole suite (`make test`): pure tests once, database tests on both databases, then one line of counts.

Arguments are handed on to pytest. REQUIRE_TIMESCALEDB=1 makes a missing TimescaleDB a failure.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.rig.timescaledb import Unavailable, root_folder, running_server

REPOSITORY = Path(__file__).resolve().parents[1]
NOTHING_SELECTED = 5  # pytest's exit code when no test was left to run


def main(arguments: Sequence[str]) -> int:
    """Run everything, print the counts, return the exit code."""
    total = run_pytest("tests without a database", ["-m", "not database", *arguments])
    total += run_pytest("database tests, embedded PostgreSQL", ["-m", "database", *arguments], TIMESCALEDB_URL="")
    total += run_on_timescaledb(arguments)
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped", flush=True)
    return 1 if total["failed"] else 0


def run_on_timescaledb(arguments: Sequence[str]) -> Counter[str]:
    """Run the database tests on a real TimescaleDB; without one say so loudly, fail where it is required."""
    try:
        with real_timescaledb() as url:
            return run_pytest("database tests, TimescaleDB", ["-m", "database", *arguments], TIMESCALEDB_URL=url)
    except Unavailable as reason:
        required = os.environ.get("REQUIRE_TIMESCALEDB") == "1"
        banner(f"{'FAILED' if required else 'SKIPPED'}: database tests on TimescaleDB: {reason}")
        return Counter(failed=int(required))


@contextmanager
def real_timescaledb() -> Iterator[str]:
    """Give the URL of a real TimescaleDB: TIMESCALEDB_URL, else a server out of the provisioned root."""
    url = os.environ.get("TIMESCALEDB_URL")
    if url:
        yield url
        return
    with running_server(root_folder()) as started:
        yield started


def run_pytest(title: str, arguments: Sequence[str], **environment: str) -> Counter[str]:
    """Run pytest in a process of its own and return what it counted; a run that broke off is a failure."""
    banner(title)
    with tempfile.TemporaryDirectory() as folder:
        counts_file = Path(folder) / "counts.json"
        command = [sys.executable, "-m", "pytest", f"--counts-file={counts_file}", *arguments]
        code = subprocess.run(command, cwd=REPOSITORY, env={**os.environ, **environment}, check=False).returncode
        return judge(code, read_counts(counts_file))


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
