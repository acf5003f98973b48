"""One log file of several processes: rotated, private, and no line is lost or torn."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradingviz.core.logging.files import SharedRotatingFileHandler

REPOSITORY = Path(__file__).resolve().parents[2]
LINES = 6_000
WRITER = """
import logging, sys
from tradingviz.core.logging import JsonFormatter
from tradingviz.core.logging.files import SharedRotatingFileHandler
handler = SharedRotatingFileHandler(sys.argv[1], max_bytes=10_000, kept=400)
handler.setFormatter(JsonFormatter())
logger = logging.getLogger("writer")
logger.addHandler(handler)
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    logger.warning("line", extra={"who": sys.argv[2], "number": number})
"""


def test_two_processes_lose_no_line_over_rotations(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "app.log"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), who, str(LINES)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for who in "ab"
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:  # both at once: one after the other they could not disturb each other
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    files = [file for file in path.parent.iterdir() if file.suffix != ".lock"]
    found = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert len(files) >= 50
    assert sorted((line["who"], line["number"]) for line in found) == [(w, n) for w in "ab" for n in range(LINES)]


@pytest.fixture
def logger(tmp_path: Path) -> Iterator[logging.Logger]:
    """A logger that writes to `app.log`, 100 bytes a file, two old ones kept."""
    made = logging.getLogger("tests.of_files")
    handler = SharedRotatingFileHandler(str(tmp_path / "app.log"), max_bytes=100, kept=2)
    made.addHandler(handler)
    yield made
    made.removeHandler(handler)
    handler.close()


def test_old_files_are_kept_up_to_their_number(logger: logging.Logger, tmp_path: Path) -> None:
    for number in range(10):
        logger.warning(f"{number}" * 99)
    assert [(tmp_path / name).read_text()[0] for name in ("app.log", "app.log.1", "app.log.2")] == ["9", "8", "7"]
    assert not (tmp_path / "app.log.3").exists()


def test_only_the_owner_reads_the_log(logger: logging.Logger, tmp_path: Path) -> None:
    logger.warning("x")
    assert (tmp_path / "app.log").stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_taken_away_is_begun_anew(logger: logging.Logger, tmp_path: Path) -> None:
    logger.warning("before")
    (tmp_path / "app.log").rename(tmp_path / "elsewhere")
    logger.warning("after")
    assert [(tmp_path / name).read_text() for name in ("elsewhere", "app.log")] == ["before\n", "after\n"]


def test_a_file_that_cannot_be_written_is_no_reason_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = logging.makeLogRecord({"msg": "x"})
    SharedRotatingFileHandler(str(tmp_path)).handle(record)
    assert "IsADirectoryError" in capsys.readouterr().err
